/** A release whose AMIs must hold nothing that is too grave. */
import type { Baseline, Size } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { faultsIn } from './fault-model.ts';
import { record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';
import { stoppedAfterEach } from './stops-and-sweeps.ts';

const SCANNING = ['Compare AMIs', 'Run scanner', 'Scan AMIs'];

/** By Amazon Inspector, and by a command of one's own. */
export async function scannedAmis(byInspector: Baseline, byCommand: Baseline): Promise<Category[]> {
  return [
    await scannedIn('scanned before it is released', 'scanned', byInspector),
    await scannedIn('scanned by a command', 'commanded', byCommand),
  ];
}

async function scannedIn(name: string, size: Size, baseline: Baseline): Promise<Category> {
  const calls = (await record(baseline, { size })).filter(({ point }) => SCANNING.includes(point.state));
  return {
    name,
    atLeast: 100,
    scenarios: [
      scenarioOf(name, { size, ends: ['released'] }),
      ...PASTS.map((past) =>
        scenarioOf(name, { size, past, vulnerable: true, ends: ['rolled back'], labels: ['vulnerable'] }),
      ),
      // Whatever keeps the scan from being made, what is vulnerable is never released.
      ...faultsIn(calls).flatMap((fault) => [
        scenarioOf(name, { size, faults: [fault], labels: [nameOfFault(fault)] }),
        scenarioOf(name, {
          size,
          vulnerable: true,
          faults: [fault],
          labels: ['vulnerable', nameOfFault(fault)],
          ends: ['rolled back'],
        }),
      ]),
      ...stoppedAfterEach(name, size, calls),
    ],
  };
}
