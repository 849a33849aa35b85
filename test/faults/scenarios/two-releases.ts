/** Two releases of one image at once: how they end, and what of the other's calls lies between one's. */
import type { Actor, Baseline } from '../player/baseline.ts';
import { isScheduled } from '../player/step-scheduler.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { record } from './recordings.ts';
import { type Category, type ScenarioParts, scenarioOf } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';

/** Of all the numbers of calls that one release can make between two of the other, so many are played. */
const BETWEEN = 4;
const BOTH = { actors: ['A', 'B'], size: 'two' } as const;

export interface Outcome {
  readonly name: string;
  readonly faults: readonly SandboxFault[];
  readonly mayMiss?: true;
}

export async function twoReleases(baseline: Baseline, sampler: SeededSampler): Promise<Category[]> {
  const scenarios: SandboxScenario[] = [];
  for (const outcome of await outcomes(baseline))
    scenarios.push(
      ...(await interleavings(baseline, outcome, sampler, { category: 'two releases', ...BOTH })),
    );
  return [{ name: 'two releases', atLeast: 1_000, scenarios }];
}

async function outcomes(baseline: Baseline): Promise<Outcome[]> {
  const calls = await record(baseline, BOTH);
  const [older, newer] = [failing(calls, 'A'), failing(calls, 'B')];
  return [
    { name: 'both succeed', faults: [] },
    { name: 'the older fails', faults: [older] },
    { name: 'the newer fails', faults: [newer] },
    { name: 'both fail', faults: [older, newer] },
    {
      name: 'the older fails, and its undo dies',
      faults: [older, await dyingUndo(baseline, older)],
      mayMiss: true,
    },
  ];
}

/** It may not look for the newest version. */
function failing(calls: readonly RecordedCall[], who: Actor): SandboxFault {
  const found = calls.findLast(
    ({ point }) =>
      isScheduled(point) &&
      point.who === who &&
      point.operation === 'ssm:GetParametersByPath' &&
      point.nth === 1,
  );
  if (!found) throw new Error(`${who} never looks for the newest version.`);
  return { point: found.point, kind: 'denied' };
}

/** The undo of the older release dies right after it has put `latest` back somewhere. */
async function dyingUndo(baseline: Baseline, older: SandboxFault): Promise<SandboxFault> {
  const calls = await record(baseline, { ...BOTH, faults: [older] });
  const found = calls.find(
    ({ point }) => point.state === 'Withdraw publication' && point.operation === 'ssm:PutParameter',
  );
  if (found === undefined) throw new Error('Nothing is ever put back.');
  return { point: found.point, kind: 'dies' };
}

/** Every point, or some, at which one release can cut into the other, with some lengths of the cut; the longest in any case. */
export async function interleavings(
  baseline: Baseline,
  { name, ...rest }: Outcome,
  sampler: SeededSampler,
  {
    category,
    cuts = Infinity,
    ...both
  }: Pick<ScenarioParts, 'actors' | 'size'> & {
    readonly category: string;
    /** At so many points of each release; at all by default. */
    readonly cuts?: number;
  },
): Promise<SandboxScenario[]> {
  const made = await record(baseline, { ...both, faults: rest.faults });
  const count = (who: Actor): number =>
    made.filter(({ point }) => point.who === who && isScheduled(point)).length;
  return (['A', 'B'] as const).flatMap((first) => {
    const most = count(first === 'A' ? 'B' : 'A');
    const lengths = Array.from({ length: most - 1 }, (_, index) => index + 1);
    const points = Array.from({ length: count(first) }, (_, index) => index + 1);
    const chosen = sampler.sampleOrAll(points, cuts, (before) => `${name} ${first} ${before}`);
    return chosen.flatMap((before) => {
      const nameOf = (length: number): string => `${name} ${first} ${before} ${length}`;
      const some = sampler.sampleOrAll(lengths, BETWEEN - 1, nameOf);
      return [...some, most].map((between) =>
        scenarioOf(category, {
          ...both,
          ...rest,
          schedule: { first, calls: before, callsOfOther: between },
          labels: [name, `${first} makes ${before} calls, then the other ${between}, then ${first} all`],
        }),
      );
    });
  });
}
