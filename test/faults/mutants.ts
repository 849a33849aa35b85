/** `npm run mutants`: takes one thing away at a time, and plays scenarios until one notices. Ends with `N mutations, N survivors`. */
import { parseArgs } from 'node:util';
import { availableParallelism } from 'node:os';
import pMap from 'p-map';
import { Chance } from './chance.ts';
import type { Ground } from './ground.ts';
import { type Mutation, mutationsOfMachines, mutationsOfTasks } from './mutations.ts';
import type { Scenario } from './play.ts';
import { type Suite, suite } from './scenarios.ts';
import { type Broken, playInWorkers } from './workers.ts';

const USAGE = `Takes away one Catch, Retry, undo step, tag or read-back at a time, and plays scenarios until one of them notices.

  npm run mutants                       all mutations
  npm run mutants -- --only '<text>'    those whose name holds the text
  npm run mutants -- --list             their names, one a line
  npm run mutants -- --seed 7           other scenarios first; 1 by default
`;

/** So many scenarios may a mutation survive before it counts as a survivor. */
const SCENARIOS = 2_000;
/** Half of them at most are the likely ones. */
const LIKELY = 1_200;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const seed = Number(values.seed);
  const made = await suite(seed);
  const all = [
    ...mutationsOfMachines(made.grounds.four.machines),
    ...mutationsOfTasks(new URL('../../', import.meta.url)),
  ];
  const mutations = all.filter(({ name }) => name.includes(values.only));
  if (values.list) {
    for (const { name } of mutations) say(name);
    return 0;
  }
  if (mutations.length === 0) {
    process.stderr.write(`No mutation is named "${values.only}"; --list shows the names.\n`);
    return 2;
  }
  const startedAt = Date.now();
  let done = 0;
  const survivors: string[] = [];
  await pMap(
    mutations,
    async (mutation) => {
      const noticed = await playMutant(made, mutation, seed);
      done++;
      const seconds = Math.round((Date.now() - startedAt) / 1000);
      const progress = `${String(done).padStart(4)} of ${mutations.length} in ${seconds} s`;
      if (noticed) say(`${progress}  noticed   ${mutation.name}\n${' '.repeat(26)}by ${noticed.id}`);
      else {
        survivors.push(mutation.name);
        say(`${progress}  SURVIVED  ${mutation.name}`);
      }
    },
    { concurrency: availableParallelism() },
  );
  for (const name of survivors) say(`\nsurvived: ${name}\n  npm run mutants -- --only '${name}'`);
  say(`${mutations.length} mutations, ${survivors.length} survivors`);
  return survivors.length === 0 ? 0 : 1;
}

/** The first scenario that notices the mutation. */
async function playMutant(
  { grounds, categories }: Suite,
  { name, likely, change }: Mutation,
  seed: number,
): Promise<Broken | undefined> {
  const scenarios = inOrder(
    categories.flatMap((category) => category.scenarios),
    likely,
    seed,
  );
  const ofMachines = 'machine' in change;
  const [noticed] = await playInWorkers({
    grounds: ofMachines
      ? Object.fromEntries(Object.entries(grounds).map(([size, ground]) => [size, edited(ground, change)]))
      : grounds,
    scenarios,
    workers: 1,
    untilBroken: true,
    ...(!ofMachines && {
      execArgv: ['--import', new URL('mutated-module.ts', import.meta.url).href],
      env: { ...process.env, PACKLEADER_MUTATION: JSON.stringify(change) },
    }),
  });
  const flaw = noticed?.violations.find((violation) => violation.startsWith('suite: it could not be played'));
  if (flaw !== undefined) throw new Error(`${name}: ${flaw}`);
  return noticed;
}

/** The likely ones first, the likeliest before them, each kind in an order of its own. */
function inOrder(all: readonly Scenario[], likely: readonly RegExp[], seed: number): Scenario[] {
  const chance = new Chance(seed);
  const idOf = ({ id }: Scenario): string => id;
  const chosen = new Set<Scenario>();
  for (const pattern of likely) {
    const fitting = all.filter(({ id }) => pattern.test(id));
    for (const one of chance.few(fitting, LIKELY - chosen.size, idOf)) chosen.add(one);
  }
  for (const one of chance.few(all, SCENARIOS - chosen.size, idOf)) chosen.add(one);
  return [...chosen];
}

function edited(ground: Ground, { machine, edit }: Extract<Mutation['change'], { machine: string }>): Ground {
  const machines = ground.machines.map((one) => {
    if (one.name !== machine) return one;
    const definition = structuredClone(one.definition);
    edit(definition);
    return { ...one, definition };
  });
  return { ...ground, machines };
}

process.exitCode = await main();
