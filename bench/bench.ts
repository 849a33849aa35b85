/**
 * Measures what packleader promises: `npm run bench`. Prints a table and ends with 1 when a target is missed. Times are
 * the median of three runs after one that warms up.
 */
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { availableParallelism, loadavg } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { countRelease, type Counts } from './counts.ts';
import { withFactory } from './factories.ts';
import { type Run, run } from './processes.ts';
import { type Row, count, median, print, report } from './table.ts';

const RUNS = 3;

/** The command as `npm run packleader` runs it: npm itself would add its own time and memory. */
const REHEARSE = [process.execPath, '--max-semi-space-size=8', 'cli/packleader.ts', 'rehearse'];

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const QUOTA = { documentKiB: 256, historyEvents: 25_000 } as const;

setFlagsFromString('--heap-growing-percent=20');
const [load = 0] = loadavg();
if (load > availableParallelism() / 2)
  process.stderr.write(`The machine is busy (load ${load.toFixed(1)}): the times will be too long.\n`);
const rows = [
  ...(await timed('`npm start`: this repository’s four images into 2 targets', ['npm', 'start'], {
    seconds: 5,
  })),
  ...(await timed('one image into 2 targets', [...REHEARSE, 'linux-base'], { seconds: 2 })),
  ...(await withFactory({ targets: 1_000, stages: 4 }, async (directory) =>
    timed('one image into 1,000 targets in 4 stages', [...REHEARSE, '--factory', directory], {
      seconds: 15,
      peakMiB: 512,
    }),
  )),
  ...(await quotas()),
];
report(rows);
print(
  ['One image released into', 'Step Functions transitions', 'AWS calls of packleader', 'of Packer'],
  await costs(),
);

async function timed(
  what: string,
  [command = '', ...args]: readonly string[],
  target: { readonly seconds: number; readonly peakMiB?: number },
): Promise<Row[]> {
  const runs: Run[] = [];
  await run(command, args);
  for (let round = 0; round < RUNS; round++) runs.push(await run(command, args));
  const seconds = median(runs.map((one) => one.seconds));
  const time = {
    what: `Time of ${what}`,
    target: `${target.seconds} s`,
    measured: `${seconds.toFixed(1)} s`,
    kept: seconds <= target.seconds,
  };
  if (target.peakMiB === undefined) return [time];
  const peaks = runs.flatMap(({ peakMiB = [] }) => peakMiB);
  const peakMiB = Math.max(...peaks);
  const known = peaks.length > 0;
  const memory = {
    what: `Memory of ${what}`,
    target: `${target.peakMiB} MiB`,
    measured: known ? `${Math.round(peakMiB)} MiB` : 'unknown: no /proc here',
    kept: known && peakMiB <= target.peakMiB,
  };
  return [time, memory];
}

async function quotas(): Promise<Row[]> {
  return withFactory({ targets: 1_000, stages: 4 }, async (directory) => {
    const ways = {
      released: await countRelease(directory),
      'rolled back': await countRelease(directory, { state: STATE_NAMES.publishRelease, kind: 'refused' }),
    };
    return Object.entries(ways).flatMap(([way, counts]) => quotaRows(`1,000 targets, ${way}`, counts));
  });
}

function quotaRows(which: string, { largestDocumentBytes, historyEvents }: Counts): Row[] {
  const kiB = largestDocumentBytes / 1024;
  return [
    {
      what: `Largest document between two states, ${which}`,
      target: `${QUOTA.documentKiB} KiB`,
      measured: `${Math.ceil(kiB)} KiB`,
      kept: kiB < QUOTA.documentKiB,
    },
    {
      what: `Longest history of an execution, ${which}`,
      target: `${count(QUOTA.historyEvents)} events`,
      measured: `${count(historyEvents)} events`,
      kept: historyEvents < QUOTA.historyEvents,
    },
  ];
}

async function costs(): Promise<string[][]> {
  const lines: string[][] = [];
  for (const { targets, stages } of [
    { targets: 2, stages: 2 },
    { targets: 10, stages: 2 },
    { targets: 100, stages: 4 },
    { targets: 1_000, stages: 4 },
  ]) {
    const counts = await withFactory({ targets, stages }, countRelease);
    const each = (total: number) => `${count(total)} (${(total / targets).toFixed(1)} per target)`;
    lines.push([
      `${count(targets)} targets in ${stages} stages`,
      each(counts.transitions),
      each(counts.ownCalls),
      each(counts.packerCalls),
    ]);
  }
  return lines;
}
