/** A release whose AMIs must all hold the same. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { faultsIn, isOutlasted } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';

export async function comparisons(baseline: Baseline): Promise<Category[]> {
  const name = 'alike or nothing';
  const size = 'alike';
  const calls = await record(baseline, { size });
  const faults = faultsIn(calls.filter(({ point }) => point.state === 'Compare AMIs'));
  return [
    {
      name,
      atLeast: 60,
      scenarios: [
        scenarioOf(name, { size, ends: ['released'] }),
        ...PASTS.map((past) =>
          scenarioOf(name, { size, past, drifts: true, ends: ['rolled back'], labels: ['no two alike'] }),
        ),
        // Whatever keeps the look from being taken, what is not alike is never released.
        ...faults.flatMap((fault) => [
          scenarioOf(name, {
            size,
            faults: [fault],
            labels: [nameOfFault(fault)],
            ...(isOutlasted(fault) && { ends: ['released'] }),
          }),
          scenarioOf(name, {
            size,
            drifts: true,
            faults: [fault],
            labels: ['no two alike', nameOfFault(fault)],
            ends: ['rolled back'],
          }),
        ]),
      ],
    },
  ];
}
