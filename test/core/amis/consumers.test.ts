import { DescribeImageAttributeCommand, ModifyImageAttributeCommand } from '@aws-sdk/client-ec2';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { consumersOf, givenIn, letConsumersLaunch, takeBackIn } from '../../../core/amis/consumers.ts';
import { keys } from '../../../core/contract/keys.ts';
import type { PermissionNote } from '../../../core/contract/permissions.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { DEV, PROD } from '../../fixtures/accounts.ts';
import { HUB, awsError, useAws } from '../../fixtures/aws/strict-aws.ts';

const aws = useAws();

const RELEASE = { image: 'base', version: '1.4.0' };
const PLAN = { bucket: 'bucket', prefix: 'plans/one/base' };
const ONE = { UserId: '333333333333' };
const NOTHING = { launch: [], volumes: {} };
const key = keys.permissions('base', '1.4.0', DEV);
const launchers = new DescribeImageAttributeCommand({ ImageId: 'ami-1', Attribute: 'launchPermission' });
const change = (how: 'Add' | 'Remove') =>
  new ModifyImageAttributeCommand({ ImageId: 'ami-1', LaunchPermission: { [how]: [ONE] } });
function noteIs(note?: PermissionNote): void {
  if (note) aws.holds('bucket', key, note);
  else aws.on(HUB, new ListObjectsV2Command({ Bucket: 'bucket', Prefix: key }), {});
}
const GIVEN: PermissionNote = { imageId: 'ami-1', before: NOTHING, given: { launch: [ONE], volumes: {} } };

describe('the consumers of a release', () => {
  it('are let launch the AMIs of the targets that have some, and counted once each', async () => {
    aws.holds('bucket', keys.consumers(PLAN.prefix), {
      consumers: [{ accounts: [ONE.UserId], targets: [targetName(DEV)] }],
    });
    noteIs();
    aws.on(DEV, launchers, { LaunchPermissions: [] }, { LaunchPermissions: [ONE] });
    aws.expects(HUB, ({ command }) => command === 'PutObject');
    aws.accepts(DEV, change('Add'));
    const amis = [
      { ...DEV, imageId: 'ami-1' },
      { ...PROD, imageId: 'ami-2' },
    ];
    expect(await letConsumersLaunch(PLAN, RELEASE, amis)).toBe(1);
    expect(aws.sentTo(PROD)).toEqual([]);
    // A launch needs nothing of the snapshots.
    expect(aws.commands).not.toContain('ModifySnapshotAttribute');
  });

  it('are whom the note names, and nobody without one', async () => {
    noteIs(GIVEN);
    expect(await consumersOf('bucket', RELEASE, DEV)).toEqual(new Set([ONE.UserId]));
    aws.reset();
    noteIs();
    expect(await consumersOf('bucket', RELEASE, DEV)).toEqual(new Set());
  });

  it('are left with what EC2 still shows of it, the first three by name', async () => {
    const users = ['1', '2', '3', '4', '5'].map((digit) => ({ UserId: digit.repeat(12) }));
    noteIs({ ...GIVEN, given: { launch: users, volumes: {} } });
    aws.on(DEV, launchers, { LaunchPermissions: users });
    expect(await givenIn('bucket', RELEASE, DEV)).toEqual([
      {
        ...DEV,
        resourceId: 'ami-1',
        why: 'it is still shared with 111111111111, 222222222222, 333333333333, 2 more',
      },
    ]);
  });

  it('are left with nothing once EC2 shows nothing', async () => {
    noteIs(GIVEN);
    aws.on(DEV, launchers, { LaunchPermissions: [] });
    expect(await givenIn('bucket', RELEASE, DEV)).toEqual([]);
  });

  it('are a leftover by the id of the AMI when taking back is refused', async () => {
    noteIs(GIVEN);
    aws.on(DEV, change('Remove'), awsError('UnauthorizedOperation'));
    expect(await takeBackIn('bucket', RELEASE, DEV)).toEqual([
      { ...DEV, resourceId: 'ami-1', why: 'UnauthorizedOperation: AWS says UnauthorizedOperation' },
    ]);
  });

  it('are a leftover by the name of the note when that cannot be read', async () => {
    noteIs(GIVEN);
    aws.on(HUB, new GetObjectCommand({ Bucket: 'bucket', Key: key }), awsError('AccessDenied'));
    expect(await takeBackIn('bucket', RELEASE, DEV)).toEqual([
      { ...DEV, resourceId: key, why: 'AccessDenied: AWS says AccessDenied' },
    ]);
  });
});
