/** AMIs that are copied from the stage before: every call of that is struck, and some releases are undone behind it. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService, passes } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const NAME = 'copied from the stage before';
const size = 'copying';

export async function copiedAmis(baseline: Baseline): Promise<Category[]> {
  const calls = withoutMiddlePolls(await record(baseline, { size }));
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
        ...stops(calls),
      ],
    },
  ];
}

/** A copy, and whoever may read its source, are found and removed wherever the release ends. */
const stops = (calls: readonly RecordedCall[]): SandboxScenario[] =>
  calls
    .filter(({ point }) => !isOfService(point.operation))
    .map(({ point }) =>
      scenarioOf(NAME, {
        size,
        stopAfter: point,
        sweepsAtOnce: 1,
        ends: STOPPED_ENDS,
        labels: [`stopped after ${nameOfPoint(point)}`],
      }),
    );

/** Of the looks that wait, the first two and the last two of each kind stand for all. */
function withoutMiddlePolls(all: readonly RecordedCall[]): RecordedCall[] {
  const calls = all.filter(({ point }) => point.state.startsWith('Copy '));
  const kinds = Map.groupBy(calls, ({ point }) => `${point.state} ${point.operation} ${point.place}`);
  return [...kinds.values()].flatMap((list) =>
    list.filter((_, index) => index < 2 || index >= list.length - 2),
  );
}
