/** `npm run faults`: every fault, at every step. Ends with the line `N scenarios, N violations`. */
import { parseArgs } from 'node:util';
import { availableParallelism } from 'node:os';
import { say, secondsSince, wholeNumber } from './player/command-line.ts';
import type { Category } from './scenarios/scenario-of.ts';
import { type Violated, playInThreads } from './sandbox/threads.ts';
import { suite } from './suite.ts';

const USAGE = `Plays every fault at every step of a release, in an AWS that is embedded in this repository.

  npm run faults                          all scenarios
  npm run faults -- --only '<id>'         one scenario, by the id that is printed with its violation
  npm run faults -- --category pairs      one category
  npm run faults -- --every 2             of a large category only every second scenario; small ones whole
  npm run faults -- --list                the ids, one a line
  npm run faults -- --seed 7              other pairs and other samples; 1 by default
  npm run faults -- --workers 4           processes at the same time; as many as there are cores by default
`;

/** A category with fewer scenarios than this is played whole, whatever is sampled. */
const LARGE = 300;

// The SDK and the interpreter make many errors that nobody reads; their stacks would cost a fifth of the time.
Error.stackTraceLimit = 0;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      category: { type: 'string' },
      every: { type: 'string', default: '1' },
      list: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const seed = wholeNumber('seed', values.seed);
  const workers = wholeNumber('workers', values.workers);
  const every = Math.max(1, wholeNumber('every', values.every));
  const { baselines, categories } = await suite(seed, values.only !== undefined);
  const known = categories.map(({ name }) => name);
  if (values.category !== undefined && !known.includes(values.category)) {
    process.stderr.write(`There is no category "${values.category}"; there are ${known.join(', ')}.\n`);
    return 2;
  }
  const chosen = categories
    .filter(({ name }) => values.category === undefined || name === values.category)
    .map((category) => ({
      ...category,
      scenarios: category.scenarios.filter(({ id }) => values.only === undefined || id === values.only),
    }));
  const scenarios = chosen.flatMap(({ scenarios: all }) =>
    all.length < LARGE ? all : all.filter((_, index) => index % every === seed % every),
  );
  if (values.list) {
    for (const { id } of scenarios) say(id);
    return 0;
  }
  if (scenarios.length === 0) {
    process.stderr.write(`There is no scenario "${values.only}"; --list shows the ids.\n`);
    return 2;
  }
  const violated: Violated[] = values.only === undefined ? tooSmall(chosen) : [];
  function explain({ id, violations }: Violated): void {
    say(`\n${id}`);
    for (const violation of violations) say(`  ${violation}`);
    say(`  npm run faults -- --only '${id}'${seed === 1 ? '' : ` --seed ${seed}`}\n`);
  }
  for (const one of violated) explain(one);
  const startedAt = performance.now();
  function onProgress(done: number, bad: number): void {
    const seconds = Math.round(secondsSince(startedAt));
    say(`${String(done).padStart(7)} of ${scenarios.length} played in ${seconds} s, ${bad} violations`);
  }
  violated.push(
    ...(await playInThreads({ baselines, scenarios, workers }, { onProgress, onViolated: explain })),
  );
  say(`${scenarios.length} scenarios, ${violated.length} violations`);
  return violated.length === 0 ? 0 : 1;
}

/** Says how many scenarios there are; a category that has lost most of its own would go unseen. */
function tooSmall(categories: readonly Category[]): Violated[] {
  return categories.flatMap(({ name, scenarios: { length }, atLeast }) => {
    say(`${String(length).padStart(7)}  ${name}`);
    return length < atLeast
      ? [{ id: name, violations: [`suite: only ${length} scenarios, expected ${atLeast} or more`] }]
      : [];
  });
}

process.exitCode = await main();
