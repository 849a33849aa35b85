import {
  DescribeKeyPairsCommand,
  type Image,
  type Snapshot,
  paginateDescribeInstances,
  paginateDescribeLaunchTemplates,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  paginateDescribeVolumes,
} from '@aws-sdk/client-ec2';
import type { TargetClients } from '../aws/clients.ts';
import { parameters } from '../contract/names.ts';
import type { Release } from '../contract/releases.ts';
import { TAGS } from '../contract/tags.ts';
import type { Target } from '../contract/targets.ts';
import { type KeptBuilder, keptAmong, type Spares } from './kept-builders.ts';
import { readParameter } from '../publication/publication.ts';
import { findReleaseBuilds } from './release-builds.ts';
import { findReleaseImages, findReleaseSnapshots, snapshotIdsOf } from './release-images.ts';
import { isDeregistered } from './usable.ts';

/** Everything one release left in one target, by id; found by tag and by name, never by what a step said. */
export interface Traces {
  /** Builds that still run. */
  readonly builds: readonly string[];
  /** Builder instances that are not terminated. */
  readonly instances: readonly string[];
  /** Those of them that are kept for somebody to look at, whether or not their time is over. */
  readonly kept: readonly KeptBuilder[];
  readonly keyPairs: readonly string[];
  /** Of Spot Instances. */
  readonly launchTemplates: readonly string[];
  readonly volumes: readonly string[];
  readonly networkInterfaces: readonly string[];
  readonly securityGroups: readonly string[];
  readonly images: readonly Image[];
  /** Those with the release's tag, and those its AMIs are made of. */
  readonly snapshotIds: readonly string[];
  /** The parameter of the version, and `latest` when it points at an AMI of this release. */
  readonly parameters: readonly string[];
}

/** Looks for every kind of thing that a release makes. Throws when any look is refused: unseen is not absent. */
export async function findTraces(clients: TargetClients, release: Release, target: Target): Promise<Traces> {
  const { ec2 } = clients;
  const Filters = [{ Name: `tag:${TAGS.release}`, Values: [release.releaseId] }];
  const [builds, instances, keyPairs, templates, volumes, interfaces, groups, images, snapshots] =
    await Promise.all([
      findReleaseBuilds(clients.codebuild, release, target),
      Array.fromAsync(paginateDescribeInstances({ client: ec2 }, { Filters })),
      ec2.send(new DescribeKeyPairsCommand({ Filters })),
      Array.fromAsync(paginateDescribeLaunchTemplates({ client: ec2 }, { Filters })),
      Array.fromAsync(paginateDescribeVolumes({ client: ec2 }, { Filters })),
      Array.fromAsync(paginateDescribeNetworkInterfaces({ client: ec2 }, { Filters })),
      Array.fromAsync(paginateDescribeSecurityGroups({ client: ec2 }, { Filters })),
      findReleaseImages(ec2, release),
      findReleaseSnapshots(ec2, release),
    ]);
  const alive = instances
    .flatMap((page) => page.Reservations ?? [])
    .flatMap((reservation) => reservation.Instances ?? [])
    .filter(({ State }) => State?.Name !== 'terminated');
  return {
    builds: builds.filter(({ buildStatus }) => buildStatus === 'IN_PROGRESS').map(({ id = '' }) => id),
    instances: alive.map(({ InstanceId = '' }) => InstanceId),
    kept: keptAmong(alive),
    keyPairs: (keyPairs.KeyPairs ?? []).map(({ KeyPairId = '' }) => KeyPairId),
    launchTemplates: templates
      .flatMap((page) => page.LaunchTemplates ?? [])
      .map(({ LaunchTemplateId = '' }) => LaunchTemplateId),
    volumes: volumes.flatMap((page) => page.Volumes ?? []).map(({ VolumeId = '' }) => VolumeId),
    networkInterfaces: interfaces
      .flatMap((page) => page.NetworkInterfaces ?? [])
      .map(({ NetworkInterfaceId = '' }) => NetworkInterfaceId),
    securityGroups: groups.flatMap((page) => page.SecurityGroups ?? []).map(({ GroupId = '' }) => GroupId),
    images: images.filter((image) => !isDeregistered(image)),
    snapshotIds: [...new Set([...idsOf(snapshots), ...images.flatMap(snapshotIdsOf)])],
    parameters: await publishedParameters(clients, release, images),
  };
}

/** The same without the builders that are spared, and without what they need: keys, groups and volumes. */
export function withoutKept(traces: Traces, spares: Spares): Traces {
  const kept = traces.kept.filter(({ until }) => spares(until));
  if (kept.length === 0) return { ...traces, kept };
  const ids = new Set(kept.map(({ instanceId }) => instanceId));
  return {
    ...traces,
    kept,
    instances: traces.instances.filter((id) => !ids.has(id)),
    keyPairs: [],
    launchTemplates: [],
    volumes: [],
    networkInterfaces: [],
    securityGroups: [],
  };
}

/** What a bake made, as ids, in no order that matters. */
export function bakedIds(traces: Traces): string[] {
  const { builds, instances, keyPairs, launchTemplates, images, snapshotIds } = traces;
  const { volumes, networkInterfaces, securityGroups } = traces;
  const imageIds = images.map(({ ImageId = '' }) => ImageId);
  const builders = [
    ...instances,
    ...keyPairs,
    ...launchTemplates,
    ...volumes,
    ...networkInterfaces,
    ...securityGroups,
  ];
  return [...imageIds, ...builds, ...builders, ...snapshotIds];
}

/** The parameters that let consumers find the release. */
export async function publishedParameters(
  { ssm }: Pick<TargetClients, 'ssm'>,
  release: Release,
  images: readonly Image[],
): Promise<string[]> {
  const version = parameters.version(release.image, release.version);
  const latest = parameters.latest(release.image);
  const [published, current] = await Promise.all([readParameter(ssm, version), readParameter(ssm, latest)]);
  const ours = [published, ...images.map(({ ImageId }) => ImageId)].filter((id) => id !== undefined);
  return [
    ...(published === undefined ? [] : [version]),
    ...(current !== undefined && ours.includes(current) ? [latest] : []),
  ];
}

const idsOf = (snapshots: readonly Snapshot[]): string[] =>
  snapshots.map(({ SnapshotId = '' }) => SnapshotId);
