import { STATE_NAMES, stageIn } from '../core/contract/state-names.ts';
import { givenAll } from '../core/amis/take-back.ts';
import * as z from 'zod';
import { givenIn } from '../core/amis/consumers.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { asFact } from '../core/aws/errors.ts';
import { ERRORS, type ErrorOutput, PackleaderError, errorOutputSchema } from '../core/contract/errors.ts';
import { type Leftover, leftoverSchema } from '../core/contract/leftovers.ts';
import {
  type Release,
  clearedSchema,
  plannedReleaseSchema,
  releaseSchema,
  resolvedSchema,
} from '../core/contract/releases.ts';
import { TAGS } from '../core/contract/tags.ts';
import { type Target, targetName } from '../core/contract/targets.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { parseJson } from '../core/contract/parse-json.ts';
import { sparesAll, tellKept } from '../core/amis/kept-builders.ts';
import { snapshotIdsOf, tagsOf } from '../core/amis/release-images.ts';
import { DOCUMENT_BYTES, bytesOf, cut, tellLeftovers, thatFit } from '../core/releases/cause-text.ts';
import { type Traces, bakedIds, findTraces, withoutKept } from '../core/amis/traces.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { unseen } from '../core/aws/undo-targets.ts';

const inputSchema = z.object({
  release: releaseSchema,
  failure: errorOutputSchema,
  plan: plannedReleaseSchema.shape.plan.optional(),
  /** Absent when nothing was built. */
  resolved: resolvedSchema.default({}),
  /** By undo state: its output, or the error it gave up with. */
  undone: z.record(z.string(), z.unknown()).default({}),
  /** Where it has waited for a retry. */
  cleared: clearedSchema.optional(),
});
type Input = z.infer<typeof inputSchema>;

const eventSchema = z.object({
  input: inputSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
  run: runSchema,
});

/** What finishes a rollback, once whatever kept it is mended. */
const FINISH = 'Mend what is named there, then run: packleader sweep';

/** Room in a Fail state's cause, so that a parent with many images stays within 256 KiB. */
const CHARACTERS_IN_CAUSE = 8_000;
const CHARACTERS_OF_FIRST_ERROR = 3_000;
const CHARACTERS_OF_ONE_ERROR = 1_000;
/** How many builders that are kept are told of; the others are counted. */
const KEPT_TOLD = 3;
/** At most so many are listed; fewer beside a release of 1,000 targets, which leaves little room in the state document.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const LEFTOVERS_IN_STATE = 200;
const CHARACTERS_OF_ONE_REASON = 400;
/** For the names of the verdict's fields, and for the answer of the announcement that follows. */
const RESERVED_BYTES = 1_500;

/** How a rollback ended, ready to be shown. */
export interface Verdict {
  readonly complete: boolean;
  readonly error: string;
  readonly cause: string;
  /** The first 200, or as many as fit; each reason is cut to 400 characters. */
  readonly leftovers: readonly Leftover[];
  /** All of them, counted. */
  readonly leftoverCount: number;
}

/** Looks at every target once more: only what nobody can find any more is undone, whatever the undo states said. Then says
 *  in words what failed, what was undone, what is left, and which builders are kept for somebody to look at: the cause of the
 *  execution's bad ending.
 *  In      { input: { release, plan: { bucket, shares? }, failure: { Error, Cause }, resolved: { dev: { batches }, … }, undone: { 'Deregister dev AMIs': {…} | { Error, Cause } } }, attempt: 0 }
 *  Out     { complete, error, cause, leftovers: [{ accountId, region, resourceId, why }], leftoverCount }
 *  Errors  NotReadyYet (on the first attempt, where nobody waited for what was published to appear), Throttled,
 *          ConnectionLost (retried); a target that may not be looked at is a leftover
 *  Repeat  safe: only reads
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export async function handler(event: unknown): Promise<Verdict> {
  const { input, attempt, run } = parseEvent(eventSchema, event);
  const { release, failure, resolved, undone, cleared, plan } = input;
  await refuseBesideRetry(release, run);
  if (attempt === 0 && gaveUp(undone[WITHDRAWAL])) {
    throw new PackleaderError(
      ERRORS.notReadyYet,
      'a parameter written just before may appear late; looking again',
    );
  }
  const targets = Object.values(resolved).flatMap(({ batches }) => batches.flatMap((batch) => batch.targets));
  const reasonOf = reasonsIn(undone, release);
  const kept: string[] = [];
  const looked = await inEveryTarget(targets, (target) =>
    look(target, release, reasonOf, (builder) => kept.push(builder), plan?.shares && plan.bucket),
  );
  const first = readError(failure);
  const { leftovers: earlier, more } = leftoversIn(failure);
  const found = [...looked.flat(), ...earlier];
  const shares = Object.keys(undone).some((state) => stageIn(state, 'unshare') !== undefined);
  const shared = shares && plan ? await givenAll(plan.bucket, release) : [];
  const leftovers = [...found, ...shared.filter((one) => !found.some((other) => isSame(one, other)))];
  const complete = leftovers.length === 0;
  const message = earlier.length > 0 ? 'it was not begun beside what an earlier attempt left' : first.message;
  const clean =
    targets.length === 0
      ? 'Nothing was built.'
      : `Nothing${kept.length > 0 ? ' else' : ''} of ${release.releaseId} is left in any account.`;
  const story = [
    `${first.name}: ${cut(message, CHARACTERS_OF_FIRST_ERROR)}`,
    ...(cleared ? [`It waited for a retry that would go on from ${cleared.stage}, and none did.`] : []),
    ...tellUndone(undone),
    complete ? clean : tellLeftovers(leftovers),
  ].join('\n');
  const builders = kept.length > KEPT_TOLD ? [`${kept.length} builders are kept.`] : [];
  const finish = [...kept.toSorted().slice(0, KEPT_TOLD), ...builders, ...(complete ? [] : [FINISH])]
    .map((line) => `\n${line}`)
    .join('');
  const cause = cut(story, CHARACTERS_IN_CAUSE - finish.length) + finish;
  const room = DOCUMENT_BYTES - RESERVED_BYTES - bytesOf(event) - bytesOf(cause);
  return {
    complete,
    error: complete ? first.name : ERRORS.rollbackIncomplete,
    cause,
    leftovers: shortened(leftovers, room),
    leftoverCount: leftovers.length + more,
  };
}

const isSame = (one: Leftover, other: Leftover): boolean =>
  targetName(one) === targetName(other) && one.resourceId === other.resourceId;

const WITHDRAWAL = STATE_NAMES.withdrawPublication;

const gaveUp = (result: unknown): boolean => errorOutputSchema.safeParse(result).success;

async function look(
  target: Target,
  release: Release,
  reasonOf: (target: Target, resourceId: string) => string | undefined,
  onKept: (builder: string) => void,
  bucket?: string,
): Promise<Leftover[]> {
  try {
    const traces = withoutKept(await findTraces(clientsFor(target), release, target), sparesAll);
    for (const builder of traces.kept) onKept(tellKept(builder, target, release.releaseId));
    const quarantined = quarantineOf(traces);
    const shared = bucket === undefined ? [] : await givenIn(bucket, release, target);
    const left = [...bakedIds(traces), ...traces.parameters].map((resourceId) => ({
      accountId: target.accountId,
      region: target.region,
      resourceId,
      why: quarantined.get(resourceId) ?? reasonOf(target, resourceId) ?? 'it is still there',
    }));
    return [...left, ...shared];
  } catch (error) {
    // What a retry may mend is left to the state's retries; anything else will not get better.
    const fact = asFact(error);
    if (fact.name === ERRORS.throttled || fact.name === ERRORS.connectionLost) throw fact;
    return [unseen(target, release, error)];
  }
}

/** What is quarantined says why in its own tag. */
function quarantineOf({ images }: Traces): Map<string, string> {
  const quarantined = images.flatMap((image) => {
    const why = tagsOf(image).get(TAGS.quarantine);
    const ids = [image.ImageId ?? '', ...snapshotIdsOf(image)];
    return why === undefined ? [] : ids.map((id) => [id, `quarantined: ${why}`] as const);
  });
  return new Map(quarantined);
}

/** Why the undo states could not remove something, as far as they said so: of itself, or of its whole target. */
function reasonsIn(undone: Input['undone'], { releaseId }: Release) {
  const told = Object.values(undone).flatMap((result) => {
    const error = errorOutputSchema.safeParse(result);
    return error.success ? leftoversIn(error.data).leftovers : [];
  });
  const key = (target: Target, resourceId: string) => `${targetName(target)} ${resourceId}`;
  const reasons = new Map(told.map((leftover) => [key(leftover, leftover.resourceId), leftover.why]));
  return (target: Target, resourceId: string): string | undefined =>
    reasons.get(key(target, resourceId)) ?? reasons.get(key(target, releaseId));
}

/** The message of LeftoversRemain. */
const leftoversSchema = z.object({
  leftovers: z.array(leftoverSchema),
  /** How many the message has no room for. */
  more: z.number().int().default(0),
});

/** Those that an error names: of an undo that gave up, or of a retry that was not begun. */
function leftoversIn(error: ErrorOutput): z.infer<typeof leftoversSchema> {
  const list = leftoversSchema.safeParse(parseJson(readError(error).message));
  return list.success ? list.data : { leftovers: [], more: 0 };
}

/** A Lambda's error is JSON in the cause; any other cause is text. */
function readError({ Error: name, Cause }: ErrorOutput): { name: string; message: string } {
  const lambda = z.object({ errorType: z.string(), errorMessage: z.string() }).safeParse(parseJson(Cause));
  if (lambda.success) return { name: lambda.data.errorType, message: lambda.data.errorMessage };
  if (name === 'States.Timeout') return { name, message: 'a state did not answer within its time limit' };
  return { name, message: Cause };
}

/** The undo states in the order in which they ran, and what kept one from ending well. */
function tellUndone(undone: Input['undone']): string[] {
  const ends = Object.entries(undone).map(([state, result]) => {
    const error = errorOutputSchema.safeParse(result);
    if (!error.success) return `${state}: done.`;
    const { name, message } = readError(error.data);
    return `${state}: gave up with ${name}${name === ERRORS.leftoversRemain ? '' : `: ${cut(message, CHARACTERS_OF_ONE_ERROR)}`}.`;
  });
  return ends;
}

/** The first leftovers, within a number of bytes. */
function shortened(leftovers: readonly Leftover[], room: number): Leftover[] {
  const told = leftovers
    .slice(0, LEFTOVERS_IN_STATE)
    .map((leftover) => ({ ...leftover, why: cut(leftover.why, CHARACTERS_OF_ONE_REASON) }));
  return thatFit(told, room);
}
