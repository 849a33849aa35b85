/**
 * `npm run e2e`: releases this repository's images with real Packer, the real buildspecs and the shipped templates into the
 * accounts of moto, and compares what is left with what a rehearsal of the same release leaves.
 *
 *     npm run e2e -- 'prod fails'     only the cases whose name contains that
 *     npm run e2e -- --install        only installs what it and the other suites need
 *
 * Every case is a process of its own, because the tasks' clients keep the endpoint and the credentials that they found first.
 * `E2E_KEEP=1` keeps what the cases leave in .cache/e2e.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pMap from 'p-map';
import * as z from 'zod';
import { atEnd } from './at-end.ts';
import { cases } from './cases.ts';
import { type Installation, install } from './installation.ts';
import { removeStaleMachines } from './machines.ts';

/** Cases wait more than they compute. */
const AT_ONCE = 3;
/** Of what is wrong with a case. */
const LINES_SHOWN = 20;
const COLUMNS_SHOWN = 600;

const say = (line: string): undefined => void process.stdout.write(`${line}\n`);
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const verdictSchema = z.object({ problems: z.array(z.string()) });

async function runAll(only: string): Promise<boolean> {
  const started = performance.now();
  const installation = await install(say);
  say(`Everything is installed (${seconds(started)})`);
  removeStaleMachines();
  const chosen = [...cases.entries()].filter(([, { name }]) => name.includes(only));
  const failures = await pMap(
    chosen,
    async ([index, { name }]) => {
      const startedAt = performance.now();
      const directory = mkdtempSync(join(installation.cache, 'run-'));
      const problems = await inProcess(index, directory);
      if (problems.length === 0) {
        say(`ok      ${name} (${seconds(startedAt)})`);
        if (process.env['E2E_KEEP'] === undefined) rmSync(directory, { recursive: true, force: true });
        return false;
      }
      say(`FAILED  ${name} (${seconds(startedAt)}); see ${directory}`);
      const lines = problems.flatMap((problem) => problem.split('\n'));
      for (const line of lines.slice(0, LINES_SHOWN)) say(`          ${line.slice(0, COLUMNS_SHOWN)}`);
      if (lines.length > LINES_SHOWN) say(`          and ${lines.length - LINES_SHOWN} more lines`);
      return true;
    },
    { concurrency: AT_ONCE },
  );
  if (chosen.length === 0) say(`No case has "${only}" in its name.`);
  const failed = failures.filter(Boolean).length;
  say(`${failures.length - failed} passed, ${failed} failed (${seconds(started)})`);
  return failed === 0 && failures.length > 0;
}

/** Runs one case in a process of its own and returns what is wrong, if anything. */
async function inProcess(index: number, directory: string): Promise<string[]> {
  const child = fork(import.meta.filename, ['--case', String(index), directory]);
  const forget = atEnd(() => void child.kill('SIGTERM'));
  const verdict: { problems?: string[] } = {};
  child.on('message', (message) => Object.assign(verdict, verdictSchema.parse(message)));
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
  forget();
  return verdict.problems ?? [`The case ended without a verdict, with status ${code}.`];
}

async function runOne(index: number, directory: string): Promise<void> {
  const installation: Installation = await install(say);
  const problems: string[] = [];
  try {
    problems.push(
      ...((await cases[index]?.run(installation, directory, index)) ?? ['There is no such case.']),
    );
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  await new Promise((resolve) => process.send?.({ problems }, resolve));
  process.exit(0);
}

const [first = '', index = '', directory = ''] = process.argv.slice(2);
try {
  if (first === '--case') await runOne(Number(index), directory);
  else if (first === '--install') await install(say);
  else process.exit((await runAll(first)) ? 0 : 1);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
