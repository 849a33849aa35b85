import { StopBuildCommand } from '@aws-sdk/client-codebuild';
import {
  CreateTagsCommand,
  DeleteKeyPairCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  DescribeKeyPairsCommand,
  type Image,
  TerminateInstancesCommand,
  paginateDescribeInstances,
  paginateDescribeSecurityGroups,
  paginateDescribeVolumes,
} from '@aws-sdk/client-ec2';
import type { TargetClients } from './aws-clients.ts';
import { asFact, hasCode } from './aws-errors.ts';
import { type Leftover, type Release, STATES, TAGS, type Target } from './contract.ts';
import { usersOfImages } from './image-users.ts';
import { findReleaseBuilds } from './release-builds.ts';
import { findReleaseImages, findReleaseSnapshots, snapshotIdsOf, tagsOf } from './release-images.ts';

/** What one look at one target did and found. */
export interface UndoneBake {
  readonly removed: readonly string[];
  readonly quarantined: readonly Leftover[];
  readonly leftovers: readonly Leftover[];
}

/**
 * Removes everything one release made in one target, in the order AWS demands: builds, builder instances, their key
 * pairs, volumes and security groups, AMIs, snapshots. Whatever refuses to go is reported with the reason and does not
 * keep the rest from going. Afterwards it looks again: what is still there is a leftover. A builder that is still
 * shutting down is one too, so the caller's retry comes back for its security group.
 */
export async function undoBake(
  clients: TargetClients,
  release: Release,
  target: Target,
): Promise<UndoneBake> {
  const refusals = new Map<string, string>();
  const removed: string[] = [];
  const remove = async (resourceId: string, effect: () => Promise<unknown>): Promise<void> => {
    try {
      await effect();
      removed.push(resourceId);
    } catch (error) {
      if (hasCode(error, ...ABSENT)) return;
      const fact = asFact(error);
      refusals.set(resourceId, fact.message);
    }
  };

  await stopBuilds(clients, release, target, remove);
  await removeBuilders(clients, release, remove);
  const quarantined = await deregisterUnused(clients, release, target, remove);
  await deleteSnapshots(clients, release, quarantined.keptSnapshots, remove);

  const kept = new Set([
    ...quarantined.leftovers.map(({ resourceId }) => resourceId),
    ...quarantined.keptSnapshots,
  ]);
  const left = await everythingOf(clients, release, target);
  const { accountId, region } = target;
  const leftovers = left
    .filter((resourceId) => !kept.has(resourceId))
    .map((resourceId) => ({
      accountId,
      region,
      resourceId,
      why: refusals.get(resourceId) ?? 'it is still there',
    }));
  return { removed, quarantined: quarantined.leftovers, leftovers };
}

type Remove = (resourceId: string, effect: () => Promise<unknown>) => Promise<void>;

/** AWS's ways to say that a resource is gone already. */
const ABSENT = [
  'InvalidAMIID.NotFound',
  'InvalidAMIID.Unavailable',
  'InvalidSnapshot.NotFound',
  'InvalidInstanceID.NotFound',
  'InvalidKeyPair.NotFound',
  'InvalidGroup.NotFound',
  'InvalidVolume.NotFound',
];

const ofRelease = (release: Release) => [{ Name: `tag:${TAGS.release}`, Values: [release.releaseId] }];

async function stopBuilds({ codebuild }: TargetClients, release: Release, target: Target, remove: Remove) {
  for (const { id = '' } of await runningBuilds({ codebuild }, release, target)) {
    await remove(id, () => codebuild.send(new StopBuildCommand({ id })));
  }
}

async function runningBuilds(
  { codebuild }: Pick<TargetClients, 'codebuild'>,
  release: Release,
  target: Target,
) {
  const builds = await findReleaseBuilds(codebuild, release, target);
  return builds.filter(({ buildStatus }) => buildStatus === 'IN_PROGRESS');
}

async function removeBuilders(clients: TargetClients, release: Release, remove: Remove): Promise<void> {
  const { ec2 } = clients;
  const builders = await findBuilders(clients, release);
  for (const id of builders.instances) {
    await remove(id, () => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
  }
  for (const id of builders.keyPairs)
    await remove(id, () => ec2.send(new DeleteKeyPairCommand({ KeyPairId: id })));
  for (const id of builders.volumes)
    await remove(id, () => ec2.send(new DeleteVolumeCommand({ VolumeId: id })));
  for (const id of builders.groups)
    await remove(id, () => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })));
}

interface Builders {
  readonly instances: string[];
  readonly keyPairs: string[];
  readonly volumes: string[];
  readonly groups: string[];
}

async function findBuilders({ ec2 }: TargetClients, release: Release): Promise<Builders> {
  const Filters = ofRelease(release);
  const [instances, keyPairs, volumes, groups] = await Promise.all([
    Array.fromAsync(paginateDescribeInstances({ client: ec2 }, { Filters })),
    ec2.send(new DescribeKeyPairsCommand({ Filters })),
    Array.fromAsync(paginateDescribeVolumes({ client: ec2 }, { Filters })),
    Array.fromAsync(paginateDescribeSecurityGroups({ client: ec2 }, { Filters })),
  ]);
  return {
    instances: instances
      .flatMap((page) => page.Reservations ?? [])
      .flatMap((reservation) => reservation.Instances ?? [])
      .filter(({ State }) => State?.Name !== 'terminated')
      .map(({ InstanceId = '' }) => InstanceId),
    keyPairs: (keyPairs.KeyPairs ?? []).map(({ KeyPairId = '' }) => KeyPairId),
    volumes: volumes.flatMap((page) => page.Volumes ?? []).map(({ VolumeId = '' }) => VolumeId),
    groups: groups.flatMap((page) => page.SecurityGroups ?? []).map(({ GroupId = '' }) => GroupId),
  };
}

/** Deregisters the AMIs nothing uses, with their snapshots; quarantines the others, whose snapshots are kept. */
async function deregisterUnused(clients: TargetClients, release: Release, target: Target, remove: Remove) {
  const { ec2 } = clients;
  const images = await findReleaseImages(ec2, release);
  const users = await usersOfImages(
    ec2,
    images.map(({ ImageId = '' }) => ImageId),
  );
  const leftovers: Leftover[] = [];
  const keptSnapshots: string[] = [];
  for (const image of images) {
    const imageId = image.ImageId ?? '';
    const usedBy = users.get(imageId) ?? [];
    if (usedBy.length === 0) {
      await remove(imageId, () =>
        ec2.send(new DeregisterImageCommand({ ImageId: imageId, DeleteAssociatedSnapshots: true })),
      );
    } else {
      const why = `it is used by ${usedBy.join(', ')}`;
      await quarantine(clients, image, why);
      const { accountId, region } = target;
      leftovers.push({ accountId, region, resourceId: imageId, why });
      keptSnapshots.push(...snapshotIdsOf(image));
    }
  }
  return { leftovers, keptSnapshots };
}

async function quarantine({ ec2 }: TargetClients, image: Image, why: string): Promise<void> {
  if (tagsOf(image).get(TAGS.state) === STATES.quarantined) return;
  const Tags = [
    { Key: TAGS.state, Value: STATES.quarantined },
    { Key: TAGS.quarantine, Value: why.slice(0, 256) },
  ];
  await ec2.send(new CreateTagsCommand({ Resources: [image.ImageId ?? '', ...snapshotIdsOf(image)], Tags }));
}

/** DeregisterImage succeeds even when a snapshot stays, and a killed build leaves snapshots without an AMI. */
async function deleteSnapshots(
  { ec2 }: TargetClients,
  release: Release,
  kept: readonly string[],
  remove: Remove,
): Promise<void> {
  for (const { SnapshotId = '' } of await findReleaseSnapshots(ec2, release)) {
    if (kept.includes(SnapshotId)) continue;
    await remove(SnapshotId, () => ec2.send(new DeleteSnapshotCommand({ SnapshotId })));
  }
}

async function everythingOf(clients: TargetClients, release: Release, target: Target): Promise<string[]> {
  const [builds, builders, images, snapshots] = await Promise.all([
    runningBuilds(clients, release, target),
    findBuilders(clients, release),
    findReleaseImages(clients.ec2, release),
    findReleaseSnapshots(clients.ec2, release),
  ]);
  return [
    ...builds.map(({ id = '' }) => id),
    ...Object.values(builders).flat(),
    ...images.map(({ ImageId = '' }) => ImageId),
    ...snapshots.map(({ SnapshotId = '' }) => SnapshotId),
  ];
}
