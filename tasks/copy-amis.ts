import type { Image } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { type CopyJob, askForCopy, checkedSource, copyAt, copyFailed } from '../core/amis/copy.ts';
import { grantPermissions, takeBackPermissions } from '../core/amis/permissions.ts';
import { snapshotIdsOf } from '../core/amis/release-images.ts';
import { copierClientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { keys } from '../core/contract/keys.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import {
  type Bake,
  type Plan,
  type Release,
  batchSchema,
  plannedReleaseSchema,
} from '../core/contract/releases.ts';
import { type Ami, amiSchema, targetName } from '../core/contract/targets.ts';
import { readPlan } from '../core/releases/plan-store.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { COPY_WAITS } from '../core/releases/copy-waits.ts';
import { waitedBefore } from '../core/releases/waits.ts';

const eventSchema = z.object({
  ...plannedReleaseSchema.pick({ release: true, plan: true, executionName: true }).shape,
  batches: z.array(batchSchema),
  /** Which of them are to be copied, counted from 0. */
  toCopy: z.array(z.number().int()),
  /** What the stages before hold, as their checks saw it. */
  amis: z.record(z.string(), z.array(amiSchema)),
  /** How often this state was tried before, which tells how long it takes. */
  attempt: z.number().int(),
  run: runSchema,
});

/** Copies into every target of a stage that does not bake, and takes back what that took when all copies are there.
 *  In      { release, plan: { bucket, prefix }, executionName, batches: [{ number, targets }], toCopy: [0], amis: { dev: [{ accountId, region,
 *            imageId }] }, attempt: 0 }
 *  Out     { copies: 2 }: none of a stage that bakes everywhere
 *  Errors  CopyFailed (EC2 refuses it, or it takes longer than timeoutMinutes), CopiesUnderWay (with what is waited for), NotReadyYet
 *          (EC2 does not show a permission yet)
 *  Repeat  safe, and meant to be: every call goes one step further; finds by tag, and asks by a client token
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html */
export async function handler(event: unknown): Promise<{ copies: number }> {
  const {
    release,
    plan: place,
    executionName,
    batches,
    toCopy,
    amis,
    attempt,
    run,
  } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const bakes = toCopy.flatMap((index) => batches[index]?.targets ?? []);
  if (bakes.length === 0) return { copies: 0 };
  const plan = await readPlan({ bucket: place.bucket, key: keys.plan(place.prefix) });
  const jobs = copyJobs(plan, bakes, amis);
  const noteOf = (source: Ami) => ({
    bucket: place.bucket,
    key: keys.permissions(release.image, release.version, source),
  });
  const looks = await inEveryTarget(jobs, async (job) => ({ ...job, found: await copyAt(job, release) }));
  const absent = looks.filter(({ found }) => found === undefined);
  const sources = await shareSources(absent, release, noteOf);
  const seconds = waitedBefore(COPY_WAITS, attempt);
  const waits = await inEveryTarget(looks, async ({ found, ...job }) => {
    if (found?.State === 'available') return { job, waitsFor: undefined };
    const { timeoutMinutes } = job.bake;
    const source = sources.get(targetName(job.source));
    if (seconds >= timeoutMinutes * 60)
      throw copyFailed(`${timeoutMinutes} minutes were not enough for the copy of ${job.source.imageId}`);
    if (found || !source)
      return { job, waitsFor: `${found?.ImageId ?? 'the AMI'}, which is ${found?.State ?? 'not there'}` };
    const snapshots = snapshotIdsOf(source).length;
    // There is one copy of an execution in a region of an account, which is how far a token reaches.
    return { job, waitsFor: await askForCopy(job, release, { snapshots, token: executionName }) };
  });
  refuseWhileAny(waits);
  await inEveryTarget(sourcesOf(jobs), async (source) =>
    takeBackPermissions(copierClientsFor(source), noteOf(source)),
  );
  return { copies: jobs.length };
}

function copyJobs(plan: Plan, bakes: readonly Bake[], amis: Readonly<Record<string, Ami[]>>): CopyJob[] {
  const planned = new Map(
    plan.stages.flatMap(({ targets }) => targets).map((target) => [targetName(target), target]),
  );
  return bakes.map((bake) => {
    const { accountId, region } = bake;
    const copy = planned.get(targetName(bake))?.copy;
    const source = copy && amis[copy.from.stage]?.find((ami) => targetName(ami) === targetName(copy.from));
    if (!copy || !source) throw copyFailed(`nothing was checked that ${targetName(bake)} could copy`);
    return { accountId, region, bake, copy, source };
  });
}

/** Each source once. */
const sourcesOf = (jobs: readonly CopyJob[]): Ami[] => [
  ...new Map(jobs.map(({ source }) => [targetName(source), source])).values(),
];

/** Lets the accounts that have no copy yet read what they copy; by target, what that is. */
async function shareSources(
  jobs: readonly CopyJob[],
  release: Release,
  noteOf: (source: Ami) => { readonly bucket: string; readonly key: string },
): Promise<ReadonlyMap<string, Image>> {
  const found = await inEveryTarget(sourcesOf(jobs), async (source) => {
    const image = await checkedSource(source, release);
    const accounts = jobs.flatMap((job) =>
      targetName(job.source) === targetName(source) && job.accountId !== source.accountId
        ? [job.accountId]
        : [],
    );
    const volumes = [...new Set(accounts)];
    if (volumes.length > 0)
      await grantPermissions(
        copierClientsFor(source),
        noteOf(source),
        { imageId: source.imageId, snapshotIds: snapshotIdsOf(image) },
        { launch: volumes.map((UserId) => ({ UserId })), volumes },
      );
    return [targetName(source), image] as const;
  });
  return new Map(found);
}

function refuseWhileAny(
  waits: readonly { readonly job: CopyJob; readonly waitsFor: string | undefined }[],
): void {
  const waiting = waits.filter(({ waitsFor }) => waitsFor !== undefined);
  const [first] = waiting;
  if (!first) return;
  const more = waiting.length === 1 ? '' : ` (and ${waiting.length - 1} more targets)`;
  const why = `${targetName(first.job)}: waits for ${first.waitsFor}${more}`;
  throw new PackleaderError(ERRORS.copiesUnderWay, why);
}
