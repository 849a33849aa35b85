/**
 * `npm run e2e:faults`: the scenarios that tell most, with the SDK's real clients, over HTTP and against moto, while a proxy
 * breaks chosen calls. Ends with the line `N scenarios, N violations`.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { FACTORIES, type Ground, prepareGround } from '../../faults/ground.ts';
import { filesOf } from '../../workflow/machines/rehearsing.ts';
import { atEnd } from '../at-end.ts';
import { deployed } from '../factory.ts';
import { installMoto } from '../installation.ts';
import type { DeployedRole } from '../moto.ts';
import type { Scenario } from './play.ts';
import { scenarios } from './scenarios.ts';

const USAGE = `Plays the most telling faults of a release on the wire: the real SDK over HTTP, against moto, through a proxy.

  npm run e2e:faults                      all scenarios
  npm run e2e:faults -- --only '<id>'     one scenario, by the id that is printed with its violation
  npm run e2e:faults -- --list            the ids, one a line
  npm run e2e:faults -- --calls           also every call that a scenario makes, by the name that a fault strikes it by
  npm run e2e:faults -- --workers 4       motos at the same time; as many as there are cores by default
`;

const say = (line: string): undefined => void process.stdout.write(`${line}\n`);
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** What a worker needs to begin. */
export interface Preparation {
  readonly python: string;
  readonly directory: string;
  readonly roles: readonly DeployedRole[];
  readonly grounds: Readonly<Record<'two' | 'four', Ground>>;
}

const playedSchema = z.object({
  id: z.string(),
  violations: z.array(z.string()),
  calls: z.array(z.string()),
});
type Played = z.infer<typeof playedSchema>;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      list: { type: 'boolean', default: false },
      calls: { type: 'boolean', default: false },
      workers: { type: 'string', default: String(availableParallelism()) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1)
    throw new Error(`--workers is "${values.workers}"; it must be a whole number above 0.`);
  const chosen = scenarios.filter(({ id }) => values.only === undefined || id === values.only);
  if (values.list) {
    for (const { id } of chosen) say(id);
    return 0;
  }
  if (chosen.length === 0) {
    process.stderr.write(`There is no scenario "${values.only}"; --list shows the ids.\n`);
    return 2;
  }
  const startedAt = performance.now();
  const { cache, bin } = installMoto(say);
  const directory = mkdtempSync(join(cache, 'faults-'));
  const { factory } = loadConfiguration(filesOf(FACTORIES.four));
  const preparation: Preparation = {
    python: join(bin, 'python'),
    directory,
    roles: deployed(factory).roles,
    grounds: { two: await prepareGround('two'), four: await prepareGround('four') },
  };
  say(`Everything is prepared (${seconds(startedAt)})`);
  let violations = 0;
  let done = 0;
  await playInProcesses(preparation, chosen, Math.min(workers, chosen.length), (played, since) => {
    done++;
    const count = `${String(done).padStart(String(chosen.length).length)} of ${chosen.length}`;
    const isGood = played.violations.length === 0;
    if (!isGood) violations++;
    say(`${count}  ${isGood ? 'ok    ' : 'FAILED'}  ${played.id} (${seconds(since)})`);
    if (values.calls) for (const call of played.calls) say(`          ${call}`);
    for (const violation of played.violations) say(`          ${violation}`);
    if (!isGood) say(`          npm run e2e:faults -- --only '${played.id}'`);
  });
  if (violations === 0) rmSync(directory, { recursive: true, force: true });
  else say(`What moto logged is in ${directory}.`);
  say(`It took ${seconds(startedAt)}.`);
  say(`${chosen.length} scenarios, ${violations} violations`);
  return violations === 0 ? 0 : 1;
}

/** Every process has a moto, a proxy and clients of its own, and takes the next scenario when it has done with one. */
async function playInProcesses(
  preparation: Preparation,
  chosen: readonly Scenario[],
  workers: number,
  onPlayed: (played: Played, since: number) => void,
): Promise<void> {
  const waiting = [...chosen];
  const one = async (_: unknown, number: number): Promise<void> => {
    const worker = fork(join(import.meta.dirname, 'worker.ts'), [String(number)], {
      serialization: 'advanced',
    });
    const forget = atEnd(() => void worker.kill('SIGTERM'));
    let current: { id: string; since: number } | undefined;
    const next = (): void => {
      const scenario = waiting.shift();
      current = scenario && { id: scenario.id, since: performance.now() };
      if (scenario) worker.send({ play: scenario.id });
      else worker.disconnect();
    };
    worker.on('message', (message) => {
      if (current !== undefined) onPlayed(playedSchema.parse(message), current.since);
      next();
    });
    worker.send(preparation);
    const status = await new Promise<number | null>((resolve) => worker.on('exit', resolve));
    forget();
    if (current !== undefined)
      onPlayed(
        {
          id: current.id,
          violations: [`suite: its process ended with the status ${status}`],
          calls: [],
        },
        current.since,
      );
  };
  await Promise.all(Array.from({ length: workers }, one));
  if (waiting.length > 0) throw new Error(`${waiting.length} scenarios were not played.`);
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
