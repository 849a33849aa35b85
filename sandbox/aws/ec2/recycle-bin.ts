/** What EC2 shows of the Recycle Bin, and takes out of it. */
import type {
  ListImagesInRecycleBinCommandInput,
  ListImagesInRecycleBinCommandOutput,
  ListSnapshotsInRecycleBinCommandInput,
  ListSnapshotsInRecycleBinCommandOutput,
  RestoreImageFromRecycleBinCommandInput,
  RestoreImageFromRecycleBinCommandOutput,
  RestoreSnapshotFromRecycleBinCommandInput,
  RestoreSnapshotFromRecycleBinCommandOutput,
} from '@aws-sdk/client-ec2';
import type { Context, Output } from '../context.ts';
import { lying } from '../recycle-bin.ts';
import { ec2Error, ec2Page } from './requests.ts';

function listImages(
  { place, now }: Context,
  input: ListImagesInRecycleBinCommandInput,
): Output<ListImagesInRecycleBinCommandOutput> {
  const { items, nextToken } = ec2Page([...lying(place.bin.images, now).values()], input);
  return {
    Images: items.map(({ thing, enteredAt, leavesAt }) => ({
      ImageId: thing.imageId,
      Name: thing.name,
      Description: thing.description,
      RecycleBinEnterTime: new Date(enteredAt),
      RecycleBinExitTime: new Date(leavesAt),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function listSnapshots(
  { place, now }: Context,
  input: ListSnapshotsInRecycleBinCommandInput,
): Output<ListSnapshotsInRecycleBinCommandOutput> {
  const { items, nextToken } = ec2Page([...lying(place.bin.snapshots, now).values()], input);
  return {
    Snapshots: items.map(({ thing, enteredAt, leavesAt }) => ({
      SnapshotId: thing.snapshotId,
      Description: thing.description,
      VolumeId: thing.volumeId,
      RecycleBinEnterTime: new Date(enteredAt),
      RecycleBinExitTime: new Date(leavesAt),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function restoreSnapshot(
  { place, now }: Context,
  { SnapshotId = '' }: RestoreSnapshotFromRecycleBinCommandInput,
): Output<RestoreSnapshotFromRecycleBinCommandOutput> {
  const binned = lying(place.bin.snapshots, now).get(SnapshotId);
  if (binned === undefined)
    throw ec2Error('InvalidSnapshot.NotFound', `The snapshot '${SnapshotId}' does not exist.`);
  place.bin.snapshots.delete(SnapshotId);
  place.snapshots.set(SnapshotId, binned.thing);
  return { SnapshotId, State: 'completed' };
}

/** It comes back as it went: with its tags, and disabled if it was. */
function restoreImage(
  { place, now }: Context,
  { ImageId = '' }: RestoreImageFromRecycleBinCommandInput,
): Output<RestoreImageFromRecycleBinCommandOutput> {
  const binned = lying(place.bin.images, now).get(ImageId);
  if (binned === undefined)
    throw ec2Error('InvalidAMIID.NotFound', `The image id '[${ImageId}]' does not exist`);
  const missing = binned.thing.blockDevices.find(({ snapshotId }) => !place.snapshots.has(snapshotId));
  if (missing !== undefined)
    throw ec2Error('InvalidSnapshot.NotFound', `The snapshot '${missing.snapshotId}' does not exist.`);
  place.bin.images.delete(ImageId);
  place.deregistered.delete(ImageId);
  place.images.set(ImageId, binned.thing);
  return { Return: true };
}

export const recycleBinOperations = {
  ListImagesInRecycleBin: listImages,
  ListSnapshotsInRecycleBin: listSnapshots,
  RestoreImageFromRecycleBin: restoreImage,
  RestoreSnapshotFromRecycleBin: restoreSnapshot,
};
