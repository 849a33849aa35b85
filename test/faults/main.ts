/** `npm run faults`: every fault, at every step. Ends with the line `N scenarios, N violations`. */
import { parseArgs } from 'node:util';
import { availableParallelism } from 'node:os';
import type { Scenario } from './play.ts';
import { suite } from './scenarios.ts';
import { type Broken, playInWorkers } from './workers.ts';

const USAGE = `Plays every fault at every step of a release, in an AWS that is embedded in this repository.

  npm run faults                          all scenarios
  npm run faults -- --only '<id>'         one scenario, by the id that is printed with its violation
  npm run faults -- --category pairs      one category
  npm run faults -- --list                the ids, one a line
  npm run faults -- --seed 7              other pairs and other samples; 1 by default
  npm run faults -- --workers 4           processes at the same time; as many as there are cores by default
`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      category: { type: 'string' },
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
  const { grounds, categories } = await suite(seed, values.only !== undefined);
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
  const scenarios: Scenario[] = chosen.flatMap((category) => category.scenarios);
  if (values.list) {
    for (const { id } of scenarios) say(id);
    return 0;
  }
  if (scenarios.length === 0) {
    process.stderr.write(`There is no scenario "${values.only}"; --list shows the ids.\n`);
    return 2;
  }
  const broken: Broken[] = [];
  if (values.only === undefined) {
    for (const { name, scenarios: list, atLeast } of chosen) {
      say(`${String(list.length).padStart(7)}  ${name}`);
      if (list.length < atLeast)
        broken.push({
          id: name,
          violations: [`suite: only ${list.length} scenarios, expected ${atLeast} or more`],
        });
    }
  }
  const explain = ({ id, violations }: Broken): void => {
    say(`\n${id}`);
    for (const violation of violations) say(`  ${violation}`);
    say(`  npm run faults -- --only '${id}'${seed === 1 ? '' : ` --seed ${seed}`}\n`);
  };
  for (const one of broken) explain(one);
  const startedAt = Date.now();
  const onProgress = (done: number, bad: number): void => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    say(`${String(done).padStart(7)} of ${scenarios.length} played in ${seconds} s, ${bad} violations`);
  };
  const work = { grounds, scenarios, workers: Math.min(workers, scenarios.length) };
  broken.push(...(await playInWorkers(work, { onProgress, onBroken: explain })));
  say(`${scenarios.length} scenarios, ${broken.length} violations`);
  return broken.length === 0 ? 0 : 1;
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${option} is "${text}"; it must be a whole number above 0.`);
}

process.exitCode = await main();
