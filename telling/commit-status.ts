import * as z from 'zod';
import { TELL_ENVIRONMENT } from '../core/contract/environments.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { STATUS_PROVIDERS } from '../core/contract/telling.ts';
import { executionNow, statusChangeSchema } from './execution.ts';
import { PROVIDERS } from './providers/providers.ts';
import { setStatus } from './set-status.ts';
import { statusOf } from './statuses.ts';
import { readToken } from './token.ts';

const environmentSchema = z.object({
  [TELL_ENVIRONMENT.provider]: z.enum(STATUS_PROVIDERS),
  [TELL_ENVIRONMENT.apiUrl]: z.string(),
  [TELL_ENVIRONMENT.repository]: z.string(),
  [TELL_ENVIRONMENT.tokenSecret]: z.string(),
});

/** An execution may end while its beginning is told; it ends once. */
const MOST_STATUSES = 2;

/** Tells the repository how the release of a commit goes: pending, success with the AMIs, failure with the line that says why. What is
 *  told is what the execution says now, so events may come late, twice, and in any order; and it is looked at again afterwards, so that
 *  a beginning never stands over an end.
 *  In      `Step Functions Execution Status Change` of packleader-release or packleader-release-image
 *  Out     { told: ['pending', 'success'] }; none of an execution that is about no commit
 *  Errors  StatusRefused, InvalidConfiguration (the secret), AccessDenied, Throttled, ConnectionLost: repeated by Lambda, then the
 *          event is in the dead-letter queue. A release never waits for it, and never fails with it
 *  Repeat  safe: the same status is set again
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
export async function handler(event: unknown): Promise<{ told: string[] }> {
  const { executionArn } = parseEvent(statusChangeSchema, event).detail;
  const settings = environmentSchema.parse(process.env);
  const provider = PROVIDERS[settings[TELL_ENVIRONMENT.provider]];
  const place = {
    apiUrl: settings[TELL_ENVIRONMENT.apiUrl],
    repository: settings[TELL_ENVIRONMENT.repository],
  };
  const told: string[] = [];
  while (told.length < MOST_STATUSES) {
    const execution = await executionNow(executionArn);
    const status = execution && statusOf(execution);
    if (!status || status.state === told.at(-1)) break;
    await setStatus(provider, place, status, await readToken(settings[TELL_ENVIRONMENT.tokenSecret]));
    told.push(status.state);
    if (status.state !== 'pending') break;
  }
  return { told };
}
