/** What one target of moto holds, in the shape of the embedded AWS. */
import {
  DescribeKeyPairsCommand,
  type EC2Client,
  type Image as Ami,
  type Tag,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
} from '@aws-sdk/client-ec2';
import { type SSMClient, paginateGetParametersByPath } from '@aws-sdk/client-ssm';
import type { Image, Parameter, Region } from '../../../../sandbox/aws/world.ts';
import type { Target } from '../../../../core/contract/targets.ts';

export interface Observer {
  readonly target: Target;
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
}

export function replace<T>(map: Map<string, T>, entries: Iterable<readonly [string, T]>): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

const tagsOf = (tags: readonly Tag[] = []): Map<string, string> =>
  new Map(
    tags
      .map(({ Key = '', Value = '' }) => [Key, Value] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );

export async function imagesIn({ ec2: client }: Observer): Promise<[string, Image][]> {
  const pages = await Array.fromAsync(paginateDescribeImages({ client }, { Owners: ['self'] }));
  return pages.flatMap(({ Images = [] }) => Images).map((ami) => [ami.ImageId ?? '', imageOf(ami)]);
}

function imageOf(ami: Ami): Image {
  const createdAt = Date.parse(ami.CreationDate ?? '');
  return {
    imageId: ami.ImageId ?? '',
    ownerId: ami.OwnerId ?? '',
    name: ami.Name ?? '',
    description: ami.Description ?? '',
    architecture: ami.Architecture === 'arm64' ? 'arm64' : 'x86_64',
    createdAt,
    availableAt: ami.State === 'pending' ? Infinity : 0,
    failed: ami.State === 'failed',
    disabled: ami.State === 'disabled',
    deregistrationProtected: false,
    public: ami.Public === true,
    launchPermissions: { users: new Set(), organizations: new Set(), units: new Set() },
    tags: tagsOf(ami.Tags),
    blockDevices: (ami.BlockDeviceMappings ?? []).map(({ DeviceName = '', Ebs }) => ({
      deviceName: DeviceName,
      snapshotId: Ebs?.SnapshotId ?? '',
      volumeSizeGiB: Ebs?.VolumeSize ?? 0,
      volumeType: Ebs?.VolumeType ?? 'gp3',
      encrypted: Ebs?.Encrypted === true,
    })),
  };
}

export async function snapshotsIn({ ec2: client, target }: Observer) {
  const pages = await Array.fromAsync(paginateDescribeSnapshots({ client }, { OwnerIds: ['self'] }));
  return pages
    .flatMap(({ Snapshots = [] }) => Snapshots)
    .filter(({ OwnerId }) => OwnerId === target.accountId)
    .map(({ SnapshotId = '', Description = '', Encrypted, VolumeId = '', VolumeSize = 0, Tags }) => {
      const snapshot = {
        snapshotId: SnapshotId,
        ownerId: target.accountId,
        volumeId: VolumeId,
        volumeSizeGiB: VolumeSize,
        encrypted: Encrypted === true,
        startedAt: 0,
        completedAt: 0,
        description: Description,
        volumePermissions: new Set<string>(),
        tags: tagsOf(Tags),
      };
      return [SnapshotId, snapshot] as const;
    });
}

export async function parametersIn({ ssm: client }: Observer): Promise<[string, Parameter][]> {
  const pages = paginateGetParametersByPath({ client }, { Path: '/packleader', Recursive: true });
  const found = (await Array.fromAsync(pages)).flatMap(({ Parameters = [] }) => Parameters);
  return found.map(({ Name = '', Value = '', Version = 0, DataType = '' }): [string, Parameter] => {
    const version = { version: Version, value: Value, at: 0, by: '', labels: new Set<string>() };
    const parameter: Parameter = {
      name: Name,
      type: 'String',
      dataType: DataType,
      tags: new Map<string, string>(),
      versions: [version],
      issued: Version,
    };
    return [Name, parameter];
  });
}

export async function readBuilders({ ec2: client }: Observer, place: Region): Promise<void> {
  const [instances, volumes, interfaces, groups, { KeyPairs = [] }] = await Promise.all([
    Array.fromAsync(paginateDescribeInstances({ client }, {})),
    Array.fromAsync(paginateDescribeVolumes({ client }, {})),
    Array.fromAsync(paginateDescribeNetworkInterfaces({ client }, {})),
    Array.fromAsync(paginateDescribeSecurityGroups({ client }, {})),
    client.send(new DescribeKeyPairsCommand({})),
  ]);
  const alive = instances
    .flatMap(({ Reservations = [] }) => Reservations)
    .flatMap(({ Instances = [] }) => Instances)
    .filter(({ State }) => State?.Name !== 'terminated');
  replace(
    place.instances,
    alive.map(({ InstanceId = '', ImageId = '', Tags, State }) => [
      InstanceId,
      {
        instanceId: InstanceId,
        imageId: ImageId,
        instanceType: 'm7i.large',
        architecture: 'x86_64',
        securityGroupIds: [],
        volumeIds: [],
        launchedAt: 0,
        asked: State?.Name === 'stopped' ? 'stop' : 'run',
        askedAt: 0,
        httpTokens: 'required',
        tags: tagsOf(Tags),
      },
    ]),
  );
  replace(
    place.volumes,
    volumes
      .flatMap(({ Volumes = [] }) => Volumes)
      .map(({ VolumeId = '', Size = 0, Encrypted, Tags }) => [
        VolumeId,
        {
          volumeId: VolumeId,
          sizeGiB: Size,
          volumeType: 'gp3',
          encrypted: Encrypted === true,
          createdAt: 0,
          deviceName: '',
          deleteOnTermination: true,
          tags: tagsOf(Tags),
        },
      ]),
  );
  replace(
    place.networkInterfaces,
    interfaces
      .flatMap(({ NetworkInterfaces = [] }) => NetworkInterfaces)
      .map(({ NetworkInterfaceId = '', TagSet }) => [
        NetworkInterfaceId,
        { networkInterfaceId: NetworkInterfaceId, securityGroupIds: [], tags: tagsOf(TagSet) },
      ]),
  );
  replace(
    place.securityGroups,
    groups
      .flatMap(({ SecurityGroups = [] }) => SecurityGroups)
      .map(({ GroupId = '', GroupName = '', Description = '', VpcId = '', Tags }) => [
        GroupId,
        {
          groupId: GroupId,
          groupName: GroupName,
          description: Description,
          vpcId: VpcId,
          tags: tagsOf(Tags),
        },
      ]),
  );
  replace(
    place.keyPairs,
    KeyPairs.map(({ KeyName = '', KeyPairId = '', Tags }) => [
      KeyPairId,
      { keyName: KeyName, keyPairId: KeyPairId, createdAt: 0, tags: tagsOf(Tags) },
    ]),
  );
}
