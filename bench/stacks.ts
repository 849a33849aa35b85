/**
 * Measures what is deployed: `npm run bench:stacks`. How long `cdk synth` takes for the hub and its targets, and how large each
 * bundle of a task or trigger is and how long Node 24 takes to import it. Prints a table and ends with 1 when a target is missed.
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { run } from './processes.ts';
import { type Row, count, median, report } from './table.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SYNTHS = 3;
const IMPORTS = 9;
const TARGETS = { synthSeconds: 10, bundleBytes: 1_200_000, importMs: 150 } as const;

/** With the webhook, whose bundle is measured too. */
const WEBHOOK = ['--context', 'packleader:webhookSecret=packleader/webhook'];

const functionSchema = z.object({ FunctionName: z.string(), Code: z.object({ S3Key: z.string() }) });

const [load = 0] = loadavg();
if (load > availableParallelism() / 2)
  process.stderr.write(`The machine is busy (load ${load.toFixed(1)}): the times will be too long.\n`);
report([await synthesis(), ...bundles()]);

/** As `npm run synth` does it, of this repository's own factory. */
async function synthesis(): Promise<Row> {
  const seconds: number[] = [];
  for (let round = 0; round < SYNTHS; round++) {
    seconds.push(
      (await run(process.execPath, ['node_modules/aws-cdk/bin/cdk', 'synth', '--quiet', ...WEBHOOK])).seconds,
    );
  }
  const middle = median(seconds);
  return {
    what: '`cdk synth` of the hub and two targets',
    target: `${TARGETS.synthSeconds} s`,
    measured: `${middle.toFixed(1)} s`,
    kept: middle <= TARGETS.synthSeconds,
  };
}

/** The assets that the synthesis above left in `cdk.out`. */
function bundles(): Row[] {
  return functionsOf(join(ROOT, 'cdk.out', 'packleader-hub.template.json')).flatMap(({ name, code }) => {
    const bytes = statSync(code).size;
    const milliseconds = median(Array.from({ length: IMPORTS }, () => importTime(code)));
    return [
      {
        what: `Bundle of ${name}`,
        target: `${count(TARGETS.bundleBytes)} B`,
        measured: `${count(bytes)} B`,
        kept: bytes <= TARGETS.bundleBytes,
      },
      {
        what: `Import of ${name}`,
        target: `${TARGETS.importMs} ms`,
        measured: `${milliseconds.toFixed(0)} ms`,
        kept: milliseconds <= TARGETS.importMs,
      },
    ];
  });
}

function functionsOf(template: string): { name: string; code: string }[] {
  const { Resources } = z
    .object({ Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown() })) })
    .parse(JSON.parse(readFileSync(template, 'utf8')));
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  if (functions.length === 0) throw new Error(`${template} has no functions`);
  return functions.map(({ Properties }) => {
    const { FunctionName, Code } = functionSchema.parse(Properties);
    const asset = join(dirname(template), `asset.${Code.S3Key.replace(/\.zip$/, '')}`);
    const [code] = globSync(join(asset, 'index.{js,mjs,cjs}'));
    if (code === undefined) throw new Error(`${asset} of ${FunctionName} has no index`);
    return { name: FunctionName, code };
  });
}

/** In a process of its own, with the options that the functions run with. */
function importTime(code: string): number {
  const program = `const from = performance.now(); await import(${JSON.stringify(code)}); process.stdout.write(String(performance.now() - from));`;
  return Number(
    execFileSync(process.execPath, ['--enable-source-maps', '--input-type=module', '--eval', program], {
      encoding: 'utf8',
    }),
  );
}
