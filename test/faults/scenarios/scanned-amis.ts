/** A release whose AMIs must hold nothing that is too grave. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { faultsIn } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';

export async function scannedAmis(baseline: Baseline): Promise<Category[]> {
  const name = 'scanned before it is released';
  const size = 'scanned';
  const calls = await record(baseline, { size });
  const faults = faultsIn(
    calls.filter(({ point }) => ['Compare AMIs', 'Scan AMIs'].includes(point.state ?? '')),
  );
  return [
    {
      name,
      atLeast: 100,
      scenarios: [
        scenarioOf(name, { size, ends: ['released'] }),
        ...PASTS.map((past) =>
          scenarioOf(name, { size, past, vulnerable: true, ends: ['rolled back'], labels: ['vulnerable'] }),
        ),
        // Whatever keeps the scan from being made, what is vulnerable is never released.
        ...faults.flatMap((fault) => [
          scenarioOf(name, { size, faults: [fault], labels: [nameOfFault(fault)] }),
          scenarioOf(name, {
            size,
            vulnerable: true,
            faults: [fault],
            labels: ['vulnerable', nameOfFault(fault)],
            ends: ['rolled back'],
          }),
        ]),
      ],
    },
  ];
}
