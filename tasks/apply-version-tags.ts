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
import { type StageApproval, approvalsIn, approvedSchema } from '../core/contract/approvals.ts';
import { keys } from '../core/contract/keys.ts';
import { plannedReleaseSchema } from '../core/contract/releases.ts';
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
  /** Who approved which stage; missing where nobody is asked. */
  approved: approvedSchema.optional(),
  /** The start of the execution, which a deprecation is counted from. */
  startedAt: z.string().default(''),
  run: runSchema,
});
type Event = z.infer<typeof eventSchema>;

/** Of the value of a tag, in characters. */
const LONGEST_TAG = 256;

/** Turns the candidates of a release into released AMIs: sets `packleader:state=released` and `Version` on AMI and snapshots,
 *  `packleader:approved` where somebody was asked, and the time at which an AMI is deprecated, where the plan has one.
 *  In      { release, amis: { dev: [{ accountId, region, imageId }], prod: … }, plan: { bucket, prefix, deprecates? }, startedAt,
 *            approved?: { prod: { by, at, reason } } }
 *  Out     { tagged: 2 }, the number of AMIs
 *  Errors  NotReadyYet (EC2 does not show the tags yet, or the time), ReleaseRetried
 *  Repeat  safe: writes only where a tag is missing, or the time is another one
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html */
export async function handler(event: unknown): Promise<{ tagged: number }> {
  const { release, amis, run, approved = {}, ...planned } = parseEvent(eventSchema, event);
  const tags = versionTags(release.version, approvalsIn(approved));
  await refuseBesideRetry(release, run);
  const deprecatedAt = await deprecationTimes(planned);
  const all = Object.values(amis).flat();
  await inEveryTarget(all, async (ami) => {
    const { ec2 } = clientsFor(ami);
    const DeprecateAt = deprecatedAt.get(targetName(ami));
    const { untagged, isDeprecated } = await lacking(ami, tags, DeprecateAt);
    if (untagged.length === 0 && isDeprecated) return;
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    if (untagged.length > 0) await ec2.send(new CreateTagsCommand({ Resources: untagged, Tags }));
    if (!isDeprecated)
      await ec2.send(new EnableImageDeprecationCommand({ ImageId: ami.imageId, DeprecateAt }));
    const still = await lacking(ami, tags, DeprecateAt);
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

function versionTags(version: string, approvals: readonly StageApproval[]): Record<string, string> {
  return {
    [TAGS.state]: STATES.released,
    [TAGS.versionOnceReleased]: version,
    ...(approvals.length > 0 && { [TAGS.approved]: approvedText(approvals) }),
  };
}

/** `prod by arn:aws:sts::…:assumed-role/lead/jane at 2026-11-21T10:00:00.000Z: looks good`, as far as a tag takes it.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
const approvedText = (approvals: readonly StageApproval[]): string =>
  approvals
    .map(({ stage, by, at, reason }) => `${stage} by ${by} at ${at}: ${reason}`)
    .join(' / ')
    .replaceAll(/[^\p{L}\p{N} +\-=._:/@]/gu, ' ')
    .slice(0, LONGEST_TAG)
    .trim();

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
async function lacking(
  ami: Ami,
  tagsToHave: Readonly<Record<string, string>>,
  deprecatedAt: Date | undefined,
) {
  const { image, snapshots } = await look(ami);
  const resources = [
    { id: ami.imageId, tags: tagsOf(image) },
    ...snapshots.map((snapshot) => ({ id: snapshot.SnapshotId ?? '', tags: tagsOf(snapshot) })),
  ];
  const wanted = Object.entries(tagsToHave);
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
