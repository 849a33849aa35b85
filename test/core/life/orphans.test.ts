import {
  DeleteKeyPairCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeImagesCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { DeleteParameterCommand, DescribeParametersCommand, GetParametersCommand } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { findOrphans, removeOrphans } from '../../../core/life/orphans.ts';
import { seenAmi } from '../../../core/life/seen.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { factoryImage, nothingIsLeft } from '../../fixtures/aws/census.ts';
import { awsError, call, useAws } from '../../fixtures/aws/strict-aws.ts';

const aws = useAws();

const NOW = '2026-11-21T09:30:00.000Z';
const RELEASED = 'base@1.4.20260901000000';
const GONE = 'base@1.4.20260801000000';
const PARAMETER = '/packleader/base/versions/1.4.20260801000000';
const Filters = [{ Name: 'tag-key', Values: ['packleader:release'] }];
const tags = (release: string, state: string, more: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    'packleader:release': release,
    'packleader:state': state,
    AutoCleanup: 'true',
    ...more,
  }).map(([Key, Value]) => ({ Key, Value }));
const where = (Name: string, ...Values: string[]) =>
  new DescribeImagesCommand({ Filters: [{ Name, Values }], IncludeDeprecated: true, IncludeDisabled: true });
const amis = [seenAmi(factoryImage('ami-1'), DEV)];
const find = async (more: Partial<Parameters<typeof findOrphans>[1]> = {}) =>
  findOrphans([DEV], { now: NOW, images: ['base'], amis, mayRetry: false, ...more });
const found = async (more?: Partial<Parameters<typeof findOrphans>[1]>) =>
  (await find(more)).orphans.map(({ resourceId }) => resourceId);
const snapshots = (...all: { SnapshotId: string; Tags: { Key: string; Value: string }[] }[]) =>
  aws.on(DEV, new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters }), { Snapshots: all });
const volumes = (...all: { VolumeId: string; Tags: { Key: string; Value: string }[] }[]) =>
  aws.on(DEV, new DescribeVolumesCommand({ Filters }), { Volumes: all });

beforeEach(() => nothingIsLeft(aws, DEV));

describe('what is left of a builder', () => {
  it('is an orphan when its release was released, whatever it is', async () => {
    const of = { Tags: tags(RELEASED, 'candidate') };
    volumes({ VolumeId: 'vol-1', ...of });
    aws.on(DEV, new DescribeKeyPairsCommand({ Filters }), { KeyPairs: [{ KeyPairId: 'key-1', ...of }] });
    aws.on(DEV, new DescribeSecurityGroupsCommand({ Filters }), {
      SecurityGroups: [{ GroupId: 'sg-1', ...of }],
    });
    expect(await find()).toEqual({
      orphans: ['key-1', 'vol-1', 'sg-1'].map((resourceId) => ({
        ...DEV,
        resourceId,
        why: `it is left of the builder of ${RELEASED}, which was released`,
      })),
      unread: [],
    });
  });

  it('is none for a day, in which the release may go on', async () => {
    volumes({ VolumeId: 'vol-1', Tags: tags(RELEASED, 'candidate') });
    expect(await found({ now: '2026-09-01T20:00:00.000Z' })).toEqual([]);
    expect(await found({ now: '2026-09-02T01:00:00.000Z' })).toEqual(['vol-1']);
  });

  it.each([
    ['it says that it is what was released: somebody tags what runs the version', tags(RELEASED, 'released')],
    ['its release came to nothing, which the sweep looks after', tags(GONE, 'candidate')],
  ])('is none when %s', async (_, Tags) => {
    volumes({ VolumeId: 'vol-1', Tags });
    expect(await found()).toEqual([]);
  });
});

describe('a snapshot', () => {
  const used = where('block-device-mapping.snapshot-id', 'snap-1');

  it('is an orphan when no AMI of its version is there, nor any other that is made of it', async () => {
    snapshots({ SnapshotId: 'snap-1', Tags: tags(GONE, 'released') });
    aws.accepts(DEV, used);
    expect(await found()).toEqual(['snap-1']);
  });

  it('is none when an AMI is made of it, whoever has registered that', async () => {
    snapshots({ SnapshotId: 'snap-1', Tags: tags(GONE, 'released') });
    aws.on(DEV, used, {
      Images: [{ ImageId: 'ami-9', BlockDeviceMappings: [{ Ebs: { SnapshotId: 'snap-1' } }] }],
    });
    expect(await found()).toEqual([]);
  });

  it.each([
    ['an AMI of its version is there, in whatever state', tags(RELEASED, 'released')],
    ['it is of a candidate', tags(GONE, 'candidate')],
    ['it is quarantined', tags(GONE, 'quarantined')],
    ['somebody keeps it for good', tags(GONE, 'released', { AutoCleanup: 'false' })],
    ['nothing of its image is ever retired', tags('web@1.4.20260801000000', 'released')],
    ['its tag names no version', tags('something', 'released')],
  ])('is none when %s', async (_, Tags) => {
    snapshots({ SnapshotId: 'snap-1', Tags });
    expect(await found()).toEqual([]);
  });
});

describe('the parameter of a version', () => {
  const search = new DescribeParametersCommand({
    ParameterFilters: [{ Key: 'Path', Option: 'Recursive', Values: ['/packleader'] }],
    MaxResults: 50,
  });
  beforeEach(() => {
    aws.on(DEV, search, { Parameters: [{ Name: PARAMETER }, { Name: '/packleader/base/latest' }] });
    aws.on(DEV, new GetParametersCommand({ Names: [PARAMETER] }), {
      Parameters: [{ Name: PARAMETER, Value: 'ami-7' }],
    });
  });

  it('is an orphan when nobody can see the AMI that it names', async () => {
    aws.accepts(DEV, where('image-id', 'ami-7'));
    expect(await found()).toEqual([PARAMETER]);
  });

  it('is none when the AMI is there, and somebody has only taken its tags away', async () => {
    aws.on(DEV, where('image-id', 'ami-7'), { Images: [{ ImageId: 'ami-7' }] });
    expect(await found()).toEqual([]);
  });
});

describe('a target that may not be looked at', () => {
  const denied = awsError('AccessDenied', 'no');
  beforeEach(() => aws.on(DEV, new DescribeVolumesCommand({ Filters }), denied));

  it('is told, and nothing of it goes', async () => {
    expect(await find()).toEqual({
      orphans: [],
      unread: [{ ...DEV, resourceId: 'orphans', why: 'AccessDenied: no' }],
    });
  });

  it('is looked at again when that may help', async () => {
    aws.on(DEV, new DescribeVolumesCommand({ Filters }), awsError('RequestLimitExceeded'));
    await expect(find({ mayRetry: true })).rejects.toThrow('RequestLimitExceeded');
  });
});

describe('removing orphans', () => {
  const orphan = (resourceId: string) => ({ ...DEV, resourceId, why: 'it is one' });
  const effects = [
    new TerminateInstancesCommand({ InstanceIds: ['i-1'] }),
    new DeleteKeyPairCommand({ KeyPairId: 'key-1' }),
    new DeleteVolumeCommand({ VolumeId: 'vol-1' }),
    new DeleteSecurityGroupCommand({ GroupId: 'sg-1' }),
    new DeleteSnapshotCommand({ SnapshotId: 'snap-1' }),
    new DeleteParameterCommand({ Name: PARAMETER }),
  ];
  const all = [PARAMETER, 'sg-1', 'vol-1', 'snap-1', 'key-1', 'i-1'].map(orphan);

  it('goes in the order in which they need each other', async () => {
    aws.accepts(DEV, ...effects);
    expect(await removeOrphans(all)).toEqual([]);
    expect(aws.sent).toEqual(effects.map((effect) => call(DEV, effect)));
  });

  it('leaves what something uses after all for another day', async () => {
    aws.on(DEV, new DeleteSecurityGroupCommand({ GroupId: 'sg-1' }), awsError('DependencyViolation'));
    aws.on(DEV, new DeleteSnapshotCommand({ SnapshotId: 'snap-1' }), awsError('InvalidSnapshot.InUse'));
    expect(await removeOrphans(['sg-1', 'snap-1'].map(orphan))).toEqual([]);
  });

  it('names what is refused, and goes on', async () => {
    aws.accepts(DEV, ...effects);
    aws.on(DEV, new DeleteVolumeCommand({ VolumeId: 'vol-1' }), awsError('UnauthorizedOperation', 'no'));
    expect(await removeOrphans(all)).toEqual([{ ...orphan('vol-1'), why: 'UnauthorizedOperation: no' }]);
    expect(aws.sent).toHaveLength(effects.length);
  });

  it('fails for what a repetition may mend', async () => {
    aws.on(DEV, new DeleteVolumeCommand({ VolumeId: 'vol-1' }), awsError('RequestLimitExceeded'));
    await expect(removeOrphans([orphan('vol-1')])).rejects.toThrow('RequestLimitExceeded');
  });
});
