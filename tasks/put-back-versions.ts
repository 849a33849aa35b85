import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { unseen } from '../core/aws/undo-targets.ts';
import { ERRORS, PackleaderError, errorOutputSchema } from '../core/contract/errors.ts';
import type { Leftover } from '../core/contract/leftovers.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { cut, tellLeftovers } from '../core/releases/cause-text.ts';
import { messageIn } from '../core/releases/release-outcome.ts';
import { putBackIn, targetsIn } from '../core/repoints/put-back.ts';
import { plannedRepointSchema, readRepointPlan } from '../core/repoints/read-plan.ts';

const eventSchema = plannedRepointSchema.extend({
  failure: errorOutputSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
});

/** So often it is tried, 15 seconds apart, before what is left is named. */
const ATTEMPTS = 20;

const CHARACTERS_OF_FIRST_ERROR = 3_000;
/** Step Functions keeps 32,768 characters of a cause. */
const CHARACTERS_IN_CAUSE = 20_000;

/** Puts back in every target what a repoint that failed found there: marks, disabled AMIs, `latest`. A target’s trouble keeps no other from
 *  being put back. Then says in words what failed, and what is not as it was.
 *  In      { plan: { bucket, key }, failure: { Error, Cause }, attempt: 0 }
 *  Out     { complete, error, cause, leftoverCount }
 *  Errors  LeftoversRemain (for the first five minutes), NotReadyYet (always on the first attempt: SSM may still be validating what the
 *          failed step wrote)
 *  Repeat  safe: looks first, and leaves alone what somebody else has set since
 *  @see    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html */
export async function handler(
  event: unknown,
): Promise<{ complete: boolean; error: string; cause: string; leftoverCount: number }> {
  const { plan: place, failure, attempt } = parseEvent(eventSchema, event);
  const plan = await readRepointPlan(place);
  const found = await inEveryTarget(targetsIn(plan), async (target): Promise<Leftover[]> => {
    try {
      return await putBackIn(clientsFor(target), target, plan);
    } catch (error) {
      return [unseen(target, { releaseId: NOT_SEEN }, error)];
    }
  });
  const leftovers = found.flat();
  if (leftovers.length > 0 && attempt < ATTEMPTS)
    throw new PackleaderError(ERRORS.leftoversRemain, tellLeftovers(leftovers));
  if (attempt === 0)
    throw new PackleaderError(
      ERRORS.notReadyYet,
      'a parameter written just before may appear late; looking again',
    );
  const complete = leftovers.length === 0;
  const first = `${failure.Error}: ${cut(messageIn({ name: failure.Error, cause: failure.Cause }), CHARACTERS_OF_FIRST_ERROR)}`;
  const story = complete ? 'Every account shows what it showed before.' : tellLeftovers(leftovers);
  return {
    complete,
    error: complete ? failure.Error : ERRORS.repointIncomplete,
    cause: cut(`${first}\n${story}`, CHARACTERS_IN_CAUSE),
    leftoverCount: leftovers.length,
  };
}

const NOT_SEEN = 'everything';
