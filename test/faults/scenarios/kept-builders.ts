/** Bakes that fail in a stage whose builders are kept then, and what else fails while one is. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService, passes, withoutMiddlePolls } from './fault-model.ts';
import { isOfUndo, record } from './recordings.ts';
import { type Category, scenarioOf } from './scenario-of.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const NAME = 'a kept builder';
/** By them a builder is kept; whatever happens to one of them, it is kept or removed. */
const KEEPS = /:(ModifyInstanceAttribute|CreateTags)$/;
/** Where a rollback sees or removes builders; what else it calls is struck where none is kept. */
const OF_BUILDERS = /:(Invoke|Describe(Instances|KeyPairs|Volumes)|Terminate\w+|Delete\w+)$/;

export async function keptBuilders(baseline: Baseline): Promise<Category[]> {
  const kept = { size: 'keeping', failingProvisioner: 'dev' } as const;
  const calls = await record(baseline, kept);
  const keeping = calls.filter(({ point }) => point.by === 'packer' && KEEPS.test(point.operation));
  const undone = withoutMiddlePolls(calls.filter(isOfUndo)).filter(({ point }) =>
    OF_BUILDERS.test(point.operation),
  );
  const prod = { size: 'keeping', failingProvisioner: 'prod', ends: ['rolled back'] } as const;
  return [
    {
      name: NAME,
      atLeast: 100,
      scenarios: [
        scenarioOf(NAME, { ...kept, keeps: true, ends: ['rolled back'], labels: ['nothing else'] }),
        scenarioOf(NAME, { ...prod, labels: ['a later stage'] }),
        // Swept at once, as the event of its end does.
        scenarioOf(NAME, { ...kept, keeps: true, sweepsAtOnce: 1, ends: ['rolled back'], labels: ['swept'] }),
        ...faultsIn(keeping).map((fault) =>
          scenarioOf(NAME, {
            ...kept,
            // One that is killed after the tag is written has kept it.
            ...(!['killed', 'slow'].includes(fault.kind) && { keeps: false }),
            faults: [fault],
            ends: ['rolled back'],
            labels: [nameOfFault(fault)],
          }),
        ),
        ...faultsIn(undone).map((fault) =>
          scenarioOf(NAME, {
            ...kept,
            // An answer from before its tag was written shows a builder that nobody keeps.
            ...(!fault.kind.startsWith('stale') && { keeps: true }),
            faults: [fault],
            labels: [nameOfFault(fault)],
            ...(passes(fault) && { ends: ['rolled back'] }),
          }),
        ),
        ...stops(undone).map(({ point }) =>
          scenarioOf(NAME, {
            ...kept,
            keeps: true,
            stopAfter: point,
            sweepsAtOnce: 1,
            ends: STOPPED_ENDS,
            labels: [`stopped after ${nameOfPoint(point)}`],
          }),
        ),
      ],
    },
  ];
}

/** One of each state and operation of a task. */
const stops = (calls: readonly RecordedCall[]): readonly RecordedCall[] => [
  ...new Map(
    calls
      .filter(({ point }) => !isOfService(point.operation))
      .map((call) => [`${call.point.state} ${call.point.operation}`, call]),
  ).values(),
];
