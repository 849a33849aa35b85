import * as z from 'zod';
import { TELL_ENVIRONMENT } from '../core/contract/environments.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { executionNow, statusChangeSchema } from './execution.ts';
import { type Message, messageOf, messageOfExecution } from './messages.ts';
import { publish } from './publish.ts';

const eventSchema = z.union([
  statusChangeSchema,
  z.object({ source: z.literal(NAMES.eventSource), 'detail-type': z.string(), detail: z.unknown() }),
]);
const environmentSchema = z.object({
  [TELL_ENVIRONMENT.topicArn]: z.string(),
  [TELL_ENVIRONMENT.stages]: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(z.string()))
    .optional(),
});

/** Tells people what became of a release: one message on an SNS topic, as Slack and Teams show it, and as text for mail.
 *  In      an event of packleader, or `Step Functions Execution Status Change` of packleader-release-image
 *  Out     { told: 'linux-base@1.4.2026… is released' }, or null for what concerns none of the stages
 *  Errors  AccessDenied, Throttled, ConnectionLost, AwsCallFailed: repeated by Lambda, then the event is in the dead-letter queue. A
 *          release never waits for it, and never fails with it
 *  Repeat  an event that comes twice is told twice
 *  @see    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
export async function handler(event: unknown): Promise<{ told: string | null }> {
  const settings = environmentSchema.parse(process.env);
  const message = await read(parseEvent(eventSchema, event), settings[TELL_ENVIRONMENT.stages]);
  if (!message) return { told: null };
  await publish(settings[TELL_ENVIRONMENT.topicArn], message);
  return { told: message.title };
}

async function read(
  event: z.infer<typeof eventSchema>,
  stages: readonly string[] | undefined,
): Promise<Message | undefined> {
  if ('detail-type' in event) return messageOf(event['detail-type'], event.detail, stages);
  const { executionArn, status } = event.detail;
  const execution = await executionNow(executionArn);
  // A beginning is told as one, however late its event comes.
  return execution && messageOfExecution({ ...execution, status });
}
