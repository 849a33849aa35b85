import {
  CopyImageCommand,
  DescribeImageAttributeCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  type Image,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { keys } from '../../core/contract/keys.ts';
import { handler } from '../../tasks/copy-amis.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { candidate, imagesByName, imagesByTag } from '../fixtures/aws/release-images.ts';
import { HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { AMI_NAME, RELEASE, SOURCE_AMI, VERSION, amiIn, batchOf } from '../fixtures/releases.ts';

const aws = useAws('packleader-copier');

const PREFIX = 'plans/x/web';
const NOTE = keys.permissions('web', VERSION, DEV);
const SOURCE = candidate('ami-dev', {}, { OwnerId: DEV.accountId });
const COPY = candidate('ami-prod', {}, { OwnerId: PROD.accountId });
const user = { UserId: PROD.accountId };
const tagged = [
  { Key: 'Team', Value: 'web' },
  { Key: 'packleader:release', Value: RELEASE.releaseId },
  { Key: 'packleader:source-ami', Value: SOURCE_AMI },
];
const copy = new CopyImageCommand({
  SourceImageId: 'ami-dev',
  SourceRegion: DEV.region,
  Name: AMI_NAME,
  ClientToken: `web-${VERSION}`,
  Encrypted: true,
  KmsKeyId: 'alias/web',
  TagSpecifications: [
    { ResourceType: 'image', Tags: tagged },
    { ResourceType: 'snapshot', Tags: tagged },
  ],
});
const underWay = new DescribeSnapshotsCommand({
  OwnerIds: ['self'],
  Filters: [
    { Name: 'status', Values: ['pending'] },
    { Name: 'description', Values: ['Copied for DestinationAmi*'] },
  ],
});

function holds(target: typeof DEV, ...images: readonly Image[]): void {
  aws.on(target, imagesByTag, { Images: [...images] });
  aws.on(target, imagesByName, { Images: [] });
}

/** Nothing is shared so far, and all of it after it was asked for. */
function mayShare(): void {
  aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: NOTE }), {});
  aws.expects(HUB, ({ command }) => command === 'PutObject');
  aws.on(
    DEV,
    new DescribeImageAttributeCommand({ ImageId: 'ami-dev', Attribute: 'launchPermission' }),
    { LaunchPermissions: [] },
    { LaunchPermissions: [user] },
  );
  aws.on(
    DEV,
    new DescribeSnapshotAttributeCommand({ SnapshotId: 'snap-dev', Attribute: 'createVolumePermission' }),
    { CreateVolumePermissions: [] },
    { CreateVolumePermissions: [user] },
  );
  aws.accepts(
    DEV,
    new ModifySnapshotAttributeCommand({ SnapshotId: 'snap-dev', CreateVolumePermission: { Add: [user] } }),
    new ModifyImageAttributeCommand({ ImageId: 'ami-dev', LaunchPermission: { Add: [user] } }),
  );
}

async function copyIt({ attempt = 0, toCopy = [0] }: { attempt?: number; toCopy?: number[] } = {}) {
  const about = { sourceAmi: { ids: {} }, architecture: 'x86_64', timeoutMinutes: 60 };
  aws.holds('hub', `${PREFIX}/plan.json`, {
    release: RELEASE,
    stages: [
      { name: 'dev', targets: [{ ...DEV, ...about }] },
      {
        name: 'prod',
        targets: [
          {
            ...PROD,
            ...about,
            copy: {
              from: { ...DEV, stage: 'dev' },
              kmsKeyId: 'alias/web',
              tags: { Team: 'web', 'packleader:release': RELEASE.releaseId },
            },
          },
        ],
      },
    ],
  });
  return handler({
    release: RELEASE,
    plan: { bucket: 'hub', prefix: PREFIX },
    executionName: `web-${VERSION}`,
    batches: [batchOf(PROD)],
    toCopy,
    amis: { dev: [amiIn(DEV, 'ami-dev')] },
    attempt,
  });
}

describe('copying the AMIs of a stage', () => {
  it('is nothing where every target bakes', async () => {
    expect(await copyIt({ toCopy: [] })).toEqual({ copies: 0 });
    expect(aws.sent).toEqual([]);
  });

  it('lets the account read the AMI, then asks for the copy, and waits', async () => {
    holds(PROD);
    holds(DEV, SOURCE);
    mayShare();
    aws.on(PROD, underWay, { Snapshots: [] });
    aws.on(PROD, copy, { ImageId: 'ami-prod' });
    await expect(copyIt()).rejects.toMatchObject({
      name: 'CopiesUnderWay',
      message:
        '222222222222/us-east-1: waits for ami-prod to be copied from ami-dev in 111111111111/eu-west-1',
    });
    expect(aws.stewards.toSorted()).toEqual([DEV.accountId, PROD.accountId]);
  });

  it.each([
    ['what is under way', { Snapshots: Array.from({ length: 20 }, () => ({})) }, undefined],
    ['EC2 itself', { Snapshots: [] }, awsError('ResourceLimitExceeded', 'too many')],
  ])('waits for room, as %s tells', async (_, snapshots, refused) => {
    holds(PROD);
    holds(DEV, SOURCE);
    mayShare();
    aws.on(PROD, underWay, snapshots);
    if (refused) aws.on(PROD, copy, refused);
    await expect(copyIt()).rejects.toMatchObject({
      name: 'CopiesUnderWay',
      message:
        '222222222222/us-east-1: waits for room in 222222222222/us-east-1, into which 20 snapshots are copied at the same time',
    });
  });

  it('only waits while it is pending, and shares nothing more', async () => {
    holds(PROD, { ...COPY, State: 'pending' });
    await expect(copyIt({ attempt: 3 })).rejects.toMatchObject({
      name: 'CopiesUnderWay',
      message: '222222222222/us-east-1: waits for ami-prod, which is pending',
    });
  });

  it('is done when it is available, and takes back what it gave', async () => {
    holds(PROD, COPY);
    aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: NOTE }), {});
    expect(await copyIt({ attempt: 9 })).toEqual({ copies: 1 });
  });

  it('fails when it takes longer than its target may', async () => {
    holds(PROD, { ...COPY, State: 'pending' });
    await expect(copyIt({ attempt: 60 })).rejects.toMatchObject({
      name: 'CopyFailed',
      message: expect.stringContaining('60 minutes were not enough for the copy of ami-dev'),
    });
  });

  it('fails with what EC2 says of a copy that never came to be, and with advice', async () => {
    const StateReason = { Message: 'Given key ID is not accessible' };
    holds(PROD, { ...COPY, State: 'failed', StateReason });
    await expect(copyIt()).rejects.toMatchObject({
      name: 'CopyFailed',
      message: expect.stringMatching(/ami-prod is failed: Given key ID is not accessible\nAdvice: /),
    });
  });

  it('fails when EC2 refuses to copy it', async () => {
    holds(PROD);
    holds(DEV, SOURCE);
    mayShare();
    aws.on(PROD, underWay, { Snapshots: [] });
    const why = 'Images from AWS Marketplace cannot be copied to another AWS account.';
    aws.on(PROD, copy, awsError('InvalidRequest', why));
    await expect(copyIt()).rejects.toMatchObject({
      name: 'CopyFailed',
      message: expect.stringMatching(
        /EC2 refuses to copy ami-dev[^]*Marketplace[^]*Advice: .*strategy: bake/,
      ),
    });
  });

  it.each([
    ['is another one', [candidate('ami-other', {}, { OwnerId: DEV.accountId })], /is not the only AMI/],
    ['is one of two', [SOURCE, candidate('ami-other')], /is not the only AMI/],
    ['belongs to somebody else', [{ ...SOURCE, OwnerId: '555555555555' }], /belongs to 555555555555/],
    ['is disabled', [{ ...SOURCE, State: 'disabled' as const }], /is disabled/],
    ['is public', [{ ...SOURCE, Public: true }], /is public/],
    ['is gone', [], /is not the only AMI/],
  ])('fails when its source %s, before anybody may read it', async (_, images, message) => {
    holds(PROD);
    holds(DEV, ...images);
    await expect(copyIt()).rejects.toMatchObject({
      name: 'CopyFailed',
      message: expect.stringMatching(message),
    });
  });
});
