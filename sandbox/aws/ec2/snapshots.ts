import type {
  DeleteSnapshotCommandInput,
  DeleteVolumeCommandInput,
  DescribeSnapshotsCommandInput,
  DescribeSnapshotsCommandOutput,
  DescribeVolumesCommandInput,
  DescribeVolumesCommandOutput,
} from '@aws-sdk/client-ec2';
import type { Context, Done, Output } from '../context.ts';
import { keepSnapshot } from '../recycle-bin.ts';
import { applyFilters, byIds, ec2Error, ec2Page, tagList } from './requests.ts';
import { EBS_KEY, keyArn } from './permissions.ts';
import { compare, instanceState, type Region, type Volume } from '../world.ts';

const noSuchSnapshot = (id: string): Error =>
  ec2Error('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);

function describeSnapshots(
  { place, now, accountId }: Context,
  input: DescribeSnapshotsCommandInput,
): Output<DescribeSnapshotsCommandOutput> {
  const candidates =
    input.SnapshotIds === undefined
      ? [...place.snapshots.values()].sort((a, b) => compare(a.snapshotId, b.snapshotId))
      : byIds(place.snapshots, input.SnapshotIds, noSuchSnapshot);
  const mine =
    input.OwnerIds === undefined || input.OwnerIds.some((owner) => owner === 'self' || owner === accountId);
  const matching = applyFilters(mine ? candidates : [], input.Filters, {
    description: ({ description }) => [description],
    encrypted: ({ encrypted }) => [String(encrypted)],
    'owner-id': ({ ownerId }) => [ownerId],
    'snapshot-id': ({ snapshotId }) => [snapshotId],
    status: ({ completedAt }) => [now < completedAt ? 'pending' : 'completed'],
    'volume-id': ({ volumeId }) => [volumeId],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    Snapshots: items.map((snapshot) => ({
      SnapshotId: snapshot.snapshotId,
      OwnerId: snapshot.ownerId,
      VolumeId: snapshot.volumeId,
      VolumeSize: snapshot.volumeSizeGiB,
      Encrypted: snapshot.encrypted,
      ...(snapshot.encrypted && { KmsKeyId: snapshot.kmsKeyId ?? keyArn(place, EBS_KEY) }),
      StartTime: new Date(snapshot.startedAt),
      State: now < snapshot.completedAt ? 'pending' : 'completed',
      Progress: now < snapshot.completedAt ? '0%' : '100%',
      Description: snapshot.description,
      StorageTier: 'standard',
      Tags: tagList(snapshot.tags),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

/** Deletes a snapshot, or says which AMI still needs it. */
export function removeSnapshot(
  place: Region,
  snapshotId: string,
  now: number,
): { usedBy: string } | undefined {
  for (const image of place.images.values()) {
    if (image.blockDevices.some((device) => device.snapshotId === snapshotId))
      return { usedBy: image.imageId };
  }
  const snapshot = place.snapshots.get(snapshotId);
  if (snapshot) keepSnapshot(place, snapshot, now);
  place.snapshots.delete(snapshotId);
  return undefined;
}

function deleteSnapshot({ place, now }: Context, input: DeleteSnapshotCommandInput): Done {
  const id = input.SnapshotId ?? '';
  if (!place.snapshots.has(id)) throw noSuchSnapshot(id);
  const user = removeSnapshot(place, id, now);
  if (user !== undefined) {
    throw ec2Error('InvalidSnapshot.InUse', `The snapshot ${id} is currently in use by ${user.usedBy}`);
  }
  return {};
}

const noSuchVolume = (id: string): Error =>
  ec2Error('InvalidVolume.NotFound', `The volume '${id}' does not exist.`);

function describeVolumes(
  { place, now }: Context,
  input: DescribeVolumesCommandInput,
): Output<DescribeVolumesCommandOutput> {
  const candidates =
    input.VolumeIds === undefined
      ? [...place.volumes.values()].sort((a, b) => compare(a.volumeId, b.volumeId))
      : byIds(place.volumes, input.VolumeIds, noSuchVolume);
  const attached = (volume: Volume): boolean => isAttached(place, volume, now);
  const matching = applyFilters(candidates, input.Filters, {
    'attachment.instance-id': (volume) => [attached(volume) ? volume.attachedTo : undefined],
    encrypted: ({ encrypted }) => [String(encrypted)],
    status: (volume) => [attached(volume) ? 'in-use' : 'available'],
    'volume-id': ({ volumeId }) => [volumeId],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    Volumes: items.map((volume) => ({
      VolumeId: volume.volumeId,
      Size: volume.sizeGiB,
      VolumeType: volume.volumeType,
      Encrypted: volume.encrypted,
      CreateTime: new Date(volume.createdAt),
      State: attached(volume) ? 'in-use' : 'available',
      Attachments: attached(volume)
        ? [
            {
              VolumeId: volume.volumeId,
              InstanceId: volume.attachedTo,
              Device: volume.deviceName,
              State: 'attached',
              DeleteOnTermination: volume.deleteOnTermination,
            },
          ]
        : [],
      Tags: tagList(volume.tags),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function isAttached(place: Region, volume: Volume, now: number): boolean {
  const instance = place.instances.get(volume.attachedTo ?? '');
  return instance !== undefined && instanceState(instance, now) !== 'terminated';
}

function deleteVolume({ place, now }: Context, input: DeleteVolumeCommandInput): Done {
  const id = input.VolumeId ?? '';
  const volume = place.volumes.get(id);
  if (volume === undefined) throw noSuchVolume(id);
  if (isAttached(place, volume, now)) {
    throw ec2Error('VolumeInUse', `Volume ${id} is currently attached to ${volume.attachedTo ?? ''}`);
  }
  place.volumes.delete(id);
  return {};
}

export const snapshotOperations = {
  DeleteSnapshot: deleteSnapshot,
  DeleteVolume: deleteVolume,
  DescribeSnapshots: describeSnapshots,
  DescribeVolumes: describeVolumes,
};
