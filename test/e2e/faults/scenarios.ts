/** The most telling scenarios, out of the thousands that `npm run faults` plays in the sandbox. */
import { pointNamed } from '../../faults/player/injection-points.ts';
import type { WireFault, WireFaultKind, WireScenario } from './wire/faults.ts';

const DEV = '100000000001/eu-west-1';
const PROD = '100001000001/eu-west-1';
/** The last account of the larger factory. */
const LAST = '100001000002/eu-west-1';
/** The SDK makes so many attempts of one call, and a function sees only the last one's failure. */
const ALL_ATTEMPTS = 3;
/** More than all attempts of all retries of a state. */
const TOO_OFTEN = 60;

const fault = (at: string, kind: WireFaultKind, times?: number): WireFault => ({
  point: pointNamed(at),
  kind,
  ...(times !== undefined && { times }),
});

/** Ways to fail that lead into the undo. */
const PUBLISHING_DENIED = fault(`Publish release: ssm:PutParameter in ${PROD} #2`, 'denied');
const TAGGING_DENIED = fault(`Apply version tags: ec2:CreateTags in ${PROD} #1`, 'denied');

function scenario(id: string, rest: Partial<Omit<WireScenario, 'id'>>): WireScenario {
  const usual = {
    size: 'two',
    past: 'released before',
    actors: ['A'],
    faults: [],
    ends: ['released'],
  } as const;
  return { ...usual, ...rest, id };
}

/** Publishing is denied at the last account, and then something else goes wrong in the undo. */
const undo = (id: string, rest: Partial<Omit<WireScenario, 'id'>>): WireScenario =>
  scenario(`rollback: ${id}`, {
    ends: ['rolled back'],
    ...rest,
    faults: [PUBLISHING_DENIED, ...(rest.faults ?? [])],
  });

const forward: readonly WireScenario[] = [
  scenario('nothing fails, four targets', { size: 'four' }),
  scenario('nothing fails, first release', { past: 'first release' }),
  scenario('RunInstances is done, its reply lost', {
    faults: [fault(`Bake prod AMIs, Packer: ec2:RunInstances in ${PROD} #1`, 'lost')],
  }),
  scenario('CreateImage is done, its reply lost', {
    faults: [fault(`Bake prod AMIs, Packer: ec2:CreateImage in ${PROD} #1`, 'lost')],
    ends: ['rolled back'],
  }),
  scenario('the build is killed after CreateImage', {
    faults: [fault(`Bake prod AMIs, Packer: ec2:CreateImage in ${PROD} #1`, 'killed')],
    ends: ['rolled back'],
  }),
  scenario('StartBuild is done, its reply lost', {
    faults: [fault(`Bake prod AMIs: codebuild:StartBuild in ${PROD} #1`, 'lost')],
  }),
  scenario('a build that runs is lost from sight', {
    faults: [fault(`Bake prod AMIs: codebuild:BatchGetBuilds in ${PROD} #2`, 'denied')],
    ends: ['rolled back'],
  }),
  scenario('a new AMI is not shown yet', {
    faults: [
      fault(`Check prod AMIs: ec2:DescribeImages in ${PROD} #1`, 'empty'),
      fault(`Check prod AMIs: ec2:DescribeImages in ${PROD} #2`, 'empty'),
    ],
  }),
  scenario('version tags reach only the AMI, not its snapshot', {
    faults: [fault(`Apply version tags: ec2:CreateTags in ${PROD} #1`, 'partial', ALL_ATTEMPTS)],
  }),
  scenario('version tags are not shown yet', {
    faults: [fault(`Apply version tags: ec2:DescribeImages in ${PROD} #2`, 'stale')],
  }),
  scenario('version tags are denied', { faults: [TAGGING_DENIED], ends: ['rolled back'] }),
  scenario('flip of latest is done, its reply lost', {
    faults: [fault(`Publish release: ssm:PutParameter in ${PROD} #2`, 'lost')],
  }),
  scenario('flip of latest is done, its reply lost in every attempt', {
    faults: [fault(`Publish release: ssm:PutParameter in ${PROD} #2`, 'lost', ALL_ATTEMPTS)],
  }),
  scenario('a version is said to be stored, and is not', {
    faults: [fault(`Publish release: ssm:PutParameter in ${PROD} #1`, 'ignored')],
  }),
  scenario('latest reads as it was before', {
    faults: [fault(`Publish release: ssm:GetParameter in ${PROD} #4`, 'stale')],
  }),
  scenario('publishing is throttled for a while', {
    faults: [fault(`Publish release: ssm:PutParameter in ${PROD} #1`, 'throttled', 8)],
  }),
  scenario('publishing is denied at the last account', {
    size: 'four',
    faults: [fault(`Publish release: ssm:PutParameter in ${LAST} #2`, 'denied')],
    ends: ['rolled back'],
  }),
  scenario('publishing takes longer than its time limit', {
    faults: [fault(`Publish release: ssm:PutParameter in ${PROD} #2`, 'slow after')],
  }),
  scenario('the event bus does not take the event', {
    faults: [fault('Announce release: eventbridge:PutEvents in hub #1', 'partial')],
  }),
];

const undone: readonly WireScenario[] = [
  undo('the old latest is put back, the reply lost in every attempt', {
    faults: [fault(`Withdraw publication: ssm:PutParameter in ${DEV} #1`, 'lost', ALL_ATTEMPTS)],
  }),
  undo('there was no latest before', {
    past: 'first release',
    faults: [fault(`Withdraw publication: ssm:DeleteParameter in ${DEV} #1`, 'lost')],
  }),
  undo('withdrawing is throttled for a while', {
    faults: [fault(`Withdraw publication: ssm:DeleteParameter in ${PROD} #1`, 'throttled', 8)],
  }),
  undo('withdrawing is denied', {
    faults: [fault(`Withdraw publication: ssm:DeleteParameter in ${PROD} #1`, 'denied')],
    ends: ['rollback incomplete'],
  }),
  undo('DeregisterImage is done, its reply lost', {
    faults: [fault(`Deregister prod AMIs: ec2:DeregisterImage in ${PROD} #1`, 'lost')],
  }),
  undo('DeregisterImage is done, its reply lost in every attempt', {
    faults: [fault(`Deregister dev AMIs: ec2:DeregisterImage in ${DEV} #1`, 'lost', ALL_ATTEMPTS)],
  }),
  undo('DeregisterImage is throttled for a while', {
    faults: [fault(`Deregister dev AMIs: ec2:DeregisterImage in ${DEV} #1`, 'throttled', 8)],
  }),
  undo('DeregisterImage is denied', {
    faults: [fault(`Deregister dev AMIs: ec2:DeregisterImage in ${DEV} #1`, 'denied')],
    ends: ['rollback incomplete'],
  }),
  undo('DeleteSnapshot is denied', {
    faults: [fault(`Deregister prod AMIs: ec2:DeleteSnapshot in ${PROD} #1`, 'denied')],
    ends: ['rollback incomplete'],
  }),
  undo('nobody may look who uses the AMI', {
    faults: [fault(`Deregister prod AMIs: autoscaling:DescribeAutoScalingGroups in ${PROD} #1`, 'denied')],
    ends: ['rollback incomplete'],
  }),
  undo('the look for AMIs breaks off in every attempt', {
    faults: [fault(`Deregister dev AMIs: ec2:DescribeImages in ${DEV} #1`, 'reset', ALL_ATTEMPTS)],
  }),
  undo('the undo takes longer than its time limit', {
    faults: [fault(`Deregister prod AMIs: ec2:DeregisterImage in ${PROD} #1`, 'slow')],
  }),
  undo('an AMI is still shown after it was deregistered', {
    faults: [fault(`Deregister dev AMIs: ec2:DescribeImages in ${DEV} #4`, 'stale')],
  }),
  undo('an instance runs from the AMI', {
    use: { by: 'an instance', in: PROD, after: pointNamed(`Publish release: ssm:PutParameter in ${DEV} #1`) },
    ends: ['rollback incomplete'],
  }),
  undo('the AMI is shared with another account', {
    use: {
      by: 'another account',
      in: PROD,
      after: pointNamed(`Publish release: ssm:PutParameter in ${DEV} #1`),
    },
    ends: ['rollback incomplete'],
  }),
  undo('a launch configuration names the AMI', {
    use: {
      by: 'a launch configuration',
      in: PROD,
      after: pointNamed(`Publish release: ssm:PutParameter in ${DEV} #1`),
    },
    ends: ['rollback incomplete'],
  }),
  undo('nobody may verify', {
    faults: [fault(`Verify rollback: ec2:DescribeImages in ${PROD} #1`, 'denied')],
    ends: ['rollback incomplete'],
  }),
  undo('an AMI that is gone is still shown to whoever verifies', {
    faults: [fault(`Verify rollback: ec2:DescribeImages in ${PROD} #1`, 'stale')],
    ends: ['rollback incomplete'],
  }),
  undo('verifying is throttled all the time', {
    faults: [fault(`Verify rollback: ec2:DescribeSnapshots in ${PROD} #1`, 'throttled', TOO_OFTEN)],
    ends: ['rollback not verified'],
  }),
  undo('the event bus may not be told', {
    faults: [fault('Announce rollback: eventbridge:PutEvents in hub #1', 'denied')],
  }),
];

const RUN_INSTANCES = pointNamed(`Bake prod AMIs, Packer: ec2:RunInstances in ${PROD} #1`);
const FLIP = pointNamed(`Publish release: ssm:PutParameter in ${PROD} #2`);

const swept: readonly WireScenario[] = [
  scenario('stopped while a builder starts, then swept', {
    stopAfter: RUN_INSTANCES,
    sweepsAtOnce: 1,
    ends: ['stopped'],
  }),
  scenario('stopped while latest is flipped, then swept', {
    stopAfter: FLIP,
    sweepsAtOnce: 1,
    ends: ['stopped'],
  }),
  undo('it is stopped after DeregisterImage, then swept', {
    stopAfter: pointNamed(`Deregister prod AMIs: ec2:DeregisterImage in ${PROD} #1`),
    sweepsAtOnce: 1,
    ends: ['stopped'],
  }),
  scenario('the sweep is stopped after DeregisterImage, and run again', {
    stopAfter: FLIP,
    stopSweepAfter: pointNamed(`sweep, Sweep each release: ec2:DeregisterImage in ${PROD} #1`),
    sweepsAtOnce: 2,
    ends: ['stopped'],
  }),
  scenario('the sweep may not delete a snapshot, the next one may', {
    stopAfter: FLIP,
    sweepsAtOnce: 1,
    faults: [fault(`sweep, Sweep each release: ec2:DeleteSnapshot in ${PROD} #1`, 'denied')],
    ends: ['stopped'],
  }),
  scenario('the sweep cannot tell what became of a release', {
    stopAfter: FLIP,
    sweepsAtOnce: 1,
    faults: [fault('sweep, Sweep each release: sfn:DescribeExecution in hub #1', 'denied')],
    ends: ['stopped'],
  }),
  scenario('a sweep during the flip of latest touches nothing', { sweepDuring: FLIP }),
];

const together: readonly WireScenario[] = [
  scenario('two releases at once', {
    actors: ['A', 'B'],
    schedule: { first: 'A', calls: 10, callsOfOther: 25 },
  }),
  scenario('two releases at once, the newer one is denied', {
    actors: ['A', 'B'],
    faults: [fault(`B, Publish release: ssm:GetParametersByPath in ${PROD} #1`, 'denied')],
    schedule: { first: 'B', calls: 20, callsOfOther: 12 },
    ends: ['released', 'rolled back'],
  }),
];

export const scenarios: readonly WireScenario[] = [...forward, ...undone, ...swept, ...together];
