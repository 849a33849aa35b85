/** AMIs that others may launch: every call by which they are let, and by which that is taken back, is struck. */
import { targetName } from '../../../core/contract/targets.ts';
import { type Baseline, targetsOf } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { USER_NAMES } from '../sandbox/ami-users.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, passes } from './fault-model.ts';
import { record } from './recordings.ts';
import { type RollbackTrigger, rollbackTriggers } from './rollback-triggers.ts';
import { type Category, PASTS, scenarioOf } from './scenario-of.ts';
import { stoppedAfterEach } from './stops-and-sweeps.ts';

const NAME = 'shared when it is released';
const size = 'shared';

/** What is given is read and written in the bucket too. */
const isOfSharing = ({ point }: RecordedCall): boolean =>
  /^(Publish|Withdraw|Deregister|Verify)/.test(point.state) && /ImageAttribute$|^s3:/.test(point.operation);

export async function sharedAmis(baseline: Baseline): Promise<Category[]> {
  const calls = await record(baseline, { size });
  const given = calls.filter(isOfSharing);
  const triggers = rollbackTriggers(calls).filter(({ name }) => name.startsWith('publishing fails'));
  const undone: { trigger: RollbackTrigger; calls: RecordedCall[] }[] = [];
  for (const trigger of triggers) {
    const made = await record(baseline, { size, faults: trigger.faults });
    undone.push({ trigger, calls: made.filter(isOfUndo) });
  }
  // From the moment it is shared on: the AMI stays then, and may be launched by nobody else any more.
  const after = calls.find(
    ({ point }) => point.state === 'Publish release' && point.operation === 'ssm:GetParameter',
  );
  const [target] = targetsOf(baseline);
  if (!after || !target) throw new Error('Nothing is ever published.');
  const use = { in: targetName(target), after: after.point };
  /** What stays, and what could not be taken back of it. */
  const both = undone.flatMap(({ trigger, calls: of }) =>
    of
      .filter(({ point }) => point.state === 'Withdraw publication' && point.place === use.in)
      .map(({ point }) => ({ point, kind: 'denied' as const }))
      .map((fault) =>
        undo(trigger, {
          faults: [...trigger.faults, fault],
          use: { by: 'an instance', ...use },
          labels: ['used by an instance', nameOfFault(fault)],
          ends: ['rollback incomplete'],
        }),
      ),
  );
  const used = USER_NAMES.flatMap((by) =>
    triggers.map((trigger) =>
      undo(trigger, {
        use: { by, ...use },
        labels: [`used by ${by}`],
        ends: ['rollback incomplete'],
      }),
    ),
  );
  return [
    {
      name: NAME,
      atLeast: 150,
      scenarios: [
        scenarioOf(NAME, { size, ends: ['released'] }),
        ...PASTS.flatMap((past) => triggers.map((trigger) => undo(trigger, { past }))),
        ...used,
        ...both,
        ...faultsIn(given).map((fault) =>
          scenarioOf(NAME, {
            size,
            faults: [fault],
            labels: [nameOfFault(fault)],
            ...(passes(fault) && { ends: ['released'] }),
          }),
        ),
        // Whoever is stopped has given something, or was about to.
        ...stoppedAfterEach(NAME, size, given),
        ...undone.flatMap(({ trigger, calls: of }) =>
          faultsIn(of).map((fault) =>
            undo(trigger, {
              faults: [...trigger.faults, fault],
              labels: [nameOfFault(fault)],
              // What may not be taken back goes with its AMI.
              ...(isRefusal(fault) && { ends: ['rolled back'] }),
            }),
          ),
        ),
      ],
    },
  ];
}

const isRefusal = ({ point, kind }: SandboxFault): boolean =>
  point.state === 'Withdraw publication' &&
  point.operation === 'ec2:ModifyImageAttribute' &&
  kind === 'denied';

const isOfUndo = (call: RecordedCall): boolean =>
  isOfSharing(call) && !call.point.state.startsWith('Publish');

const undo = (
  { name, faults }: RollbackTrigger,
  { labels = [], ...parts }: Parameters<typeof scenarioOf>[1],
) => scenarioOf(NAME, { size, faults, ...parts, labels: [name, ...labels] });
