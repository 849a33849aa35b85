/** Brings back what was deregistered, as long as a Recycle Bin keeps it. */
import {
  DescribeTagsCommand,
  type EC2Client,
  RestoreImageFromRecycleBinCommand,
  RestoreSnapshotFromRecycleBinCommand,
  paginateDescribeTags,
  paginateListImagesInRecycleBin,
  paginateListSnapshotsInRecycleBin,
} from '@aws-sdk/client-ec2';
import { chunks } from '../aws/chunks.ts';
import { TAGS } from '../contract/tags.ts';
import { RETIRED } from './decide.ts';

/** One filter takes 200 values.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html */
const VALUES_PER_CALL = 200;

/**
 * Takes the AMIs of a version out of a target's Recycle Bin, after their snapshots, without which they cannot come. Returns how many
 * AMIs it took out. Safe to repeat: what is out already is not in the bin any more.
 */
export async function takeFromBin(ec2: EC2Client, releaseId: string): Promise<number> {
  const own = await versionsOwn(ec2, releaseId);
  if (own.size === 0) return 0;
  const snapshots = (await Array.fromAsync(paginateListSnapshotsInRecycleBin({ client: ec2 }, {})))
    .flatMap(({ Snapshots = [] }) => Snapshots)
    .flatMap(({ SnapshotId = '' }) => (own.has(SnapshotId) ? [SnapshotId] : []));
  const images = (await Array.fromAsync(paginateListImagesInRecycleBin({ client: ec2 }, {})))
    .flatMap(({ Images = [] }) => Images)
    .flatMap(({ ImageId = '' }) => (own.has(ImageId) ? [ImageId] : []));
  for (const SnapshotId of snapshots)
    await ec2.send(new RestoreSnapshotFromRecycleBinCommand({ SnapshotId }));
  for (const ImageId of images) await ec2.send(new RestoreImageFromRecycleBinCommand({ ImageId }));
  return images.length;
}

/**
 * The AMIs and snapshots of a version, there or in the bin, where they keep their tags: a candidate that was rolled back may lie there under the
 * same release, and is none.
 */
async function versionsOwn(ec2: EC2Client, releaseId: string): Promise<ReadonlySet<string>> {
  const Filters = [
    { Name: 'key', Values: [TAGS.release] },
    { Name: 'value', Values: [releaseId] },
    { Name: 'resource-type', Values: ['image', 'snapshot'] },
  ];
  const tagged = (await Array.fromAsync(paginateDescribeTags({ client: ec2 }, { Filters })))
    .flatMap(({ Tags = [] }) => Tags)
    .flatMap(({ ResourceId }) => ResourceId ?? []);
  const own = new Set<string>();
  for (const some of chunks(tagged, VALUES_PER_CALL)) {
    const { Tags = [] } = await ec2.send(
      new DescribeTagsCommand({
        Filters: [
          { Name: 'key', Values: [TAGS.state] },
          { Name: 'resource-id', Values: [...some] },
        ],
      }),
    );
    for (const { ResourceId = '', Value } of Tags) if (RETIRED.includes(Value ?? '')) own.add(ResourceId);
  }
  return own;
}
