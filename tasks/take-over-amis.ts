import * as z from 'zod';
import { enteredStates, findExecution } from '../core/aws/executions.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { releaseSchema, resolvedSchema } from '../core/contract/releases.ts';
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { attemptsAround } from '../core/releases/retries.ts';

const eventSchema = z.object({
  release: releaseSchema,
  /** The first stage as it was resolved: it is kept where any is. */
  first: resolvedSchema.valueType,
  executionArn: z.string(),
});

/** Takes over the AMIs that the attempt before has kept: waits until that has ended by handing them over. Whatever fails from here on
 *  undoes them as well. A release that keeps nothing goes on at once.
 *  In      { release, first: { batches, toBake: [] }, executionArn }
 *  Out     { kept: true }
 *  Errors  NotHandedOver (the attempt before has not seen this one yet), InvalidRequest (it does not wait any more, and undoes them)
 *  Repeat  safe: only reads
 *  @see    https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html */
export async function handler(event: unknown): Promise<{ kept: boolean }> {
  const { release, first, executionArn } = parseEvent(eventSchema, event);
  if (first.batches.length === 0 || first.toBake?.length !== 0) return { kept: false };
  for (const arn of attemptsAround(release, executionArn).earlier.toReversed()) {
    const states = await enteredStates(arn);
    if (states.includes(STATE_NAMES.handedOver)) return { kept: true };
    const { status = 'RUNNING' } = (await findExecution(arn)) ?? {};
    if (status === 'RUNNING' && states[0] === STATE_NAMES.awaitRetry)
      throw new PackleaderError(ERRORS.notHandedOver, `${arn} has not handed over its AMIs yet`);
    // One that was refused before it took anything over has kept nothing.
    if (states.includes(STATE_NAMES.takeOverAmis)) break;
  }
  throw new PackleaderError(
    ERRORS.invalidRequest,
    `${release.releaseId} does not wait for a retry any more: the attempt before has undone what it kept, or is about to`,
  );
}
