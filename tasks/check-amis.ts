import type { Build } from '@aws-sdk/client-codebuild';
import { DescribeSnapshotsCommand, type Image } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { adviceFor } from '../core/amis/advice.ts';
import { bakedAfterAll, describeBuildFailure } from '../core/amis/build-failure.ts';
import { findReleaseBuilds } from '../core/amis/release-builds.ts';
import { amiName } from '../core/configuration/version.ts';
import { NO_BUILD_FREE, raiseBuildQuota } from '../core/contract/build-quota.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { LONGEST_WAIT_MINUTES } from '../core/contract/limits.ts';
import {
  type Bake,
  type Copy,
  type Release,
  bakedBatchesSchema,
  batchSchema,
  plannedReleaseSchema,
  releaseTags,
} from '../core/contract/releases.ts';
import { STATES, TAGS } from '../core/contract/tags.ts';
import { type Ami, type Target, amiSchema, targetName } from '../core/contract/targets.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { instantSchema } from '../core/contract/instant.ts';
import { keys } from '../core/contract/keys.ts';
import { readPlan } from '../core/releases/plan-store.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { findReleaseImages, snapshotIdsOf, tagsOf } from '../core/amis/release-images.ts';
import { whyNotAsked } from '../core/amis/asked-of-amis.ts';
import { describeAmi, isDeregistered } from '../core/amis/usable.ts';
import { whyNoCopy } from '../core/amis/copy.ts';

const eventSchema = z.object({
  ...plannedReleaseSchema.pick({ release: true, plan: true }).shape,
  stage: z.string(),
  batches: z.array(batchSchema),
  baked: bakedBatchesSchema,
  /** Which batches were to be baked: none where a retry has kept the AMIs; missing where that is not switched on. */
  toBake: z.array(z.number().int()).optional(),
  /** Which were to be copied; missing where that is not switched on. */
  toCopy: z.array(z.number().int()).default([]),
  /** What the stages before hold; missing where nothing is copied. */
  amis: z.record(z.string(), z.array(amiSchema)).default({}),
  /** When these bakes began, or something before them: of an earlier attempt is what was made before. */
  since: instantSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
  run: runSchema,
});
type Event = z.infer<typeof eventSchema>;

/** How many failed builds the message tells of; the others are counted. */
const FAILURES_TOLD = 3;

/** How often an AMI that cannot be seen is looked for again: EC2 may take a while to show what it has just made. */
const LOOKS = 4;

/** Decides whether a stage was baked: every target holds exactly one sound AMI of the release, and every bake of this attempt succeeded, or failed
 *  only after its build had made that very AMI.
 *  In      { release, stage: 'dev', plan: { bucket, prefix }, batches: [{ number, targets }], baked: [{ bakes: [{ error? }] }],
 *            since, attempt: 0 }
 *  Out     [{ accountId, region, imageId }], one per target
 *  Errors  BakeFailed (a build failed, or left no AMI), AmiRejected (not encrypted, wrongly tagged, not from the pinned
 *          source, more than one, or another root device, size, architecture, platform, boot mode, or public), NotReadyYet (an AMI is still pending, or not to be seen yet,
 *          or that of an earlier attempt is still to be seen)
 *  Repeat  safe: only reads
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html */
export async function handler(event: unknown): Promise<Ami[]> {
  const {
    release,
    stage,
    plan: location,
    batches,
    baked,
    toBake,
    toCopy,
    amis,
    since,
    attempt,
    run,
  } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const isKept = toBake?.length === 0 && toCopy.length === 0;
  const baking = toBake?.flatMap((index) => batches[index] ?? []) ?? batches;
  const failures = await inEveryTarget(failedBakes(baking, baked), async (failure) => ({
    ...failure,
    builds: await findReleaseBuilds(clientsFor(failure).codebuild, release, failure),
  }));
  const made = new Map(failures.map((failure) => [targetName(failure), bakedAfterAll(failure.builds)]));
  const lost = failures.filter((failure) => made.get(targetName(failure)) === undefined);
  if (lost.length > 0) throw bakeFailed(lost);
  const bakes = batches.flatMap(({ targets }) => targets);
  if (bakes.length === 0) return [];
  const plan = await readPlan({ bucket: location.bucket, key: keys.plan(location.prefix) });
  const planned = new Map(
    plan.stages.flatMap(({ targets }) => targets).map((target) => [targetName(target), target]),
  );
  return inEveryTarget(bakes, async (bake) => {
    const images = await findReleaseImages(clientsFor(bake).ec2, release);
    if (attempt < LOOKS && !isKept) refuseEchoes(images, since);
    const image = theOnly(images, release, attempt);
    const told = made.get(targetName(bake));
    if (told !== undefined && image.ImageId !== told)
      throw rejected(image, `is not the AMI that its build made, ${told}`);
    refuseUnsound(image, bake, release, stage);
    const target = planned.get(targetName(bake));
    if (target?.copy) await refuseOtherThanCopy(image, bake, target.copy, amis);
    const fault = target?.asked && whyNotAsked(image, target.architecture, target.asked);
    if (fault !== undefined) throw rejected(image, fault);
    return { accountId: bake.accountId, region: bake.region, imageId: image.ImageId ?? '' };
  });
}

interface FailedBake extends Target {
  readonly error: string;
}

function failedBakes(batches: Event['batches'], baked: Event['baked']): FailedBake[] {
  return batches.flatMap(({ targets }, index) => {
    const result = baked[index];
    return targets.flatMap(({ accountId, region }, position) => {
      const error = result ? (result.error ?? result.bakes?.[position]?.error) : 'the batch never ran';
      const unheard = result?.error === undefined && result?.bakes?.[position] === undefined;
      return error !== undefined || unheard
        ? [{ accountId, region, error: error ?? 'the bake never ran' }]
        : [];
    });
  });
}

function bakeFailed(
  failures: readonly (FailedBake & { readonly builds: readonly Build[] })[],
): PackleaderError {
  const told = failures.slice(0, FAILURES_TOLD).map((failure) => {
    const why = describeBuildFailure(failure.builds, failure);
    return { line: `${targetName(failure)}: ${why ?? whyNoBuild(failure)}`, advice: adviceFor(why ?? '') };
  });
  const lines = told.map(({ line }) => line);
  const advice = [...new Set(told.flatMap((one) => one.advice))].map((text) => `Advice: ${text}`);
  const rest = failures.length > told.length ? [`And ${failures.length - told.length} more targets.`] : [];
  return new PackleaderError(ERRORS.bakeFailed, [...lines, ...rest, ...advice].join('\n'));
}

function whyNoBuild({ accountId, error }: FailedBake): string {
  if (error !== NO_BUILD_FREE) return `no build ran (${error})`;
  return `no build ran: ${raiseBuildQuota(accountId, LONGEST_WAIT_MINUTES / 60)}`;
}

/**
 * A retry begins where nothing is left of the attempt before it. An AMI that is older than the retry is therefore gone, and EC2 only shows
 * what was.
 */
function refuseEchoes(images: readonly Image[], since: string): void {
  // EC2 tells the time of an AMI to the second.
  const began = Math.floor(Date.parse(since) / 1_000) * 1_000;
  const echo = images.find(({ CreationDate = since }) => Date.parse(CreationDate) < began);
  if (echo)
    throw new PackleaderError(
      ERRORS.notReadyYet,
      `${echo.ImageId} is that of an earlier attempt; looking again`,
    );
}

function theOnly(images: readonly Image[], release: Release, attempt: number): Image {
  const [image, ...others] = images.filter((one) => !isDeregistered(one));
  if (!image) {
    const name = attempt < LOOKS ? ERRORS.notReadyYet : ERRORS.bakeFailed;
    throw new PackleaderError(name, `the build succeeded but left no AMI of ${release.releaseId}`);
  }
  if (others.length > 0) {
    const ids = [image, ...others].map(({ ImageId }) => ImageId).join(', ');
    throw new PackleaderError(ERRORS.amiRejected, `more than one AMI of ${release.releaseId} exists: ${ids}`);
  }
  return image;
}

function refuseUnsound(image: Image, bake: Bake, release: Release, stage: string): void {
  if (image.State === 'pending')
    throw new PackleaderError(ERRORS.notReadyYet, `${image.ImageId} is still pending`);
  if (image.State !== 'available')
    throw rejected(image, `is ${image.State}: ${image.StateReason?.Message ?? 'no reason given'}`);
  if (image.Name !== amiName(release))
    throw rejected(image, `is named ${image.Name}, not ${amiName(release)}`);
  if (snapshotIdsOf(image).length === 0) throw rejected(image, 'has no snapshot');
  const plain = image.BlockDeviceMappings?.find(({ Ebs }) => Ebs && Ebs.Encrypted !== true);
  if (plain) throw rejected(image, `is not encrypted (${plain.DeviceName})`);
  const tags = tagsOf(image);
  for (const [key, value] of Object.entries({
    ...releaseTags(release, stage),
    [TAGS.sourceAmi]: bake.sourceImageId,
  })) {
    if (tags.get(key) !== value)
      throw rejected(image, `has the tag ${key}=${tags.get(key) ?? '(none)'}, expected ${value}`);
  }
  const state = tags.get(TAGS.state);
  if (state !== STATES.candidate && state !== STATES.released)
    throw rejected(image, `has the state ${state ?? '(none)'}`);
}

/** It is a copy of what the check of an earlier stage saw, under the key of its own target. */
async function refuseOtherThanCopy(
  image: Image,
  target: Target,
  copy: Copy,
  amis: Event['amis'],
): Promise<void> {
  const source = amis[copy.from.stage]?.find((ami) => targetName(ami) === targetName(copy.from));
  if (!source) throw rejected(image, 'is a copy of an AMI that nobody checked');
  const original = await describeAmi(clientsFor(source).ec2, source.imageId);
  if (!original) throw rejected(image, `is a copy of ${source.imageId}, which is gone`);
  const fault = whyNoCopy(image, { source }, original);
  if (fault !== undefined) throw rejected(image, fault);
  const { Snapshots = [] } = await clientsFor(target).ec2.send(
    new DescribeSnapshotsCommand({ SnapshotIds: snapshotIdsOf(image) }),
  );
  for (const { SnapshotId, KmsKeyId = '(none)' } of Snapshots) {
    const why = whyOtherKey(KmsKeyId, copy.kmsKeyId, target);
    if (why !== undefined) throw rejected(image, `has the snapshot ${SnapshotId}, which ${why}`);
  }
}

/** An alias tells no more than whose key it must be: this task may ask no key. */
function whyOtherKey(found: string, asked: string, { accountId, region }: Target): string | undefined {
  const [, , , keyRegion, keyAccount, name = ''] = found.split(':');
  if (keyRegion !== region || keyAccount !== accountId)
    return `is encrypted with ${found}, which is no key of ${accountId} in ${region}`;
  const wanted = asked.startsWith('arn:') ? (asked.split(':')[5] ?? '') : asked;
  if (/(^|\/)alias\//.test(wanted) || name === `key/${wanted.replace(/^key\//, '')}`) return undefined;
  return `is encrypted with ${found}, not with ${asked}`;
}

const rejected = ({ ImageId }: Image, why: string): PackleaderError =>
  new PackleaderError(ERRORS.amiRejected, `${ImageId} ${why}`);
