/** A release whose AMIs get a time at which they are deprecated. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { faultsIn, passes } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, scenarioOf } from './scenario-of.ts';

export async function deprecations(baseline: Baseline): Promise<Category[]> {
  const size = 'aging';
  const calls = await record(baseline, { size });
  const faults = faultsIn(calls.filter(({ point }) => point.state === 'Apply version tags'));
  const scenarios = faults.map((fault) =>
    scenarioOf('deprecated one day', {
      size,
      faults: [fault],
      labels: [nameOfFault(fault)],
      ...(passes(fault) && { ends: ['released'] }),
    }),
  );
  return [
    {
      name: 'deprecated one day',
      atLeast: 60,
      scenarios: [scenarioOf('deprecated one day', { size, ends: ['released'] }), ...scenarios],
    },
  ];
}
