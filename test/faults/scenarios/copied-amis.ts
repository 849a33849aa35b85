/** AMIs that are copied from the stage before: every call of that is struck, and some releases are undone behind it. */
import type { Actor, Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import { faultsIn, firstAndLast, passes } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';
import type { SeededSampler } from './seeded-sampler.ts';
import { stoppedAfterEach } from './stops-and-sweeps.ts';
import { interleavings } from './two-releases.ts';

const NAME = 'copied from the stage before';
const size = 'copying';

/** Also beside another one whose prod bakes: it must neither take its AMI, nor its undo what the other one gave. */
const BESIDE = 'two releases, one of which copies';
const BOTH = { actors: ['A', 'B'], size } as const;
/** Of each release, and each way that both end. */
const CUTS = 12;

async function besideBakes(baseline: Baseline, sampler: SeededSampler): Promise<SandboxScenario[]> {
  const calls = await record(baseline, BOTH);
  const denied = (who: Actor, operation: string): SandboxFault => {
    const found = calls.find(({ point }) => point.who === who && point.operation === operation);
    if (!found) throw new Error(`${who} never calls ${operation}.`);
    return { point: found.point, kind: 'denied' };
  };
  const [copy, publish] = [denied('A', 'ec2:CopyImage'), denied('B', 'ssm:PutParameter')];
  const outcomes = [
    { name: 'both succeed', faults: [] },
    { name: 'the copy is refused', faults: [copy] },
    { name: 'the other is not published', faults: [publish] },
    { name: 'both fail', faults: [copy, publish] },
  ];
  const scenarios: SandboxScenario[] = [];
  for (const outcome of outcomes)
    scenarios.push(
      ...(await interleavings(baseline, outcome, sampler, { ...BOTH, category: BESIDE, cuts: CUTS })),
    );
  return scenarios;
}

export async function copiedAmis(baseline: Baseline, sampler: SeededSampler): Promise<Category[]> {
  const calls = firstAndLast(
    (await record(baseline, { size })).filter(({ point }) => point.state.startsWith('Copy ')),
  );
  return [
    {
      name: NAME,
      atLeast: 100,
      scenarios: [
        ...PASTS.map((past) => scenarioOf(NAME, { size, past, ends: ['released'] })),
        ...faultsIn(calls).map((fault) =>
          scenarioOf(NAME, {
            size,
            faults: [fault],
            labels: [nameOfFault(fault)],
            ...(passes(fault) && { ends: ['released'] }),
          }),
        ),
        // A copy, and whoever may read its source, are found and removed wherever the release ends.
        ...stoppedAfterEach(NAME, size, calls),
      ],
    },
    { name: BESIDE, atLeast: 100, scenarios: await besideBakes(baseline, sampler) },
  ];
}
