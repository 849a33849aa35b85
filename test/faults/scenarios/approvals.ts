/** A release that somebody must approve before prod is baked. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, isOfService } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const isOfAnswer = ({ point }: RecordedCall): boolean => point.state === 'Answer approval';

export async function approvals(baseline: Baseline): Promise<Category[]> {
  const name = 'asked first';
  const size = 'asking';
  const calls = await record(baseline, { size });
  const asking = calls.filter(({ point }) => point.state === 'Approve prod');
  const answering = calls.filter(isOfAnswer);
  const refusing = (await record(baseline, { size, answer: 'reject' })).filter(isOfAnswer);
  const stops = [...asking, ...answering].filter(({ point }) => !isOfService(point.operation));
  return [
    {
      name,
      atLeast: 100,
      scenarios: [
        scenarioOf(name, { size, ends: ['released'] }),
        ...PASTS.flatMap((past) => [
          scenarioOf(name, { size, past, answer: 'reject', ends: ['rolled back'], labels: ['rejected'] }),
          scenarioOf(name, {
            size,
            past,
            answer: 'never',
            ends: ['rolled back'],
            labels: ['never answered'],
          }),
        ]),
        ...faultsIn([...asking, ...answering]).map((fault) =>
          scenarioOf(name, { size, faults: [fault], labels: [nameOfFault(fault)] }),
        ),
        // Whatever keeps somebody from saying no, prod is never baked.
        ...faultsIn([...asking, ...refusing]).map((fault) =>
          scenarioOf(name, {
            size,
            answer: 'reject',
            faults: [fault],
            labels: ['rejected', nameOfFault(fault)],
            ends: ['rolled back'],
          }),
        ),
        ...stops.map(({ point }) =>
          scenarioOf(name, {
            size,
            stopAfter: point,
            sweepsAtOnce: 1,
            ends: STOPPED_ENDS,
            labels: [`stopped after ${nameOfPoint(point)}`],
            mayMiss: true,
          }),
        ),
      ],
    },
  ];
}
