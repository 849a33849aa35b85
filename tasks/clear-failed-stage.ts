import * as z from 'zod';
import { sparesAll } from '../core/amis/kept-builders.ts';
import { findTraces, withoutKept } from '../core/amis/traces.ts';
import { undoBake } from '../core/amis/undo-bake.ts';
import { takeBackAll } from '../core/amis/take-back.ts';
import { LeftoversRemain } from '../core/contract/leftovers.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { announce } from '../core/aws/events.ts';
import { undoInEveryTarget } from '../core/aws/undo-targets.ts';
import { ERRORS, PackleaderError, errorOutputSchema } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import { instantSchema } from '../core/contract/instant.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { type Cleared, releaseSchema, resolvedSchema } from '../core/contract/releases.ts';
import { amiSchema, targetName } from '../core/contract/targets.ts';
import { cut } from '../core/releases/cause-text.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { messageIn } from '../core/releases/release-outcome.ts';

const eventSchema = z.object({
  release: releaseSchema,
  /** Where AMIs are copied: the bucket that holds what was given for that. */
  bucket: z.string().optional(),
  /** The stages in their order. */
  stages: z.array(z.string()),
  resolved: resolvedSchema,
  amis: z.record(z.string(), z.array(amiSchema)),
  /** What the tests of the stages came to; missing where nothing is tested. */
  tested: z.record(z.string(), z.unknown()).optional(),
  failure: errorOutputSchema,
  enteredAt: instantSchema,
  waitHours: z.number().int(),
  run: runSchema.unwrap(),
});

const CHARACTERS_IN_CAUSE = 3_000;

/** Undoes the bakes of the stage that failed, and of those after it, and says until when the release then waits for a retry: the stages
 *  before it keep their AMIs. Where something stays, a builder that is kept or an AMI that is used, nothing waits: a retry would begin beside it.
 *  In      { release, stages: ['dev', 'prod'], resolved, amis: { dev: [{ accountId, region, imageId }] }, tested?, failure: { Error,
 *            Cause }, enteredAt, waitHours, run }
 *  Out     { stage: 'prod', until: '2026-11-21T13:30:00.000Z' }
 *  Errors  LeftoversRemain (retried, then everything is undone), NotRetried (something stays), AnnouncementFailed (nobody would know),
 *          ReleaseRetried (its execution was redriven beside a later attempt: nothing is touched)
 *  Repeat  safe: finds by tag and name, absent is success; the event may be put twice
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html */
export async function handler(event: unknown): Promise<Cleared> {
  const { release, bucket, stages, resolved, amis, tested, failure, enteredAt, waitHours, run } = parseEvent(
    eventSchema,
    event,
  );
  await refuseBesideRetry(release, run);
  const failed = stages.findIndex(
    (stage) => amis[stage] === undefined || (tested !== undefined && tested[stage] === undefined),
  );
  const stage = stages[failed];
  if (stage === undefined || failed === 0)
    throw new PackleaderError(ERRORS.notRetried, 'there is no stage before it that could be kept');
  const targets = stages
    .slice(failed)
    .flatMap((one) => resolved[one]?.batches ?? [])
    .flatMap((batch) => batch.targets);
  const shared = bucket === undefined ? [] : await takeBackAll(bucket, release);
  if (shared.length > 0) throw new LeftoversRemain(shared);
  const staying: string[] = [];
  await undoInEveryTarget(targets, release, async (target) => {
    const clients = clientsFor(target);
    const { quarantined, leftovers } = await undoBake(clients, release, target, sparesAll);
    const { kept } = withoutKept(await findTraces(clients, release, target), sparesAll);
    if (quarantined.length > 0 || kept.length > 0) staying.push(targetName(target));
    return leftovers;
  });
  if (staying.length > 0)
    throw new PackleaderError(ERRORS.notRetried, `something of it stays in ${staying.toSorted().join(', ')}`);
  const until = new Date(Date.parse(enteredAt) + waitHours * 3_600_000).toISOString();
  const { Error: error, Cause: cause } = failure;
  await announce(NAMES.retryAwaited, {
    ...release,
    executionArn: run.executionArn,
    stage,
    until,
    error,
    cause: cut(messageIn({ name: error, cause }), CHARACTERS_IN_CAUSE),
    retry: `packleader retry ${release.releaseId}`,
  });
  return { stage, until };
}
