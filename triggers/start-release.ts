import * as z from 'zod';
import { METRICS } from '../core/contract/metrics.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { codeCommitEventSchema, pushOfCodeCommit } from './pushes/code-commit-event.ts';
import { gitPushSchema } from '../core/contract/events.ts';
import { triggersAreEnabled } from './starting/kill-switch.ts';
import { count } from './starting/metrics.ts';
import { type Started, pushExecutionName, startRelease } from './starting/release-execution.ts';

const eventSchema = z.union([
  z.object({ source: z.literal(NAMES.eventSource), detail: gitPushSchema }).transform(({ detail }) => detail),
  codeCommitEventSchema.transform(pushOfCodeCommit),
]);

/** Starts `packleader-release` for a push: the workflow itself finds out which images changed.
 *  In      a `Git Push` event, or `CodeCommit Repository State Change` of a branch
 *  Out     { execution, already }, or null when triggers are switched off
 *  Errors  InvalidEvent, InvalidConfiguration (the switch), Throttled, AccessDenied, ConnectionLost: retried by Lambda, then
 *          the event is in the dead-letter queue
 *  Repeat  safe: the execution's name follows from branch, commit and delivery
 *  @see    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html */
export async function handler(event: unknown): Promise<Started | null> {
  const { provider, branch, commit, delivery } = parseEvent(eventSchema, event);
  if (!(await triggersAreEnabled())) {
    count(METRICS.triggersSwitchedOff, { Branch: branch, Commit: commit, Delivery: delivery.id });
    return null;
  }
  const reason = `${provider} delivery ${delivery.id}: a push to ${branch}`;
  const name = pushExecutionName({ provider, branch, commit, fingerprint: delivery.fingerprint });
  return startRelease(name, { ref: commit, branch, reason });
}
