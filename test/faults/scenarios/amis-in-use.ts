/** Who uses an AMI is looked up before it goes; what cannot be looked up counts as used. */
import { targetName } from '../../../core/contract/targets.ts';
import { type Baseline, targetsOf } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import { USER_NAMES } from '../sandbox/ami-users.ts';
import { record } from './recordings.ts';
import { rollbackTriggers } from './rollback-triggers.ts';
import { type Category, scenarioOf } from './scenario-of.ts';

const LOOK_UPS = /:Describe(ImageReferences|ImageAttribute|Images|LaunchConfigurations|AutoScalingGroups)$/;

export async function amisInUse(baseline: Baseline): Promise<Category[]> {
  const good = await record(baseline, { size: 'two' });
  const trigger = rollbackTriggers(good).find(({ name }) => name === 'publishing fails');
  if (trigger === undefined) throw new Error('Publishing never fails.');
  const { faults } = trigger;
  const calls = await record(baseline, { size: 'two', faults });
  const lookUps = calls.filter(
    ({ point }) => point.state === 'Deregister dev AMIs' && LOOK_UPS.test(point.operation) && point.nth <= 2,
  );
  const blinded = lookUps.flatMap(({ point }) =>
    (['denied', 'refused', 'throttled 30 times', 'slow always'] as const).map((kind) => ({ point, kind })),
  );
  // From the moment it is published on.
  const after = calls.find(
    ({ point }) => point.state === 'Publish release' && point.operation === 'ssm:GetParameter',
  );
  const [target] = targetsOf(baseline);
  if (!after || !target) throw new Error('Nothing is ever published.');
  const scenarios = USER_NAMES.flatMap((by) =>
    [[], ...blinded.map((fault) => [fault])].map((more) =>
      scenarioOf('an AMI in use', {
        size: 'two',
        faults: [...faults, ...more],
        use: { by, in: targetName(target), after: after.point },
        labels: [by, ...more.map(nameOfFault)],
        ends: ['rollback incomplete'],
      }),
    ),
  );
  return [{ name: 'an AMI in use', atLeast: 150, scenarios }];
}
