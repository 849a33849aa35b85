/** All scenarios, derived from what a release was seen to call. */
import { type Ground, type Past, type Size, prepareGround } from './ground.ts';
import { type Fault, type RecordedCall, nameOfFault } from './injection.ts';
import { kindsFor, passes, withoutMiddlePolls } from './kinds.ts';
import { type Opening, openingsFrom } from './openings.ts';
import { type Scenario, play } from './play.ts';
import { type Point, nameOfPoint } from './points.ts';
import { Chance } from './chance.ts';
import { USER_NAMES } from './users.ts';
import { type Turns, isCounted } from './turnstile.ts';

export interface Category {
  readonly name: string;
  readonly scenarios: readonly Scenario[];
  /** Fewer than so many are a fault of the suite. */
  readonly atLeast: number;
}

const PASTS: readonly Past[] = ['released before', 'first release', 'latest by hand'];
/** Of what is too much to be played all, so many are chosen by the seed. */
const UNDO_FAULTS = 7_000;
const ELSEWHERE = 1_000;
const SWEEP_FAULTS = 2_000;
const PAIRS = 3_000;
const FIRSTS_OF_PAIRS = 100;
/** Of all the numbers of calls that one release can make between two of the other, so many are played. */
const BETWEEN = 4;
const UNDO = /^(Withdraw|Deregister|Verify|Announce rollback)/;
const PUBLISHING = /^(Publish|Withdraw)/;

/** Categories in which several actors call at once. */
const AT_ONCE = /sweep|stopped|two releases/;

/** A scenario, and its id from all that makes it what it is. */
function scenario(
  category: string,
  rest: Omit<Partial<Scenario>, 'id' | 'category'> & { readonly told?: readonly string[] },
): Scenario {
  const { told = [], past = 'released before', size = 'four', actors = ['A'], faults = [], ...more } = rest;

  const id = [category, ...(past === 'released before' ? [] : [past]), ...told].join(' | ');
  // What AWS can have shown before, and who calls first of those that work at once, depends on a moment.
  const mayMiss = faults.some(({ kind }) => kind.startsWith('stale')) || AT_ONCE.test(category);
  return { ...more, id, category, size, past, actors, faults, ...(mayMiss && { mayMiss }) };
}

const plain = (category: string, past: Past, fault: Fault): Scenario =>
  scenario(category, {
    past,
    faults: [fault],
    told: [nameOfFault(fault)],
    ...(passes(fault) && { ends: ['released'] }),
  });

async function record(ground: Ground, made: Omit<Partial<Scenario>, 'id'>): Promise<readonly RecordedCall[]> {
  return (await play(ground, scenario('recording', made), true)).recorded;
}

const faultsIn = (calls: readonly RecordedCall[]): Fault[] =>
  calls.flatMap((call) => kindsFor(call).map((kind) => ({ point: call.point, kind })));

/** Those that strike a whole task or build are few, and all of them are played; of the rest a sample. */
function sampleBut(all: readonly Scenario[], count: number, chance: Chance): Scenario[] {
  const [whole = [], rest = []] = [true, false].map((wanted) =>
    all.filter(({ faults }) => isService(faults.at(-1)?.point.operation ?? '') === wanted),
  );
  return [...whole, ...chance.some(rest, count - whole.length, idOf)];
}

/** Everything there is to play, and the grounds to play it on. */
export interface Suite {
  readonly grounds: Readonly<Record<Size, Ground>>;
  readonly categories: readonly Category[];
}

/** `everything`: without samples, so that any scenario can be found by its id. */
export async function suite(seed: number, everything = false): Promise<Suite> {
  const grounds = {
    four: await prepareGround('four'),
    two: await prepareGround('two'),
    many: await prepareGround('many'),
  };
  const chance = new Chance(seed, everything);
  await warmUp(grounds.four);
  const good = await record(grounds.four, {});
  const openings = openingsFrom(good);
  const undo: OpenedUndo[] = [];
  for (const opening of openings) undo.push(await undoOf(grounds.four, 'released before', opening));
  const categories = [
    ...singleFaults(good),
    ...(await undoFaults(grounds.four, openings, undo, chance)),
    { name: 'pairs', atLeast: PAIRS / 2, scenarios: await pairs(grounds.four, undo, chance) },
    ...(await sweptScenarios(grounds.four, good, undo, chance)),
    ...(await twoReleases(grounds.two, chance)),
    ...(await usedImages(grounds.two)),
    ...(await wholeReleases(grounds.two)),
    ...(await failingMaps(grounds)),
  ];
  return { grounds, categories: categories.map(withoutTwins) };
}

const idOf = ({ id }: Scenario): string => id;

/** What two ways of choosing both chose is played once. */
const withoutTwins = (category: Category): Category => ({
  ...category,
  scenarios: [...new Map(category.scenarios.map((one) => [one.id, one])).values()],
});

/** The first play of each task loads its module, which takes its time: calls that are made at once change places. */
async function warmUp(ground: Ground): Promise<void> {
  const good = await record(ground, {});
  await record(ground, { stopAfter: late(good), sweptAtOnce: true });
  for (const { faults } of openingsFrom(good)) await record(ground, { faults });
}

function singleFaults(good: readonly RecordedCall[]): Category[] {
  const forward = faultsIn(withoutMiddlePolls(good));
  return [
    {
      name: 'nothing',
      atLeast: PASTS.length,
      scenarios: PASTS.map((past) => scenario('nothing', { past, ends: ['released'] })),
    },
    {
      name: 'one fault',
      atLeast: 1_500,
      scenarios: forward.map((fault) => plain('one fault', 'released before', fault)),
    },
    {
      name: 'one fault, another past',
      atLeast: 500,
      scenarios: PASTS.slice(1).flatMap((past) =>
        forward
          .filter(({ point }) => PUBLISHING.test(point.state))
          .map((fault) => plain('one fault, another past', past, fault)),
      ),
    },
  ];
}

interface OpenedUndo {
  readonly opening: Opening;
  /** Every call of the undo states. */
  readonly calls: readonly RecordedCall[];
  readonly faults: readonly Fault[];
}

async function undoOf(ground: Ground, past: Past, opening: Opening): Promise<OpenedUndo> {
  const all = await record(ground, { past, faults: opening.faults });
  const calls = all.filter(({ point }) => UNDO.test(point.state));
  return { opening, calls, faults: faultsIn(calls) };
}

/** A task that does not answer is called once more, and not twice. */
const areTooSlow = (faults: readonly Fault[]): boolean =>
  faults.filter(({ kind }) => kind.startsWith('slow')).length > 1;

const opened = (category: string, past: Past, { name, faults }: Opening, more: readonly Fault[]): Scenario =>
  scenario(category, {
    past,
    faults: [...faults, ...more],
    told: [name, ...more.map(nameOfFault)],
    ...(more.every(passes) && !areTooSlow(more) && { ends: ['rolled back'] }),
  });

async function undoFaults(
  ground: Ground,
  openings: readonly Opening[],
  undo: readonly OpenedUndo[],
  chance: Chance,
): Promise<Category[]> {
  const elsewhere: Scenario[] = [];
  for (const past of PASTS.slice(1)) {
    for (const opening of openings.filter(({ name }) => name.startsWith('publishing'))) {
      const { faults } = await undoOf(ground, past, opening);
      for (const fault of faults.filter(({ point }) => PUBLISHING.test(point.state)))
        elsewhere.push(opened('a fault in the undo, another past', past, opening, [fault]));
    }
  }
  const all = undo.flatMap(({ opening, faults }) =>
    faults.map((fault) => opened('a fault in the undo', 'released before', opening, [fault])),
  );
  return [
    {
      name: 'a fault in the undo',
      atLeast: UNDO_FAULTS,
      scenarios: sampleBut(all, UNDO_FAULTS, chance),
    },
    {
      name: 'a fault in the undo, another past',
      atLeast: ELSEWHERE,
      scenarios: sampleBut(elsewhere, ELSEWHERE, chance),
    },
  ];
}

/** Two faults in the undo of one failure; the second one is met for sure, for it strikes a call that was made after the first. */
async function pairs(ground: Ground, undo: readonly OpenedUndo[], chance: Chance): Promise<Scenario[]> {
  const found: Scenario[] = undo.flatMap(blind);
  const firsts = undo.flatMap(({ opening, faults }) => faults.map((first) => ({ opening, first })));
  const nameOf = ({ opening, first }: (typeof firsts)[number]) => `${opening.name} ${nameOfFault(first)}`;
  for (const { opening, first } of chance.few(firsts, FIRSTS_OF_PAIRS, nameOf)) {
    const made = scenario('recording', { faults: [...opening.faults, first] });
    const { recordedSinceStrike } = await play(ground, made, true);
    const after = recordedSinceStrike.filter(({ point }) => UNDO.test(point.state));
    const seconds = faultsIn(after).map((second): Scenario => ({
      ...opened('pairs', 'released before', opening, [first, second]),
      mayMiss: true,
    }));
    found.push(...chance.some(seconds, PAIRS / FIRSTS_OF_PAIRS, idOf));
  }
  return found;
}

/** The undo may not remove something, and the check after it may not look: nobody must call that a clean end. */
function blind({ opening, calls }: OpenedUndo): Scenario[] {
  const removals = calls.filter(({ point }) => /:(Delete|Deregister|Terminate|Stop)/.test(point.operation));
  return removals.flatMap(({ point }) => {
    const look = calls.find(
      (call) => call.point.state === 'Verify rollback' && call.point.place === point.place,
    );
    return look === undefined
      ? []
      : [
          opened('pairs', 'released before', opening, [
            { point, kind: 'denied' },
            { point: look.point, kind: 'denied' },
          ]),
        ];
  });
}

const STOPPED_ENDS = [
  'stopped',
  'released',
  'released without announcement',
  'rolled back',
  'rollback incomplete',
] as const;

/** Releases that are stopped, and the sweeps that clear up after them. */
async function sweptScenarios(
  ground: Ground,
  good: readonly RecordedCall[],
  undo: readonly OpenedUndo[],
  chance: Chance,
): Promise<Category[]> {
  const points = withoutMiddlePolls(good).filter(({ point }) => !isService(point.operation));
  const stops = points.flatMap(({ point }) =>
    [true, false].map((sweptAtOnce) =>
      scenario('stopped', {
        stopAfter: point,
        // Whoever ends it, no Catch runs; a time limit is met as often as a person's hand.
        ...(!sweptAtOnce && { timesOut: true }),
        sweptAtOnce,
        ends: STOPPED_ENDS,
        told: [
          `after ${nameOfPoint(point)}`,
          sweptAtOnce ? 'swept at once' : 'timed out, swept an hour later',
        ],
      }),
    ),
  );
  const stopsInUndo = undo.flatMap(({ opening, calls }) =>
    calls
      .filter(({ point }) => !isService(point.operation))
      .map(({ point }, index) =>
        scenario('stopped in the undo', {
          faults: opening.faults,
          stopAfter: point,
          sweptAtOnce: index % 2 === 0,
          ends: STOPPED_ENDS,
          told: [
            opening.name,
            `after ${nameOfPoint(point)}`,
            index % 2 === 0 ? 'swept at once' : 'swept an hour later',
          ],
        }),
      ),
  );
  const swept: Scenario[] = [];
  const dying: Scenario[] = [];
  for (const base of stoppedBases(stops)) {
    const calls = (await record(ground, base)).filter(({ point }) => point.who === 'sweep');
    const told = [base.id.replace('stopped | ', '')];
    for (const fault of faultsIn(calls))
      swept.push(
        scenario('a fault in the sweep', {
          ...base,
          faults: [fault],
          told: [...told, nameOfFault(fault)],
          ...(passes(fault) && { sweeps: 'well' }),
        }),
      );
    for (const { point } of calls.filter((call) => !isService(call.point.operation)))
      dying.push(
        scenario('the sweep dies', {
          ...base,
          stopSweepAfter: point,
          told: [...told, `after ${nameOfPoint(point)}`],
        }),
      );
  }
  const racing = [
    ...points.map(({ point }) => ({ faults: [] as readonly Fault[], name: 'a good release', point })),
    ...undo.flatMap(({ opening, calls }) =>
      calls
        .filter(({ point }) => !isService(point.operation))
        .map(({ point }) => ({ faults: opening.faults, name: opening.name, point })),
    ),
  ];
  // A role is assumed in the middle of another call, which the sweep must not wait for.
  const apart = racing.filter(({ point }) => point.operation !== 'sts:AssumeRole');
  const races = apart.map(({ faults, name, point }) =>
    scenario('a sweep during a release', {
      faults,
      sweepDuring: point,
      told: [name, `during ${nameOfPoint(point)}`],
    }),
  );
  return [
    { name: 'stopped', atLeast: 300, scenarios: stops },
    { name: 'stopped in the undo', atLeast: 500, scenarios: stopsInUndo },
    { name: 'the sweep dies', atLeast: 1_000, scenarios: dying },
    {
      name: 'a fault in the sweep',
      atLeast: SWEEP_FAULTS,
      scenarios: sampleBut(swept, SWEEP_FAULTS, chance),
    },
    { name: 'a sweep during a release', atLeast: 1_500, scenarios: races },
  ];
}

const isService = (operation: string): boolean => /^(lambda|states):|\.sync$/.test(operation);

/** Places where a stopped release leaves most to sweep. */
const RICH = [
  'Bake prod AMIs, Packer: ec2:RunInstances',
  'Bake prod AMIs, Packer: ec2:CreateImage',
  'Publish release: ssm:PutParameter',
];

function stoppedBases(stops: readonly Scenario[]): Scenario[] {
  return RICH.map((rich) => {
    const base = stops.findLast(({ id, sweptAtOnce }) => id.includes(rich) && sweptAtOnce === true);
    if (base === undefined) throw new Error(`No release is stopped after ${rich}.`);
    return base;
  });
}

/** Two releases of one image at once: how they end, and what of the other's calls lies between one's. */
async function twoReleases(ground: Ground, chance: Chance): Promise<Category[]> {
  const calls = await record(ground, { actors: ['A', 'B'], size: 'two' });
  const counted = calls.filter(({ point }) => isCounted(point));
  const failing = (who: 'A' | 'B'): Fault[] => {
    const at = counted.findLast(
      ({ point }) => point.who === who && point.operation === 'ssm:GetParametersByPath' && point.nth === 1,
    );
    if (!at) throw new Error(`${who} never looks for the newest version.`);
    return [{ point: at.point, kind: 'denied' }];
  };
  const modes = [
    { name: 'both succeed', faults: [] },
    { name: 'the older fails', faults: failing('A') },
    { name: 'the newer fails', faults: failing('B') },
    { name: 'both fail', faults: [...failing('A'), ...failing('B')] },
    {
      name: 'the older fails, and its undo dies',
      faults: [...failing('A'), await dyingUndo(ground, failing('A'))],
    },
  ];
  const scenarios: Scenario[] = [];
  for (const { name, faults } of modes) {
    const made = await record(ground, { actors: ['A', 'B'], size: 'two', faults });
    const count = (who: 'A' | 'B'): number =>
      made.filter(({ point }) => point.who === who && isCounted(point)).length;
    for (const first of ['A', 'B'] as const) {
      const most = count(first === 'A' ? 'B' : 'A');
      for (let before = 1; before <= count(first); before++) {
        const numbers = Array.from({ length: most - 1 }, (_, index) => index + 1);
        const some = chance.some(numbers, BETWEEN - 1, (one) => `${name} ${first} ${before} ${one}`);
        // In any case also the other one to its end.
        for (const between of [...some, most]) {
          const turns: Turns = { first, calls: before, callsOfOther: between };
          scenarios.push(
            scenario('two releases', {
              size: 'two',
              actors: ['A', 'B'],
              faults,
              turns,
              ...(name.includes('dies') && { mayMiss: true }),
              told: [name, `${first} makes ${before} calls, then the other ${between}, then ${first} all`],
            }),
          );
        }
      }
    }
  }
  return [{ name: 'two releases', atLeast: 1_000, scenarios }];
}

/** Who uses an AMI is looked up before it goes; what cannot be looked up counts as used. */
async function usedImages(ground: Ground): Promise<Category[]> {
  const good = await record(ground, { size: 'two' });
  const opening = openingsFrom(good).find(({ name }) => name === 'publishing fails');
  const faults = opening?.faults ?? [];
  const calls = (await record(ground, { size: 'two', faults })).filter(
    ({ point }) => point.state === 'Deregister dev AMIs' && LOOK_UPS.test(point.operation) && point.nth <= 2,
  );
  const looks = calls.flatMap(({ point }) =>
    (['denied', 'refused', 'throttled 30 times', 'slow always'] as const).map((kind) => ({ point, kind })),
  );
  const scenarios = USER_NAMES.flatMap((name) =>
    [[], ...looks.map((fault) => [fault])].map((more) =>
      scenario('an AMI in use', {
        size: 'two',
        faults: [...faults, ...more],
        usedBy: name,
        told: [name, ...more.map(nameOfFault)],
        ends: ['rollback incomplete'],
      }),
    ),
  );
  return [{ name: 'an AMI in use', atLeast: 150, scenarios }];
}

const LOOK_UPS = /:Describe(ImageReferences|ImageAttribute|Images|LaunchConfigurations|AutoScalingGroups)$/;

const PLANNING = /^(Fetch source|Plan releases|Release each tier|Summarise releases)$/;

/** From the commit on: what comes before an image's own transaction, and after it. */
async function wholeReleases(ground: Ground): Promise<Category[]> {
  const base = { size: 'two', whole: true } as const;
  const calls = await record(ground, base);
  const faults = faultsIn(calls.filter(({ point }) => PLANNING.test(point.state)));
  const scenarios = faults.map((fault) =>
    scenario('from the commit on', {
      ...base,
      faults: [fault],
      told: [nameOfFault(fault)],
      ...(passes(fault) && { ends: ['released'] }),
    }),
  );
  return [{ name: 'from the commit on', atLeast: 100, scenarios }];
}

/** A Map that fails as a whole, and a batch that fails beside another one. */
async function failingMaps(grounds: Readonly<Record<Size, Ground>>): Promise<Category[]> {
  const inMap = (calls: readonly RecordedCall[], state: string): Fault[] =>
    calls
      .filter(({ point }) => point.state === state && /^(lambda|states):/.test(point.operation))
      .flatMap(({ point }) => (['denied', 'too much'] as const).map((kind) => ({ point, kind })));
  const good = await record(grounds.two, { size: 'two', whole: true });
  const stopped = { size: 'two', stopAfter: late(good), sweptAtOnce: true, ends: STOPPED_ENDS } as const;
  const swept = await record(grounds.two, stopped);
  const ofReleases = (['Bake dev AMIs', 'Bake prod AMIs', 'Release each tier'] as const).flatMap(
    (fragileMap) =>
      inMap(good, fragileMap).map(
        (fault) => ({ size: 'two', whole: true, fragileMap, faults: [fault] }) as const,
      ),
  );
  const ofSweeps = inMap(swept, 'Sweep each release').map(
    (fault) => ({ ...stopped, fragileMap: 'Sweep each release', faults: [fault] }) as const,
  );
  const batches = async (size: Size) => {
    const calls = await record(grounds[size], { size });
    return ['Bake dev AMIs', 'Bake prod AMIs'].flatMap((state) =>
      inMap(calls, state).map((fault) => ({ size, faults: [fault], ends: ['rolled back'] }) as const),
    );
  };
  const ofBatches = [...(await batches('many')), ...(await batches('two'))];
  const told = ({ faults }: { readonly faults: readonly Fault[] }) => faults.map(nameOfFault);
  return [
    {
      name: 'a Map fails',
      atLeast: 8,
      scenarios: [...ofReleases, ...ofSweeps].map((one) =>
        scenario('a Map fails', { ...one, told: told(one) }),
      ),
    },
    {
      name: 'a batch fails',
      atLeast: 4,
      scenarios: ofBatches.map((one) =>
        scenario('a batch fails', { ...one, told: [one.size, ...told(one)] }),
      ),
    },
  ];
}

/** The undo of the older release dies right after it has put `latest` back somewhere. */
async function dyingUndo(ground: Ground, faults: readonly Fault[]): Promise<Fault> {
  const calls = await record(ground, { actors: ['A', 'B'], size: 'two', faults });
  const found = calls.find(
    ({ point }) => point.state === 'Withdraw publication' && point.operation === 'ssm:PutParameter',
  );
  if (found === undefined) throw new Error('Nothing is ever put back.');
  return { point: found.point, kind: 'dies' };
}

/** A call after which a stopped release leaves a lot. */
function late(calls: readonly RecordedCall[]): Point {
  const found = calls.findLast(
    ({ point }) => point.state === 'Bake prod AMIs' && point.operation === 'ec2:CreateImage',
  );
  if (found === undefined) throw new Error('Prod is never baked.');
  return found.point;
}
