/**
 * `npm run e2e:faults`: the most telling scenarios, with the SDK's real clients, over HTTP and against moto, while a proxy
 * breaks chosen calls. Ends with the line `N scenarios, N violations`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { FACTORIES, prepareBaseline } from '../../faults/player/baseline.ts';
import { say, secondsSince, wholeNumber } from '../../faults/player/command-line.ts';
import { playInPool } from '../../faults/player/pool.ts';
import { filesOf } from '../../fixtures/factories.ts';
import { deployed } from '../factory.ts';
import { installMoto } from '../installation.ts';
import { startProcess } from './processes.ts';
import { scenarios } from './scenarios.ts';

const USAGE = `Plays the most telling faults of a release on the wire: the real SDK over HTTP, against moto, through a proxy.

  npm run e2e:faults                      all scenarios
  npm run e2e:faults -- --only '<id>'     one scenario, by the id that is printed with its violation
  npm run e2e:faults -- --list            the ids, one a line
  npm run e2e:faults -- --calls           also every call that a scenario makes, by the name that a fault is aimed with
  npm run e2e:faults -- --workers 4       motos at the same time; as many as there are cores by default
`;

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
  const workers = wholeNumber('workers', values.workers);
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
  const preparation = {
    python: join(bin, 'python'),
    directory,
    roles: deployed(factory).roles,
    baselines: { two: await prepareBaseline('two'), four: await prepareBaseline('four') },
  };
  say(`Everything is prepared (${secondsSince(startedAt).toFixed(1)} s)`);
  let violations = 0;
  let done = 0;
  const start = (number: number) => startProcess(preparation, number);
  await playInPool(chosen, workers, start, ({ id }, played) => {
    done++;
    const count = `${String(done).padStart(String(chosen.length).length)} of ${chosen.length}`;
    const isGood = played.violations.length === 0;
    if (!isGood) violations++;
    say(`${count}  ${isGood ? 'ok    ' : 'FAILED'}  ${id} (${played.seconds.toFixed(1)} s)`);
    if (values.calls) for (const call of played.calls) say(`          ${call}`);
    for (const violation of played.violations) say(`          ${violation}`);
    if (!isGood) say(`          npm run e2e:faults -- --only '${id}'`);
    return true;
  });
  if (done < chosen.length) throw new Error(`${chosen.length - done} scenarios were not played.`);
  if (violations === 0) rmSync(directory, { recursive: true, force: true });
  else say(`What moto logged is in ${directory}.`);
  say(`It took ${secondsSince(startedAt).toFixed(1)} s.`);
  say(`${chosen.length} scenarios, ${violations} violations`);
  return violations === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
