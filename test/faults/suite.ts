/** All scenarios, derived from what a release was seen to call. */
import { type Baseline, type Size, prepareBaseline } from './player/baseline.ts';
import { amisInUse } from './scenarios/amis-in-use.ts';
import { approvals } from './scenarios/approvals.ts';
import { comparisons } from './scenarios/comparisons.ts';
import { deprecations } from './scenarios/deprecations.ts';
import { forwardFaults } from './scenarios/forward-faults.ts';
import { type RecordedUndo, record, recordUndo, warmUp } from './scenarios/recordings.ts';
import { keptBuilders } from './scenarios/kept-builders.ts';
import { repoints } from './scenarios/repoints.ts';
import { retirements } from './scenarios/retirements.ts';
import { retries } from './scenarios/retries.ts';
import { rollbackTriggers } from './scenarios/rollback-triggers.ts';
import { type Category, idOf } from './scenarios/scenario-of.ts';
import { sharedAmis } from './scenarios/shared-amis.ts';
import { scannedAmis } from './scenarios/scanned-amis.ts';
import { SeededSampler } from './scenarios/seeded-sampler.ts';
import { spotBuilders } from './scenarios/spot-builders.ts';
import { stopsAndSweeps } from './scenarios/stops-and-sweeps.ts';
import { copiedAmis } from './scenarios/copied-amis.ts';
import { testedAmis } from './scenarios/tested-amis.ts';
import { twoReleases } from './scenarios/two-releases.ts';
import { undoFaults } from './scenarios/undo-faults.ts';
import { waitingReleases } from './scenarios/waiting-releases.ts';
import { failingBatches, failingMaps, wholeReleases } from './scenarios/whole-releases.ts';

/** Everything there is to play, and the baselines to play it on. */
export interface Suite {
  readonly baselines: Readonly<Record<Size, Baseline>>;
  readonly categories: readonly Category[];
}

/** `isExhaustive`: without samples, so that any scenario can be found by its id. */
export async function suite(seed: number, isExhaustive = false): Promise<Suite> {
  const baselines = {
    four: await prepareBaseline('four'),
    two: await prepareBaseline('two'),
    aging: await prepareBaseline('aging'),
    keeping: await prepareBaseline('keeping'),
    spot: await prepareBaseline('spot'),
    tested: await prepareBaseline('tested'),
    shared: await prepareBaseline('shared'),
    copying: await prepareBaseline('copying'),
    scanned: await prepareBaseline('scanned'),
    commanded: await prepareBaseline('commanded'),
    alike: await prepareBaseline('alike'),
    asking: await prepareBaseline('asking'),
    foureyed: await prepareBaseline('foureyed'),
    waiting: await prepareBaseline('waiting'),
    many: await prepareBaseline('many'),
  };
  const { four, two } = baselines;
  const sampler = new SeededSampler(seed, isExhaustive);
  await warmUp(four);
  const good = await record(four, {});
  const undos: RecordedUndo[] = [];
  for (const trigger of rollbackTriggers(good))
    undos.push(await recordUndo(four, 'released before', trigger));
  const categories = [
    ...forwardFaults(good),
    ...(await undoFaults(four, undos, sampler)),
    ...(await stopsAndSweeps(four, good, undos, sampler)),
    ...(await retries(four, good, sampler)),
    ...(await twoReleases(two, sampler)),
    ...(await amisInUse(two)),
    ...(await repoints(two, sampler)),
    ...(await retirements(two, sampler)),
    ...(await deprecations(baselines.aging)),
    ...(await keptBuilders(baselines.keeping)),
    ...(await spotBuilders(baselines.spot)),
    ...(await testedAmis(baselines.tested)),
    ...(await copiedAmis(baselines.copying, sampler)),
    ...(await comparisons(baselines.alike)),
    ...(await sharedAmis(baselines.shared)),
    ...(await scannedAmis(baselines.scanned, baselines.commanded)),
    ...(await approvals(baselines.asking, baselines.foureyed)),
    ...(await waitingReleases(baselines.waiting, sampler)),
    ...(await wholeReleases(two)),
    ...(await failingMaps(two)),
    ...(await failingBatches(baselines)),
  ];
  return { baselines, categories: categories.map(withoutTwins) };
}

/** What two ways of choosing both chose is played once. */
const withoutTwins = (category: Category): Category => ({
  ...category,
  scenarios: [...new Map(category.scenarios.map((one) => [idOf(one), one])).values()],
});
