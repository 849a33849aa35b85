/** The copy of one AMI, a step at a time: whoever is called again finds by tag how far it is. */
import {
  CopyImageCommand,
  type EC2Client,
  type Image,
  type ResourceType,
  paginateDescribeSnapshots,
} from '@aws-sdk/client-ec2';
import { copierClientsFor } from '../aws/clients.ts';
import { asFact, hasCode } from '../aws/errors.ts';
import { amiName } from '../configuration/version.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { SNAPSHOT_COPIES_AT_ONCE } from '../contract/limits.ts';
import type { Bake, Copy, Release } from '../contract/releases.ts';
import { TAGS } from '../contract/tags.ts';
import { type Ami, type Target, targetName } from '../contract/targets.ts';
import { adviceFor } from './advice.ts';
import { findReleaseImages, snapshotIdsOf } from './release-images.ts';
import { isDeregistered, isGone } from './usable.ts';

/** A target that gets a copy, and the AMI that it is of: the one that the check of its stage saw. */
export interface CopyJob extends Target {
  readonly bake: Bake;
  readonly copy: Copy;
  readonly source: Ami;
}

/** The copy as its account shows it now; undefined when there is none. @throws CopyFailed when it never came to be */
export async function copyAt(job: CopyJob, release: Release): Promise<Image | undefined> {
  const images = await findReleaseImages(copierClientsFor(job).ec2, release);
  const failed = images.find((image) => isGone(image) && !isDeregistered(image));
  if (failed)
    throw copyFailed(
      `${failed.ImageId} is ${failed.State}: ${failed.StateReason?.Message ?? 'no reason given'}`,
    );
  return images.find((image) => !isDeregistered(image));
}

/**
 * The AMI that is copied, as it was checked. No AMI changes its snapshots, its time or its owner: one that has the same id, and is the only
 * one of the release there, is the one that was checked.
 *  @throws PackleaderError CopyFailed: it is not
 */
export async function checkedSource(source: Ami, release: Release): Promise<Image> {
  const images = await findReleaseImages(copierClientsFor(source).ec2, release);
  const [image, ...others] = images.filter((one) => !isDeregistered(one));
  const why =
    image?.ImageId !== source.imageId || others.length > 0
      ? `is not the only AMI of ${release.releaseId} there`
      : image.OwnerId !== source.accountId
        ? `belongs to ${image.OwnerId}`
        : image.State !== 'available'
          ? `is ${image.State}`
          : image.Public === true
            ? 'is public'
            : undefined;
  if (image && why === undefined) return image;
  throw copyFailed(`${source.imageId}, which is to be copied, ${why ?? 'is gone'}`);
}

/** Asks for the copy; returns what is waited for. The same token asks EC2 for the same copy. @throws CopyFailed when EC2 refuses it */
export async function askForCopy(
  job: CopyJob,
  release: Release,
  { snapshots, token }: { readonly snapshots: number; readonly token: string },
): Promise<string> {
  const { source, copy, bake } = job;
  const underWay = await copiesUnderWay(copierClientsFor(job).ec2);
  // An AMI of more snapshots than that would otherwise never be copied.
  if (underWay > 0 && underWay + snapshots > SNAPSHOT_COPIES_AT_ONCE) return noRoom(job);
  const Tags = Object.entries({ ...copy.tags, [TAGS.sourceAmi]: bake.sourceImageId }).map(([Key, Value]) => ({
    Key,
    Value,
  }));
  const tagged: ResourceType[] = ['image', 'snapshot'];
  try {
    const { ImageId } = await copierClientsFor(job).ec2.send(
      new CopyImageCommand({
        SourceImageId: source.imageId,
        SourceRegion: source.region,
        Name: amiName(release),
        ClientToken: token,
        Encrypted: true,
        KmsKeyId: copy.kmsKeyId,
        TagSpecifications: tagged.map((ResourceType) => ({ ResourceType, Tags })),
      }),
    );
    return `${ImageId ?? 'the AMI'} to be copied from ${source.imageId} in ${targetName(source)}`;
  } catch (error) {
    if (hasCode(error, 'ResourceLimitExceeded')) return noRoom(job);
    const fact = asFact(error);
    if (fact.name !== ERRORS.awsCallFailed) throw fact;
    throw copyFailed(`EC2 refuses to copy ${source.imageId} from ${targetName(source)}: ${fact.message}`);
  }
}

const noRoom = ({ accountId, region }: Target): string =>
  `room in ${accountId}/${region}, into which ${SNAPSHOT_COPIES_AT_ONCE} snapshots are copied at the same time`;

/** What EC2 writes into each snapshot of a copy. Where it wrote something else, its own limit would tell. */
const DESCRIPTION = 'Copied for DestinationAmi*';

async function copiesUnderWay(ec2: EC2Client): Promise<number> {
  const pages = paginateDescribeSnapshots(
    { client: ec2 },
    {
      OwnerIds: ['self'],
      Filters: [
        { Name: 'status', Values: ['pending'] },
        { Name: 'description', Values: [DESCRIPTION] },
      ],
    },
  );
  return (await Array.fromAsync(pages)).reduce((sum, { Snapshots = [] }) => sum + Snapshots.length, 0);
}

/** With what to look at, where that is known. */
export function copyFailed(why: string): PackleaderError {
  const advice = adviceFor(why).map((text) => `Advice: ${text}`);
  return new PackleaderError(ERRORS.copyFailed, [why, ...advice].join('\n'));
}

/** Why an AMI is no copy of another one; undefined when it is. */
export function whyNoCopy(
  image: Image,
  { source }: Pick<CopyJob, 'source'>,
  sourceImage: Image,
): string | undefined {
  const { SourceImageId = '(none)', SourceImageRegion = '(none)' } = image;
  if (SourceImageId !== source.imageId || SourceImageRegion !== source.region)
    return `is a copy of ${SourceImageId} in ${SourceImageRegion}, not of ${source.imageId} in ${source.region}`;
  const [own, theirs] = [snapshotIdsOf(image).length, snapshotIdsOf(sourceImage).length];
  return own === theirs ? undefined : `has ${own} snapshots, and ${source.imageId} has ${theirs}`;
}
