/** What moto holds, read with its own API and around the proxy, in the shape that the fault suite's oracle looks at. */
import {
  DescribeKeyPairsCommand,
  EC2Client,
  type Image as Ami,
  type Tag,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
} from '@aws-sdk/client-ec2';
import { CreateArchiveCommand, DescribeArchiveCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { SSMClient, paginateGetParametersByPath } from '@aws-sdk/client-ssm';
import type { Image, Parameter, Region, World } from '../../../sandbox/aws/world.ts';
import { NAMES } from '../../../core/contract/names.ts';
import type { Release } from '../../../core/contract/releases.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { type Ground, targetsOf } from '../../faults/ground.ts';
import type { Moto } from '../moto.ts';

export interface Observer {
  readonly target: Target;
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
}

export class MotoWorld {
  readonly #moto: Moto;
  readonly #world: World;
  readonly #ground: Ground;
  readonly #releases: readonly Release[];
  readonly observers: readonly Observer[];

  private constructor(
    moto: Moto,
    world: World,
    ground: Ground,
    releases: readonly Release[],
    observers: readonly Observer[],
  ) {
    this.#moto = moto;
    this.#world = world;
    this.#ground = ground;
    this.#releases = releases;
    this.observers = observers;
  }

  static async of(
    moto: Moto,
    world: World,
    ground: Ground,
    releases: readonly Release[],
  ): Promise<MotoWorld> {
    const observers = await Promise.all(
      targetsOf(ground).map(async (target) => {
        const observer = await moto.observer(target);
        return { target, ec2: new EC2Client(observer), ssm: new SSMClient(observer) };
      }),
    );
    const made = new MotoWorld(moto, world, ground, releases, observers);
    const events = new EventBridgeClient({ endpoint: moto.endpoint });
    for (const [index, { releaseId }] of releases.entries()) {
      await events.send(
        new CreateArchiveCommand({
          ArchiveName: archiveOf(index),
          EventSourceArn: `arn:aws:events:${ground.hub.region}:${ground.hub.accountId}:event-bus/default`,
          EventPattern: JSON.stringify({
            'detail-type': [NAMES.released],
            detail: { releaseId: [releaseId] },
          }),
        }),
      );
    }
    return made;
  }

  observerOf(target: Target): Observer {
    const found = this.observers.find((one) => targetName(one.target) === targetName(target));
    if (found === undefined) throw new Error(`Nobody observes ${targetName(target)}.`);
    return found;
  }

  /** Reads what consumers can see. Parameters come last: whatever they point at was there before. */
  async readVisible(): Promise<void> {
    await Promise.all(
      this.observers.map(async (observer) => {
        const place = this.#placeOf(observer);
        const [images, snapshots] = await Promise.all([imagesIn(observer), snapshotsIn(observer)]);
        const parameters = await parametersIn(observer);
        replace(place.images, images);
        replace(place.snapshots, snapshots);
        replace(place.parameters, parameters);
      }),
    );
  }

  /** Reads all that the oracle knows of. */
  async readAll(): Promise<void> {
    await Promise.all([
      this.readVisible(),
      this.#readRecords(),
      this.#readEvents(),
      ...this.observers.map(async (observer) => readBuilders(observer, this.#placeOf(observer))),
    ]);
  }

  #placeOf({ target }: Observer): Region {
    return this.#world.region(target.accountId, target.region);
  }

  async #readRecords(): Promise<void> {
    const { bucket, hub } = this.#ground;
    const client = new S3Client({ endpoint: this.#moto.endpoint });
    const pages = await Array.fromAsync(paginateListObjectsV2({ client }, { Bucket: bucket }));
    const contents = pages.flatMap(({ Contents = [] }) => Contents);
    const object = { body: new Uint8Array(), etag: '', at: 0, metadata: {} };
    this.#world.buckets.set(bucket, {
      name: bucket,
      ownerId: hub.accountId,
      region: hub.region,
      guests: new Set(),
      objects: new Map(contents.map(({ Key = '' }) => [Key, object])),
    });
  }

  /** moto keeps no events, but an archive of them counts. */
  async #readEvents(): Promise<void> {
    const events = new EventBridgeClient({ endpoint: this.#moto.endpoint });
    this.#world.events.length = 0;
    for (const [index, { releaseId }] of this.#releases.entries()) {
      const ArchiveName = archiveOf(index);
      const { EventCount = 0 } = await events.send(new DescribeArchiveCommand({ ArchiveName }));
      if (EventCount === 0) continue;
      this.#world.events.push({
        at: '',
        id: ArchiveName,
        ...this.#ground.hub,
        source: NAMES.eventSource,
        detailType: NAMES.released,
        detail: { releaseId },
        eventBusName: 'default',
        resources: [],
      });
    }
  }
}

const archiveOf = (index: number): string => `announced-${index}`;

function replace<T>(map: Map<string, T>, entries: Iterable<readonly [string, T]>): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

const tagsOf = (tags: readonly Tag[] = []): Map<string, string> =>
  new Map(
    tags
      .map(({ Key = '', Value = '' }) => [Key, Value] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );

async function imagesIn({ ec2: client }: Observer): Promise<[string, Image][]> {
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

async function snapshotsIn({ ec2: client, target }: Observer) {
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
        tags: tagsOf(Tags),
      };
      return [SnapshotId, snapshot] as const;
    });
}

async function parametersIn({ ssm: client }: Observer): Promise<[string, Parameter][]> {
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

async function readBuilders({ ec2: client }: Observer, place: Region): Promise<void> {
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
