import {
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  type Image,
  type Snapshot,
} from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { hasCode } from '../core/aws/errors.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { type Release, releaseSchema } from '../core/contract/releases.ts';
import { STATES, TAGS } from '../core/contract/tags.ts';
import { type Ami, amiSchema } from '../core/contract/targets.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { snapshotIdsOf, tagsOf } from '../core/amis/release-images.ts';

const eventSchema = z.object({ release: releaseSchema, amis: z.record(z.string(), z.array(amiSchema)) });

/** Turns the candidates of a release into released AMIs: sets `packleader:state=released` and `Version` on AMI and snapshots.
 *  In      { release, amis: { dev: [{ accountId, region, imageId }], prod: … } }
 *  Out     { tagged: 2 }, the number of AMIs
 *  Errors  NotReadyYet (EC2 does not show the tags yet)
 *  Repeat  safe: writes only where a tag is missing
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html */
export async function handler(event: unknown): Promise<{ tagged: number }> {
  const { release, amis } = parseEvent(eventSchema, event);
  const all = Object.values(amis).flat();
  await inEveryTarget(all, async (ami) => {
    const { ec2 } = clientsFor(ami);
    const untagged = await withoutVersion(ami, release);
    if (untagged.length === 0) return;
    const Tags = Object.entries(versionTags(release)).map(([Key, Value]) => ({ Key, Value }));
    await ec2.send(new CreateTagsCommand({ Resources: untagged, Tags }));
    const still = await withoutVersion(ami, release);
    if (still.length > 0)
      throw new PackleaderError(ERRORS.notReadyYet, `${still.join(', ')} do not show their tags yet`);
  });
  return { tagged: all.length };
}

function versionTags(release: Release): Record<string, string> {
  return { [TAGS.state]: STATES.released, [TAGS.versionOnceReleased]: release.version };
}

/** Of the AMI and its snapshots, those that lack a version tag. */
async function withoutVersion(ami: Ami, release: Release): Promise<string[]> {
  const { image, snapshots } = await look(ami);
  const resources = [
    { id: ami.imageId, tags: tagsOf(image) },
    ...snapshots.map((snapshot) => ({ id: snapshot.SnapshotId ?? '', tags: tagsOf(snapshot) })),
  ];
  const wanted = Object.entries(versionTags(release));
  return resources
    .filter(({ tags }) => wanted.some(([key, value]) => tags.get(key) !== value))
    .map(({ id }) => id);
}

/** The AMI was sound a moment ago, so what EC2 does not show now, it shows later. */
async function look(ami: Ami): Promise<{ image: Image; snapshots: Snapshot[] }> {
  const { ec2 } = clientsFor(ami);
  const notVisible = (what: string): PackleaderError =>
    new PackleaderError(ERRORS.notReadyYet, `${what} is not visible yet`);
  try {
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [ami.imageId] }));
    const [image] = Images;
    if (!image) throw notVisible(ami.imageId);
    // An empty list of ids would ask for every snapshot there is.
    const SnapshotIds = snapshotIdsOf(image);
    const { Snapshots = [] } =
      SnapshotIds.length === 0 ? {} : await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds }));
    return { image, snapshots: Snapshots };
  } catch (error) {
    if (hasCode(error, 'InvalidAMIID.NotFound', 'InvalidSnapshot.NotFound'))
      throw notVisible(`${ami.imageId}, or a snapshot of it,`);
    throw error;
  }
}
