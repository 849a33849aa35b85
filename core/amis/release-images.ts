import {
  type EC2Client,
  type Filter,
  type Image,
  type Snapshot,
  paginateDescribeImages,
  paginateDescribeSnapshots,
} from '@aws-sdk/client-ec2';
import { amiName } from '../configuration/version.ts';
import type { Release } from '../contract/releases.ts';
import { TAGS } from '../contract/tags.ts';

/**
 * Every AMI of one release in one target: found by its tag, and by its deterministic name in case the tag is missing.
 * Includes AMIs that are pending, failed or disabled.
 */
export async function findReleaseImages(ec2: EC2Client, release: Release): Promise<Image[]> {
  const [tagged, named] = await Promise.all([
    ownImages(ec2, [{ Name: `tag:${TAGS.release}`, Values: [release.releaseId] }]),
    ownImages(ec2, [{ Name: 'name', Values: [amiName(release)] }]),
  ]);
  return [...new Map([...tagged, ...named].map((image) => [image.ImageId, image])).values()];
}

/** Every snapshot that carries the release's tag in one target, whether or not an AMI still uses it. */
export async function findReleaseSnapshots(ec2: EC2Client, release: Release): Promise<Snapshot[]> {
  const pages = paginateDescribeSnapshots(
    { client: ec2 },
    { OwnerIds: ['self'], Filters: [{ Name: `tag:${TAGS.release}`, Values: [release.releaseId] }] },
  );
  return (await Array.fromAsync(pages)).flatMap((page) => page.Snapshots ?? []);
}

/** The snapshots an AMI is made of. */
export function snapshotIdsOf(image: Image): string[] {
  return (image.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => (Ebs?.SnapshotId ? [Ebs.SnapshotId] : []));
}

/** An EC2 resource's tags as a map. */
export function tagsOf(resource: {
  Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined;
}) {
  return new Map((resource.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** AMIs of the account's own, in whatever state. */
export async function ownImages(ec2: EC2Client, filters: Filter[]): Promise<Image[]> {
  const pages = paginateDescribeImages(
    { client: ec2 },
    { Owners: ['self'], Filters: filters, IncludeDeprecated: true, IncludeDisabled: true },
  );
  return (await Array.fromAsync(pages)).flatMap((page) => page.Images ?? []);
}
