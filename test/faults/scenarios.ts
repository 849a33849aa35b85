/** All scenarios, derived from what a release was seen to call. */
import type { Ground, Past } from './ground.ts';
import { type Fault, type RecordedCall, nameOfFault } from './injection.ts';
import { kindsFor, withoutMiddlePolls } from './kinds.ts';
import { type Opening, openingsFrom } from './openings.ts';
import { type Scenario, play } from './play.ts';
import { randomFrom, sample } from './random.ts';

export interface Category {
  readonly name: string;
  readonly scenarios: readonly Scenario[];
  /** Fewer than so many are a fault of the suite. */
  readonly atLeast: number;
}

const PASTS: readonly Past[] = ['released before', 'first release', 'latest by hand'];
const PAIRS = 4_000;
const UNDO = /^(Withdraw|Deregister|Verify|Announce rollback)/;
const PUBLISHING = /^(Publish|Withdraw)/;

const plain = (category: string, past: Past, faults: readonly Fault[], opening?: string): Scenario => ({
  id: [category, past, ...(opening === undefined ? [] : [opening]), ...faults.map(nameOfFault)].join(' | '),
  category,
  past,
  actors: ['A'],
  faults,
});

async function record(
  ground: Ground,
  past: Past,
  faults: readonly Fault[],
): Promise<readonly RecordedCall[]> {
  return (await play(ground, plain('recording', past, faults), true)).recorded;
}

const faultsIn = (calls: readonly RecordedCall[]): Fault[] =>
  calls.flatMap((call) => kindsFor(call).map((kind) => ({ point: call.point, kind })));

export async function allScenarios(ground: Ground, seed: number): Promise<Category[]> {
  const random = randomFrom(seed);
  const good = await record(ground, 'released before', []);
  const calls = withoutMiddlePolls(good);
  const forward = faultsIn(calls);
  const openings = openingsFrom(good);
  const undo = new Map<Opening, Fault[]>();
  for (const opening of openings) undo.set(opening, await undoFaults(ground, 'released before', opening));
  return [
    {
      name: 'nothing',
      atLeast: 3,
      scenarios: PASTS.map((past) => ({ ...plain('nothing', past, []), ends: ['released'] as const })),
    },
    {
      name: 'one fault',
      atLeast: 1_500,
      scenarios: forward.map((fault) => plain('one fault', 'released before', [fault])),
    },
    {
      name: 'one fault, other pasts',
      atLeast: 500,
      scenarios: PASTS.slice(1).flatMap((past) =>
        forward
          .filter(({ point }) => PUBLISHING.test(point.state))
          .map((fault) => plain('one fault, other pasts', past, [fault])),
      ),
    },
    {
      name: 'a fault in the undo',
      atLeast: 5_000,
      scenarios: [...undo].flatMap(([{ name, faults }, list]) =>
        list.map((fault) => withOpening('a fault in the undo', 'released before', name, faults, [fault])),
      ),
    },
    {
      name: 'a fault in the undo, other pasts',
      atLeast: 300,
      scenarios: await withdrawals(ground, openings),
    },
    { name: 'pairs', atLeast: PAIRS, scenarios: pairs(undo, random) },
  ];
}

function withOpening(
  category: string,
  past: Past,
  name: string,
  opening: readonly Fault[],
  faults: readonly Fault[],
): Scenario {
  return { ...plain(category, past, faults, name), faults: [...opening, ...faults] };
}

async function undoFaults(ground: Ground, past: Past, { faults }: Opening): Promise<Fault[]> {
  const calls = await record(ground, past, faults);
  return faultsIn(calls.filter(({ point }) => UNDO.test(point.state)));
}

async function withdrawals(ground: Ground, openings: readonly Opening[]): Promise<Scenario[]> {
  const found: Scenario[] = [];
  for (const past of PASTS.slice(1)) {
    for (const opening of openings.filter(({ name }) => name.startsWith('publishing'))) {
      const faults = await undoFaults(ground, past, opening);
      for (const fault of faults.filter(({ point }) => PUBLISHING.test(point.state)))
        found.push(
          withOpening('a fault in the undo, other pasts', past, opening.name, opening.faults, [fault]),
        );
    }
  }
  return found;
}

/** Two faults in the undo of one failure. */
function pairs(undo: ReadonlyMap<Opening, Fault[]>, random: () => number): Scenario[] {
  const openings = [...undo].filter(([, faults]) => faults.length > 0);
  const found = new Map<string, Scenario>();
  while (found.size < PAIRS) {
    const [opening] = sample(openings, 1, random);
    if (opening === undefined) break;
    const [{ name, faults }, list] = opening;
    const two = sample(list, 2, random);
    const scenario = withOpening('pairs', 'released before', name, faults, two);
    found.set(scenario.id, scenario);
  }
  return [...found.values()];
}
