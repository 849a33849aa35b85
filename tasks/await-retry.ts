import * as z from 'zod';
import { enteredStates, findExecution } from '../core/aws/executions.ts';
import { ERRORS, PackleaderError, errorOutputSchema } from '../core/contract/errors.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { clearedSchema, releaseSchema } from '../core/contract/releases.ts';
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { cut } from '../core/releases/cause-text.ts';
import { messageIn } from '../core/releases/release-outcome.ts';
import { attemptsAround } from '../core/releases/retries.ts';

const eventSchema = z.object({
  release: releaseSchema,
  failure: errorOutputSchema,
  cleared: clearedSchema,
  executionArn: z.string(),
});

const CHARACTERS_OF_FIRST_ERROR = 3_000;

/** Looks whether a later attempt of the release runs that has begun to take over, which hands it the AMIs of the stages before: from then on
 *  they are its own to undo. One that has not come so far may still be refused, and takes nothing.
 *  In      { release, failure: { Error, Cause }, cleared: { stage: 'prod', until }, executionArn }
 *  Out     { cause }, which says where it goes on
 *  Errors  NotRetried (so far; the state looks again until its time is over), AccessDenied, Throttled, ConnectionLost
 *  Repeat  safe: only reads
 *  @see    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html */
export async function handler(event: unknown): Promise<{ cause: string }> {
  const { release, failure, cleared, executionArn } = parseEvent(eventSchema, event);
  for (const arn of attemptsAround(release, executionArn).later) {
    const execution = await findExecution(arn);
    if (!execution) break;
    if (execution.status !== 'RUNNING') continue;
    const states = await enteredStates(arn);
    if (!states.includes(STATE_NAMES.takeOverAmis)) continue;
    const why = cut(messageIn({ name: failure.Error, cause: failure.Cause }), CHARACTERS_OF_FIRST_ERROR);
    return {
      cause: `${failure.Error}: ${why}\nIt goes on with the AMIs of the stages before ${cleared.stage} as ${arn}`,
    };
  }
  throw new PackleaderError(
    ERRORS.notRetried,
    `nobody has retried ${release.releaseId} so far; it waits until ${cleared.until}`,
  );
}
