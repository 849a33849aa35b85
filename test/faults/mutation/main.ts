/** `npm run mutants`: takes one thing away at a time, and plays scenarios until one kills the mutant. Ends with `N mutations, N survivors`. */
import { parseArgs } from 'node:util';
import { availableParallelism } from 'node:os';
import pMap from 'p-map';
import { say, secondsSince, wholeNumber } from '../player/command-line.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import { type Violated, playInThreads } from '../sandbox/threads.ts';
import { idOf } from '../scenarios/scenario-of.ts';
import { SeededSampler } from '../scenarios/seeded-sampler.ts';
import { suite } from '../suite.ts';
import { TOLD_BY_A_SNAPSHOT } from './machine-mutants.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

const USAGE = `Takes away one Catch, Retry, undo step, tag or read-back at a time, and plays scenarios until one kills the mutant.

  npm run mutants                       all mutations
  npm run mutants -- --only '<text>'    those whose name holds the text
  npm run mutants -- --every 3          every third one only
  npm run mutants -- --every 3 --offset 2   another third; any whole number, 1 by default
  npm run mutants -- --list             their names, one a line
  npm run mutants -- --seed 7           other scenarios first; 1 by default
`;

/** So many scenarios may a mutant survive before it counts as a survivor. */
const SCENARIOS = 2_000;
/** Half of them at most are the likely ones. */
const LIKELY = 1_200;

// The SDK and the interpreter make many errors that nobody reads; their stacks would cost a fifth of the time.
Error.stackTraceLimit = 0;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      every: { type: 'string', default: '1' },
      offset: { type: 'string', default: '1' },
      list: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const every = Math.max(1, wholeNumber('every', values.every));
  const offset = wholeNumber('offset', values.offset);
  const sampler = new SeededSampler(wholeNumber('seed', values.seed));
  const { baselines, categories } = await suite(wholeNumber('seed', values.seed));
  const all = await mutantsOf(baselines);
  const mutants = all.filter(
    // Left out last, so that a sample is the same with it and without it.
    ({ name }, index) =>
      name.includes(values.only) && index % every === offset % every && name !== TOLD_BY_A_SNAPSHOT,
  );
  if (values.list) {
    for (const { name } of mutants) say(name);
    return 0;
  }
  if (mutants.length === 0) {
    process.stderr.write(`No mutation is named "${values.only}"; --list shows the names.\n`);
    return 2;
  }
  const scenarios = categories.flatMap((category) => category.scenarios);
  const startedAt = performance.now();
  let done = 0;
  const survivors: string[] = [];
  await pMap(
    mutants,
    async (mutant) => {
      const killer = await killerOf(mutant, inOrder(scenarios, mutant.likely, sampler));
      done++;
      const progress = `${String(done).padStart(4)} of ${mutants.length} in ${Math.round(secondsSince(startedAt))} s`;
      if (killer) say(`${progress}  killed    ${mutant.name}\n${' '.repeat(26)}by ${killer.id}`);
      else {
        survivors.push(mutant.name);
        say(`${progress}  SURVIVED  ${mutant.name}`);
      }
    },
    { concurrency: availableParallelism() },
  );
  for (const name of survivors) say(`\nsurvived: ${name}\n  npm run mutants -- --only '${name}'`);
  say(`${mutants.length} mutations, ${survivors.length} survivors`);
  return survivors.length === 0 ? 0 : 1;
}

/** The first scenario that kills the mutant. @throws Error when the mutant does not even run: that proves nothing */
async function killerOf(
  { name, baselines, node }: Mutant,
  scenarios: readonly SandboxScenario[],
): Promise<Violated | undefined> {
  const [killer] = await playInThreads({ baselines, scenarios, workers: 1, untilViolated: true, ...node });
  const flaw = killer?.violations.find((violation) => violation.startsWith('suite: it could not be played'));
  if (flaw !== undefined) throw new Error(`${name}: ${flaw}`);
  return killer;
}

/** The likely ones first, the likeliest before them, each kind in an order of its own. */
function inOrder(
  all: readonly SandboxScenario[],
  likely: readonly RegExp[],
  sampler: SeededSampler,
): SandboxScenario[] {
  const chosen = new Set<SandboxScenario>();
  for (const pattern of likely) {
    const fitting = all.filter(({ id }) => pattern.test(id));
    for (const one of sampler.sample(fitting, LIKELY - chosen.size, idOf)) chosen.add(one);
  }
  for (const one of sampler.sample(all, SCENARIOS - chosen.size, idOf)) chosen.add(one);
  return [...chosen];
}

process.exitCode = await main();
