import { StopBuildCommand } from '@aws-sdk/client-codebuild';
import {
  CreateTagsCommand,
  DeleteKeyPairCommand,
  DeleteLaunchTemplateCommand,
  DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { TargetClients } from '../aws/clients.ts';
import { asFact, hasCode } from '../aws/errors.ts';
import type { Leftover } from '../contract/leftovers.ts';
import type { Release } from '../contract/releases.ts';
import { STATES, TAGS } from '../contract/tags.ts';
import type { Target } from '../contract/targets.ts';
import type { Spares } from './kept-builders.ts';
import { usersOfImages } from './image-users.ts';
import { snapshotIdsOf, tagsOf } from './release-images.ts';
import { type Traces, bakedIds, findTraces, withoutKept } from './traces.ts';

/** What one look at one target did and found. */
export interface UndoneBake {
  /** AMIs and snapshots that are kept, and tagged, because something uses them, with what that is. */
  readonly quarantined: readonly Leftover[];
  /** What is still there although it should be gone. */
  readonly leftovers: readonly Leftover[];
}

/**
 * Removes everything one release made in one target, in the order AWS demands: builds, builder instances, their key
 * pairs, launch templates, volumes, network interfaces and security groups, AMIs, snapshots. Whatever refuses to go does not keep the rest from going.
 * Afterwards it looks again: what is still there is a leftover, with the reason. A builder that is still shutting down is
 * one too, so the caller's retry comes back for its security group. A builder that is kept and spared is no leftover.
 *  @param given Whom the release itself has let launch its AMI
 */
export async function undoBake(
  clients: TargetClients,
  release: Release,
  target: Target,
  spares: Spares,
  given?: ReadonlySet<string>,
): Promise<UndoneBake> {
  const { ec2, codebuild } = clients;
  const refusals = new Map<string, string>();
  const attempt = async (id: string, effect: () => Promise<unknown>): Promise<void> => {
    try {
      await effect();
    } catch (error) {
      if (!hasCode(error, ...ABSENT)) refusals.set(id, asFact(error).message);
    }
  };
  const remove = async (ids: readonly string[], effect: (id: string) => Promise<unknown>): Promise<void> => {
    for (const id of ids) await attempt(id, () => effect(id));
  };

  const look = async () => withoutKept(await findTraces(clients, release, target), spares);
  const found = await look();
  await remove(found.builds, (id) => codebuild.send(new StopBuildCommand({ id })));
  await remove(found.instances, (id) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
  await remove(found.keyPairs, (id) => ec2.send(new DeleteKeyPairCommand({ KeyPairId: id })));
  await remove(found.launchTemplates, (id) =>
    ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId: id })),
  );
  await remove(found.volumes, (id) => ec2.send(new DeleteVolumeCommand({ VolumeId: id })));
  await remove(found.networkInterfaces, (id) =>
    ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id })),
  );
  await remove(found.securityGroups, (id) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })));
  const kept = await quarantineUsed(clients, found, attempt, given);
  const unused = found.images.map(({ ImageId = '' }) => ImageId).filter((id) => !kept.has(id));
  await remove(unused, (id) => ec2.send(new DeregisterImageCommand({ ImageId: id })));
  const free = found.snapshotIds.filter((id) => !kept.has(id));
  await remove(free, (id) => ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })));

  const { accountId, region } = target;
  const name = (resourceId: string, why: string): Leftover => ({ accountId, region, resourceId, why });
  const left = bakedIds(await look());
  return {
    quarantined: [...kept].map(([id, why]) => name(id, why)),
    leftovers: left
      .filter((id) => !kept.has(id) || refusals.has(id))
      .map((id) => name(id, refusals.get(id) ?? 'it is still there')),
  };
}

/** AWS's ways to say that a resource is gone already. */
export const ABSENT = [
  'InvalidAMIID.NotFound',
  'InvalidAMIID.Unavailable',
  'InvalidSnapshot.NotFound',
  'InvalidInstanceID.NotFound',
  'InvalidKeyPair.NotFound',
  'InvalidLaunchTemplateId.NotFound',
  'InvalidGroup.NotFound',
  'InvalidVolume.NotFound',
  'InvalidNetworkInterfaceID.NotFound',
];

/**
 * Tags the AMIs that something uses, and their snapshots, with the reason; returns them all with it, even where a tag is refused. An
 * instance of the release itself is no use: it tested the AMI, and is on its way out.
 */
async function quarantineUsed(
  clients: TargetClients,
  { images, instances }: Traces,
  attempt: (id: string, effect: () => Promise<unknown>) => Promise<void>,
  given?: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const kept = new Map<string, string>();
  const { ec2 } = clients;
  const users = await usersOfImages(clients, images, undefined, given);
  for (const image of images) {
    const imageId = image.ImageId ?? '';
    const usedBy = (users.get(imageId) ?? []).filter((by) => !instances.some((id) => by.endsWith(`/${id}`)));
    if (usedBy.length === 0) continue;
    const why = `it is used by ${usedBy.join(', ')}`.slice(0, 256);
    const Resources = [imageId, ...snapshotIdsOf(image)];
    for (const id of Resources) kept.set(id, `quarantined: ${why}`);
    if (tagsOf(image).get(TAGS.state) === STATES.quarantined) continue;
    const Tags = [
      { Key: TAGS.state, Value: STATES.quarantined },
      { Key: TAGS.quarantine, Value: why },
    ];
    await attempt(imageId, () => ec2.send(new CreateTagsCommand({ Resources, Tags })));
  }
  return kept;
}
