import * as z from 'zod';
import { TELL_ENVIRONMENT } from '../core/contract/environments.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { messageOf } from './messages.ts';
import { publish } from './publish.ts';

const eventSchema = z.object({
  source: z.literal(NAMES.eventSource),
  'detail-type': z.string(),
  detail: z.looseObject({ stage: z.string() }),
});
const topicsSchema = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.record(z.string(), z.string()));

/** Tells those who may approve a stage that a release waits for it, or waits no more: on the topic of the stage.
 *  In      `Approval Requested` or `Release Approved`
 *  Out     { told: 'linux-base@1.4.2026… waits for the approval of prod, until …' }, or null of a stage without a topic
 *  Errors  AccessDenied, Throttled, ConnectionLost, AwsCallFailed: repeated by Lambda, then the event is in the dead-letter queue. A
 *          release waits for the answer, never for this
 *  Repeat  an event that comes twice is told twice
 *  @see    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
export async function handler(event: unknown): Promise<{ told: string | null }> {
  const { 'detail-type': detailType, detail } = parseEvent(eventSchema, event);
  const topicArn = topicsSchema.parse(process.env[TELL_ENVIRONMENT.approvers])[detail.stage];
  const message = messageOf(detailType, detail);
  if (topicArn === undefined || message === undefined) return { told: null };
  await publish(topicArn, message);
  return { told: message.title };
}
