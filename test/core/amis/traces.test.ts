import {
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientsFor } from '../../../core/aws/clients.ts';
import { keptAfter } from '../../../core/amis/kept-builders.ts';
import { bakedIds, findTraces, publishedParameters, withoutKept } from '../../../core/amis/traces.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { awsError, builds, useAws } from '../../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../../fixtures/releases.ts';
import { candidate } from '../../fixtures/aws/release-images.ts';
import {
  type Found,
  groups,
  instances,
  interfaces,
  keyPairs,
  launchTemplates,
  leftBehind,
  listBuilds,
  look,
  snapshots,
  targetHolds,
  volumes,
} from '../../fixtures/aws/looks.ts';
import { LATEST, VERSION, get } from '../../fixtures/aws/parameters.ts';

const aws = useAws();
const find = () => findTraces(clientsFor(DEV), RELEASE, DEV);

beforeEach(() => targetHolds(aws, DEV, {}));

const everything: Found = {
  ...leftBehind(DEV),
  instances: { 'i-1': 'stopped', 'i-0': 'terminated' },
  snapshots: ['snap-1', 'snap-2'],
  version: 'ami-1',
  latest: 'ami-1',
};

describe('the traces of a release', () => {
  it('are none where nothing is', async () => {
    const traces = await find();
    expect(bakedIds(traces)).toEqual([]);
    expect(traces.parameters).toEqual([]);
    expect(aws.sent).toEqual(look(DEV));
  });

  it('are all kinds of things, each once, without builds that ended and instances that are terminated', async () => {
    targetHolds(aws, DEV, everything);
    const traces = await find();
    expect(traces).toEqual({
      builds: ['b:1'],
      instances: ['i-1'],
      kept: [],
      keyPairs: ['key-1'],
      launchTemplates: ['lt-1'],
      volumes: ['vol-1'],
      networkInterfaces: ['eni-1'],
      securityGroups: ['sg-1'],
      images: [candidate('ami-1')],
      snapshotIds: ['snap-1', 'snap-2'],
      parameters: [VERSION, LATEST],
    });
    const ids = ['ami-1', 'b:1', 'i-1', 'key-1', 'lt-1', 'vol-1', 'eni-1', 'sg-1', 'snap-1', 'snap-2'];
    expect(bakedIds(traces)).toEqual(ids);
    expect(aws.sent).toEqual(look(DEV, 'b:1', 'b:0'));
  });

  it('are without the builder that is kept, and what it needs, where that is spared', async () => {
    const until = '2026-11-21T13:30:00.000Z';
    targetHolds(aws, DEV, {
      ...everything,
      instances: { 'i-1': 'running', 'i-2': 'running' },
      kept: { 'i-1': until },
    });
    const traces = await find();
    const kept = [{ instanceId: 'i-1', until }];
    expect(traces).toMatchObject({ kept, instances: ['i-1', 'i-2'], keyPairs: ['key-1'] });
    const spared = withoutKept(traces, keptAfter('2026-11-21T13:29:59.000Z'));
    expect(spared.kept).toEqual(kept);
    expect(bakedIds(spared)).toEqual(['ami-1', 'b:1', 'i-2', 'snap-1', 'snap-2']);
    const over = withoutKept(traces, keptAfter(until));
    expect(over.kept).toEqual([]);
    expect(bakedIds(over)).toEqual(bakedIds(traces));
  });

  it.each([
    [
      'one that ends',
      { instances: { 'i-1': 'shutting-down' as const }, kept: { 'i-1': '2099-01-01T00:00:00Z' } },
    ],
    [
      'a time that nobody can read',
      { instances: { 'i-1': 'running' as const }, kept: { 'i-1': 'for ever' } },
    ],
  ])('spare no builder of %s', async (_, found) => {
    targetHolds(aws, DEV, found);
    expect(bakedIds(withoutKept(await find(), keptAfter('2026-11-21T13:30:00Z')))).toEqual(['i-1']);
  });

  it('are found on a second page', async () => {
    const NextToken = 'more';
    aws.on(DEV, instances, { NextToken });
    aws.on(DEV, new DescribeInstancesCommand({ ...instances.input, NextToken }), {
      Reservations: [{ Instances: [{ InstanceId: 'i-2', State: { Name: 'running' } }] }],
    });
    aws.on(DEV, launchTemplates, { NextToken });
    aws.on(DEV, new DescribeLaunchTemplatesCommand({ ...launchTemplates.input, NextToken }), {
      LaunchTemplates: [{ LaunchTemplateId: 'lt-2' }],
    });
    aws.on(DEV, volumes, { NextToken });
    aws.on(DEV, new DescribeVolumesCommand({ ...volumes.input, NextToken }), {
      Volumes: [{ VolumeId: 'vol-2' }],
    });
    aws.on(DEV, interfaces, { NextToken });
    aws.on(DEV, new DescribeNetworkInterfacesCommand({ ...interfaces.input, NextToken }), {
      NetworkInterfaces: [{ NetworkInterfaceId: 'eni-2' }],
    });
    aws.on(DEV, groups, { NextToken });
    aws.on(DEV, new DescribeSecurityGroupsCommand({ ...groups.input, NextToken }), {
      SecurityGroups: [{ GroupId: 'sg-2' }],
    });
    aws.on(DEV, snapshots, { NextToken });
    aws.on(DEV, new DescribeSnapshotsCommand({ ...snapshots.input, NextToken }), {
      Snapshots: [{ SnapshotId: 'snap-2' }],
    });
    expect(bakedIds(await find())).toEqual(['i-2', 'lt-2', 'vol-2', 'eni-2', 'sg-2', 'snap-2']);
  });

  it('include the snapshots of an AMI that carry no tag of their own', async () => {
    targetHolds(aws, DEV, { images: [candidate('ami-1')] });
    expect((await find()).snapshotIds).toEqual(['snap-1']);
  });

  it('fail when a single look is refused: unseen is not absent', async () => {
    const refused = awsError('UnauthorizedOperation');
    const looks = [
      () => aws.on(builds(DEV), listBuilds, refused),
      () => aws.on(DEV, instances, refused),
      () => aws.on(DEV, keyPairs, refused),
      () => aws.on(DEV, launchTemplates, refused),
      () => aws.on(DEV, volumes, refused),
      () => aws.on(DEV, interfaces, refused),
      () => aws.on(DEV, groups, refused),
      () => aws.on(DEV, snapshots, refused),
      () => aws.on(DEV, get(VERSION), refused),
      () => aws.on(DEV, get(LATEST), refused),
    ];
    for (const refuse of looks) {
      targetHolds(aws, DEV, {});
      refuse();
      await expect(find()).rejects.toThrow('UnauthorizedOperation');
    }
  });
});

describe('the published parameters of a release', () => {
  it.each([
    ['none', {}, []],
    ['the version alone, when latest is not ours', { version: 'ami-1', latest: 'ami-9' }, [VERSION]],
    ['latest by an AMI of the release, when the version is gone', { latest: 'ami-2' }, [LATEST]],
    ['latest by the version, when the AMI is gone', { version: 'ami-1', latest: 'ami-1' }, [VERSION, LATEST]],
    ['no latest of an unknown AMI', { latest: 'ami-1' }, []],
  ])('are %s', async (_, found, expected) => {
    targetHolds(aws, DEV, found);
    expect(await publishedParameters(clientsFor(DEV), RELEASE, [candidate('ami-2')])).toEqual(expected);
  });
});
