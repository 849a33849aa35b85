import * as z from 'zod';
import { leftoverSchema } from '../core/contract/leftovers.ts';
import { NAMES } from '../core/contract/names.ts';
import { releaseSchema } from '../core/contract/releases.ts';
import { announce } from '../core/aws/events.ts';
import { parseEvent } from '../core/contract/parse-event.ts';

const eventSchema = z.object({
  release: releaseSchema,
  /** Missing in executions that a state machine of an older deployment runs. */
  executionArn: z.string().optional(),
  rollback: z.object({
    complete: z.boolean(),
    error: z.string(),
    cause: z.string(),
    leftovers: z.array(leftoverSchema),
    leftoverCount: z.number().int(),
  }),
});

/** Puts one `Image Rolled Back` event on the bus, with the explanation and what is left behind.
 *  In      { release, executionArn, rollback: { complete, error, cause, leftovers, leftoverCount } }
 *  Out     { announced: true }
 *  Errors  AnnouncementFailed (EventBridge did not take the event)
 *  Repeat  an event may be put twice, with the same `releaseId`
 *  @see    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export async function handler(event: unknown): Promise<{ announced: true }> {
  const { release, rollback, executionArn } = parseEvent(eventSchema, event);
  const by = executionArn === undefined ? {} : { executionArn };
  await announce(NAMES.rolledBack, { ...release, ...by, ...rollback });
  return { announced: true };
}
