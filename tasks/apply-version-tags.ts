import {
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  EnableImageDeprecationCommand,
  type Image,
  type Snapshot,
} from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { hasCode } from '../core/aws/errors.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { keys } from '../core/contract/keys.ts';
import { type Release, plannedReleaseSchema } from '../core/contract/releases.ts';
import { STATES, TAGS } from '../core/contract/tags.ts';
import { type Ami, amiSchema, targetName } from '../core/contract/targets.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { deprecationTime } from '../core/amis/deprecation.ts';
import { snapshotIdsOf, tagsOf } from '../core/amis/release-images.ts';
import { readPlan } from '../core/releases/plan-store.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';

const eventSchema = z.object({
  release: plannedReleaseSchema.shape.release,
  amis: z.record(z.string(), z.array(amiSchema)),
  /** Missing in executions that a state machine of an older deployment runs, as is what follows. */
  plan: plannedReleaseSchema.shape.plan.optional(),
  /** The start of the execution, which a deprecation is counted from. */
  startedAt: z.string().default(''),
  run: runSchema,
});
type Event = z.infer<typeof eventSchema>;

/** Turns the candidates of a release into released AMIs: sets `packleader:state=released` and `Version` on AMI and snapshots, and
 *  the time at which an AMI is deprecated, where the plan has one.
 *  In      { release, amis: { dev: [{ accountId, region, imageId }], prod: … }, plan: { bucket, prefix, deprecates? }, startedAt }
 *  Out     { tagged: 2 }, the number of AMIs
 *  Errors  NotReadyYet (EC2 does not show the tags yet, or the time), ReleaseRetried
 *  Repeat  safe: writes only where a tag is missing, or the time is another one
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html */
export async function handler(event: unknown): Promise<{ tagged: number }> {
  const { release, amis, run, ...planned } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const deprecatedAt = await deprecationTimes(planned);
  const all = Object.values(amis).flat();
  await inEveryTarget(all, async (ami) => {
    const { ec2 } = clientsFor(ami);
    const DeprecateAt = deprecatedAt.get(targetName(ami));
    const { untagged, isDeprecated } = await lacking(ami, release, DeprecateAt);
    if (untagged.length === 0 && isDeprecated) return;
    const Tags = Object.entries(versionTags(release)).map(([Key, Value]) => ({ Key, Value }));
    if (untagged.length > 0) await ec2.send(new CreateTagsCommand({ Resources: untagged, Tags }));
    if (!isDeprecated)
      await ec2.send(new EnableImageDeprecationCommand({ ImageId: ami.imageId, DeprecateAt }));
    const still = await lacking(ami, release, DeprecateAt);
    if (still.untagged.length > 0 || !still.isDeprecated)
      throw new PackleaderError(
        ERRORS.notReadyYet,
        still.isDeprecated
          ? `${still.untagged.join(', ')} do not show their tags yet`
          : `${ami.imageId} does not show yet when it will be deprecated`,
      );
  });
  return { tagged: all.length };
}

function versionTags(release: Release): Record<string, string> {
  return { [TAGS.state]: STATES.released, [TAGS.versionOnceReleased]: release.version };
}

/** By target, when its AMI is deprecated; only a plan that says so is read. */
async function deprecationTimes({
  plan: location,
  startedAt,
}: Pick<Event, 'plan' | 'startedAt'>): Promise<ReadonlyMap<string, Date>> {
  if (location?.deprecates !== true) return new Map();
  const plan = await readPlan({ bucket: location.bucket, key: keys.plan(location.prefix) });
  return new Map(
    plan.stages
      .flatMap(({ targets }) => targets)
      .flatMap(({ deprecateAfterDays: days, ...target }) =>
        days === undefined ? [] : [[targetName(target), deprecationTime(startedAt, days)] as const],
      ),
  );
}

/** Of the AMI and its snapshots, those that lack a version tag, and whether it has the time it is to have. */
async function lacking(ami: Ami, release: Release, deprecatedAt: Date | undefined) {
  const { image, snapshots } = await look(ami);
  const resources = [
    { id: ami.imageId, tags: tagsOf(image) },
    ...snapshots.map((snapshot) => ({ id: snapshot.SnapshotId ?? '', tags: tagsOf(snapshot) })),
  ];
  const wanted = Object.entries(versionTags(release));
  return {
    untagged: resources
      .filter(({ tags }) => wanted.some(([key, value]) => tags.get(key) !== value))
      .map(({ id }) => id),
    isDeprecated:
      deprecatedAt === undefined || Date.parse(image.DeprecationTime ?? '') === deprecatedAt.getTime(),
  };
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
