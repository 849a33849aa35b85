/** AMIs that are booted and tested: every call of that is struck, and some do not pass. */
import type { Baseline } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import type { SandboxScenario } from '../sandbox/play-in-sandbox.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, firstAndLast, passes } from './fault-model.ts';
import { isOfUndo, record } from './recordings.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';
import { stoppedAfterEach } from './stops-and-sweeps.ts';

const NAME = 'tested before it is released';
const size = 'tested';

export async function testedAmis(baseline: Baseline): Promise<Category[]> {
  const calls = firstAndLast(
    (await record(baseline, { size })).filter(({ point }) => point.state.startsWith('Test ')),
  );
  const failing = await record(baseline, { size, failsTests: true });
  return [
    {
      name: NAME,
      atLeast: 250,
      scenarios: [
        scenarioOf(NAME, { size, ends: ['released'] }),
        ...PASTS.map((past) =>
          scenarioOf(NAME, { size, past, failsTests: true, ends: ['rolled back'], labels: ['not passed'] }),
        ),
        ...faultsIn(calls).map((fault) =>
          scenarioOf(NAME, {
            size,
            faults: [fault],
            labels: [nameOfFault(fault)],
            ...(passes(fault) && { ends: ['released'] }),
          }),
        ),
        // An instance under test is found and removed wherever the release ends.
        ...stoppedAfterEach(NAME, size, calls),
        ...undone(failing),
      ],
    },
  ];
}

/** What did not pass is never released, whatever its rollback meets. */
const undone = (calls: readonly RecordedCall[]): SandboxScenario[] =>
  faultsIn(calls.filter((call) => isOfUndo(call) && OF_INSTANCES.test(call.point.operation))).map((fault) =>
    scenarioOf(NAME, {
      size,
      failsTests: true,
      faults: [fault],
      labels: ['not passed', nameOfFault(fault)],
      ...(passes(fault) && { ends: ['rolled back'] }),
    }),
  );
const OF_INSTANCES =
  /:(Describe(Instances|SecurityGroups|ImageReferences)|Terminate\w+|DeleteSecurityGroup)$/;
