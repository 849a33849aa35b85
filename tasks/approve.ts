import * as z from 'zod';
import { announce } from '../core/aws/events.ts';
import { askedApprovalSchema, waitsUntil } from '../core/contract/approvals.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { keys } from '../core/contract/keys.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { plannedReleaseSchema } from '../core/contract/releases.ts';
import { amiSchema } from '../core/contract/targets.ts';
import { testedSchema } from '../core/contract/tests.ts';
import { readPlan } from '../core/releases/plan-store.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import {
  changedPackages,
  compareLink,
  configurationChanges,
  standingIn,
} from '../core/releases/what-changed.ts';

const eventSchema = askedApprovalSchema.extend({
  ...plannedReleaseSchema.pick({ release: true, plan: true }).shape,
  /** One that was baked in the first stage: what is approved is like it. */
  ami: amiSchema,
  /** What the tests of the stages before came to; missing where nothing is tested. */
  tested: z.record(z.string(), testedSchema).default({}),
  run: runSchema.unwrap(),
});

/** Asks for approval of a stage: tells whoever listens what is to be approved, until when, and how. The state waits until its token is
 *  answered, by `Answer approval`, which finds it in the history of this execution.
 *  In      { token, stage: 'prod', approval: { timeoutHours, fourEyes? }, enteredAt, release, plan: { bucket, prefix }, ami: {
 *            accountId, region, imageId }, tested?: { dev: { instances, tests } }, run }
 *  Out     { asked: true }, which nobody waits for
 *  Errors  NothingToApprove (a prerelease ends before this stage), AnnouncementFailed, ReleaseRetried
 *  Repeat  safe: the request is told twice, and only the token of the last attempt can be answered
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token */
export async function handler(event: unknown): Promise<{ asked: true }> {
  const {
    release,
    stage,
    approval,
    plan: place,
    ami,
    tested,
    run,
    enteredAt,
  } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const { bucket, prefix } = place;
  const plan = await readPlan({ bucket, key: keys.plan(prefix) });
  const targets = plan.stages.find(({ name }) => name === stage)?.targets ?? [];
  if (targets.length === 0)
    throw new PackleaderError(ERRORS.nothingToApprove, `${release.releaseId} is not baked in ${stage}`);
  const before = await standingIn(bucket, release.image, stage);
  const changes = before
    ? [
        await changedPackages(bucket, before, { release, stage, ami }),
        configurationChanges(before, plan, stage),
      ]
    : [];
  const compareUrl = before && compareLink(release.repository, before.commit, release.commit);
  await announce(NAMES.approvalRequested, {
    ...release,
    executionArn: run.executionArn,
    stage,
    until: waitsUntil({ enteredAt, approval }).toISOString(),
    fourEyes: approval.fourEyes === true,
    since: before ? { releaseId: before.releaseId, commit: before.commit } : null,
    ...(compareUrl !== undefined && { compareUrl }),
    changes,
    tests: Object.entries(tested).map(([where, passed]) => ({ stage: where, ...passed })),
    approve: `packleader approve ${release.releaseId} --reason '…'`,
    reject: `packleader reject ${release.releaseId} --reason '…'`,
  });
  return { asked: true };
}
