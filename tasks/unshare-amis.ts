import * as z from 'zod';
import { takeBackAll } from '../core/amis/take-back.ts';
import { LeftoversRemain } from '../core/contract/leftovers.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { plannedReleaseSchema } from '../core/contract/releases.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';

const eventSchema = z.object({
  ...plannedReleaseSchema.pick({ release: true, plan: true }).shape,
  run: runSchema,
});

/** Takes back what copying gave other accounts of the release's AMIs, and leaves what was there before.
 *  In      { release, plan: { bucket, prefix } }
 *  Out     {}
 *  Errors  LeftoversRemain (retried, then the rollback is incomplete); its message is the list as JSON
 *          ReleaseRetried (its execution was redriven beside a later attempt: nothing is touched)
 *  Repeat  safe: by what was written down before anything was given; what is not given any more is success
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html */
export async function handler(event: unknown): Promise<Record<string, never>> {
  const { release, plan, run } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const left = await takeBackAll(plan.bucket, release);
  if (left.length > 0) throw new LeftoversRemain(left);
  return {};
}
