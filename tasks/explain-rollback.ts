import { z } from 'zod';
import {
  ERRORS,
  type ErrorOutput,
  type Leftover,
  errorOutputSchema,
  leftoverSchema,
  releaseSchema,
  targetName,
} from './contract.ts';
import { parseEvent } from './parse-event.ts';

const doneSchema = z.object({
  removed: z.number().optional(),
  withdrawn: z.number().optional(),
  quarantined: z.array(leftoverSchema).default([]),
});

const eventSchema = z.object({
  release: releaseSchema,
  failure: errorOutputSchema,
  /** By undo state: its output, or the error it gave up with. Absent when nothing had to be undone. */
  undone: z.record(z.string(), z.union([errorOutputSchema, doneSchema])).default({}),
});
type Undone = z.infer<typeof eventSchema>['undone'][string];

/** Room in a Fail state's cause, so that a parent with many images stays within 256 KiB. */
const LEFTOVERS_IN_CAUSE = 30;
const CHARACTERS_IN_CAUSE = 8_000;
const CHARACTERS_OF_ONE_ERROR = 1_500;

/** The message of LeftoversRemain. */
const leftoversSchema = z.object({ leftovers: z.array(leftoverSchema), more: z.number().default(0) });

/** What one rollback did, ready to be shown. */
export interface Explanation {
  readonly complete: boolean;
  readonly error: string;
  readonly cause: string;
  readonly leftovers: readonly Leftover[];
}

/** Says in words what failed, what was undone and what is left: the cause of the execution's bad ending.
 *  In      { release, failure: { Error, Cause }, undone: { 'Deregister dev AMIs': { removed, quarantined } | { Error, Cause } } }
 *  Out     { complete, error, cause, leftovers: [{ accountId, region, resourceId, why }] }
 *  Errors  none of its own
 *  Repeat  safe: calls nothing
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export async function handler(event: unknown): Promise<Explanation> {
  const { release, failure, undone } = parseEvent(eventSchema, event);
  const steps = Object.entries(undone);
  const told = steps.map(([, result]) => leftoversOf(result));
  const leftovers = told.flatMap((one) => one.leftovers);
  const untold = told.reduce((sum, { more }) => sum + more, 0);
  const unsure = steps.flatMap(([state, result]) => unsureOf(state, result));
  const first = readError(failure);
  const complete = leftovers.length === 0 && unsure.length === 0;
  const sentences = [
    `${first.name}: ${cut(first.message)}`,
    ...steps.flatMap(([state, result]) => ('Error' in result ? [] : [`${state}: ${tell(result)}.`])),
    ...unsure,
    complete ? `Nothing of ${release.releaseId} is left in any account.` : tellLeftovers(leftovers, untold),
  ];
  return {
    complete,
    error: complete ? first.name : ERRORS.rollbackIncomplete,
    cause: cut(sentences.join('\n'), CHARACTERS_IN_CAUSE),
    leftovers,
  };
}

/** A Lambda's error is JSON in the cause; any other cause is text. */
function readError({ Error: name, Cause }: ErrorOutput): { name: string; message: string } {
  const lambda = z.object({ errorType: z.string(), errorMessage: z.string() }).safeParse(parseJson(Cause));
  return lambda.success
    ? { name: lambda.data.errorType, message: lambda.data.errorMessage }
    : { name, message: Cause };
}

function leftoversOf(result: Undone): z.infer<typeof leftoversSchema> {
  if (!('Error' in result)) return { leftovers: result.quarantined, more: 0 };
  const list =
    result.Error === ERRORS.leftoversRemain
      ? leftoversSchema.safeParse(parseJson(readError(result).message))
      : undefined;
  return list?.success ? list.data : { leftovers: [], more: 0 };
}

/** An undo that gave up without a list of leftovers: what it would have removed may be there. */
function unsureOf(state: string, result: Undone): string[] {
  if (!('Error' in result) || leftoversOf(result).leftovers.length > 0) return [];
  const { name, message } = readError(result);
  return [`${state} could not finish, so its work may be left: ${name}: ${cut(message)}`];
}

function tell({ removed = 0, withdrawn }: z.infer<typeof doneSchema>): string {
  if (withdrawn !== undefined) return `looked at ${withdrawn} ${withdrawn === 1 ? 'target' : 'targets'}`;
  return removed === 0
    ? 'nothing was there'
    : `removed ${removed} ${removed === 1 ? 'resource' : 'resources'}`;
}

function tellLeftovers(leftovers: readonly Leftover[], untold: number): string {
  const lines = leftovers
    .slice(0, LEFTOVERS_IN_CAUSE)
    .map((leftover) => `  ${targetName(leftover)} ${leftover.resourceId}: ${leftover.why}`);
  const more = leftovers.length - lines.length + untold;
  return ['Left behind:', ...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

function cut(text: string, longest = CHARACTERS_OF_ONE_ERROR): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
