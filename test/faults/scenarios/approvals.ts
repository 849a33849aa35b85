/** A release that somebody must approve before prod is baked. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { nameOfPoint } from '../player/injection-points.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, firstAndLast, isOfService } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const isOfAnswer = ({ point }: RecordedCall): boolean => point.state === 'Answer approval';

export async function approvals(asking: Baseline, fourEyed: Baseline): Promise<Category[]> {
  return [await askedFirst(asking), await fourEyes(fourEyed)];
}

async function askedFirst(baseline: Baseline): Promise<Category> {
  const name = 'asked first';
  const size = 'asking';
  const calls = await record(baseline, { size });
  const asking = calls.filter(({ point }) => point.state === 'Approve prod');
  const answering = calls.filter(isOfAnswer);
  const refusing = (await record(baseline, { size, answer: 'reject' })).filter(isOfAnswer);
  const stops = [...asking, ...answering].filter(({ point }) => !isOfService(point.operation));
  return {
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
  };
}

/** CloudTrail tells who started it, which is late and may not answer; that person's own approval bakes nothing, whatever happens. */
async function fourEyes(baseline: Baseline): Promise<Category> {
  const name = 'four eyes';
  const base = { size: 'foureyed', whole: true } as const;
  const answering = firstAndLast((await record(baseline, base)).filter(isOfAnswer));
  const own = { ...base, answer: 'by its starter', ends: ['rolled back'] } as const;
  const refusing = firstAndLast((await record(baseline, own)).filter(isOfAnswer));
  return {
    name,
    atLeast: 60,
    scenarios: [
      scenarioOf(name, { ...base, ends: ['released'] }),
      scenarioOf(name, { ...own, labels: ['by its starter'] }),
      ...faultsIn(answering).map((fault) =>
        scenarioOf(name, { ...base, faults: [fault], labels: [nameOfFault(fault)] }),
      ),
      ...faultsIn(refusing).map((fault) =>
        scenarioOf(name, { ...own, faults: [fault], labels: ['by its starter', nameOfFault(fault)] }),
      ),
    ],
  };
}
