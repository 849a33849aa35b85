/**
 * `npm run e2e`: releases this repository's images with real Packer, the real buildspecs and the shipped templates into the
 * accounts of moto, and compares what is left with what a rehearsal of the same release leaves.
 *
 *     npm run e2e -- 'prod fails'     only the cases whose name contains that
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { cases } from './cases.ts';
import { type Installation, install } from './installation.ts';
import { removeStaleMachines } from './machines.ts';

const [only = ''] = process.argv.slice(2);
const say = (line: string): undefined => void process.stdout.write(`${line}\n`);
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function main(): Promise<boolean> {
  const started = performance.now();
  const installation = await install(say);
  say(`Installed (${seconds(started)})`);
  removeStaleMachines();
  let passed = 0;
  let failed = 0;
  for (const { name, run } of cases.filter((one) => one.name.includes(only))) {
    const startedAt = performance.now();
    const directory = mkdtempSync(join(installation.cache, 'run-'));
    const problems = await attempt(run, installation, directory);
    if (problems.length === 0) {
      passed += 1;
      say(`ok      ${name} (${seconds(startedAt)})`);
      if (process.env['E2E_KEEP'] === undefined) rmSync(directory, { recursive: true, force: true });
    } else {
      failed += 1;
      say(`FAILED  ${name} (${seconds(startedAt)}); see ${directory}`);
      for (const problem of problems) say(`          ${problem.replaceAll('\n', '\n          ')}`);
    }
  }
  if (passed + failed === 0) say(`No case has "${only}" in its name.`);
  say(`${passed} passed, ${failed} failed in ${seconds(started)}`);
  return failed === 0 && passed > 0;
}

async function attempt(
  run: (installation: Installation, directory: string) => Promise<string[]>,
  installation: Installation,
  directory: string,
): Promise<string[]> {
  try {
    return await run(installation, directory);
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
}

atEnd(() => {});
try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
