import * as z from 'zod';
import { takeBackIn } from '../core/amis/consumers.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { plannedReleaseSchema, releaseSchema, resolvedSchema } from '../core/contract/releases.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { undoInEveryTarget } from '../core/aws/undo-targets.ts';
import { undoPublication } from '../core/publication/undo-publication.ts';

const eventSchema = z.object({
  release: releaseSchema,
  resolved: resolvedSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
  run: runSchema,
  /** Missing where nobody else may launch an AMI. */
  plan: plannedReleaseSchema.shape.plan.optional(),
});

/** Takes a release out of consumers' sight: nobody else may launch its AMIs any more, `latest` goes back to what it was, if it is still ours, and the parameter of
 *  the version goes.
 *  In      { release, resolved: { dev: { batches }, prod: … }, attempt: 0, plan?: { bucket, prefix, shares? } }
 *  Out     { targets: 2 }, how many were looked at
 *  Errors  LeftoversRemain (what still lets consumers find the release, or launch its AMIs), NotReadyYet (always on the first
 *          attempt: SSM may still be validating what the failed step wrote)
 *  Repeat  safe: finds by name and value, absent is success
 *  @see    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html */
export async function handler(event: unknown): Promise<{ targets: number }> {
  const { release, resolved, attempt, run, plan } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const targets = Object.values(resolved).flatMap(({ batches }) => batches.flatMap((batch) => batch.targets));
  await undoInEveryTarget(targets, release, async (target) => [
    ...(plan?.shares ? await takeBackIn(plan.bucket, release, target) : []),
    ...(await undoPublication(clientsFor(target), target, release)),
  ]);
  if (attempt === 0) {
    throw new PackleaderError(
      ERRORS.notReadyYet,
      'a parameter written just before may appear late; looking again',
    );
  }
  return { targets: targets.length };
}
