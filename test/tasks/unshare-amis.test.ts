import {
  DescribeImageAttributeCommand,
  DescribeSnapshotAttributeCommand,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { keys } from '../../core/contract/keys.ts';
import { handler } from '../../tasks/unshare-amis.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, VERSION } from '../fixtures/releases.ts';

const aws = useAws();

const NOTE = keys.permissions('web', VERSION, DEV);
const notes = (...found: string[]): void =>
  aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: `permissions/web/${VERSION}/` }), {
    Contents: found.map((Key) => ({ Key })),
  });
const unshare = async () => handler({ release: RELEASE, plan: { bucket: 'hub', prefix: 'plans/x/web' } });
const user = { UserId: PROD.accountId };

describe('unsharing what was copied', () => {
  it('of which nothing was ever shared asks nobody', async () => {
    notes();
    expect(await unshare()).toEqual({});
    expect(aws.sentTo(DEV)).toEqual([]);
  });

  it('takes back what was written down, the snapshots last, and says so there', async () => {
    notes(NOTE);
    aws.holds('hub', NOTE, {
      imageId: 'ami-1',
      before: { launch: [{ UserId: '555555555555' }], volumes: {} },
      given: { launch: [user], volumes: { 'snap-1': [PROD.accountId] } },
    });
    const launch = new DescribeImageAttributeCommand({ ImageId: 'ami-1', Attribute: 'launchPermission' });
    const volumes = new DescribeSnapshotAttributeCommand({
      SnapshotId: 'snap-1',
      Attribute: 'createVolumePermission',
    });
    const others = [{ UserId: '555555555555' }];
    aws.on(DEV, launch, { LaunchPermissions: others });
    aws.on(DEV, volumes, { CreateVolumePermissions: [] });
    const changes = [
      new ModifyImageAttributeCommand({ ImageId: 'ami-1', LaunchPermission: { Remove: [user] } }),
      new ModifySnapshotAttributeCommand({
        SnapshotId: 'snap-1',
        CreateVolumePermission: { Remove: [user] },
      }),
    ];
    aws.accepts(DEV, ...changes);
    aws.expects(HUB, ({ command }) => command === 'PutObject');
    expect(await unshare()).toEqual({});
    expect(
      aws
        .sentTo(DEV)
        .filter(({ command }) => command.startsWith('Modify'))
        .map(({ input }) => input),
    ).toEqual(changes.map(({ input }) => input));
  });

  it('fails with what is still shared, by its AMI', async () => {
    notes(NOTE);
    aws.holds('hub', NOTE, {
      imageId: 'ami-1',
      before: { launch: [], volumes: {} },
      given: { launch: [user], volumes: {} },
    });
    aws.accepts(
      DEV,
      new ModifyImageAttributeCommand({ ImageId: 'ami-1', LaunchPermission: { Remove: [user] } }),
    );
    aws.on(
      DEV,
      new DescribeImageAttributeCommand({ ImageId: 'ami-1', Attribute: 'launchPermission' }),
      awsError('UnauthorizedOperation', 'no'),
    );
    const error: unknown = await unshare().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'LeftoversRemain' });
    expect(String(error)).toContain('"resourceId":"ami-1","why":"UnauthorizedOperation: no"');
  });
});
