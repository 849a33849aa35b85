import * as z from 'zod';
import { consumersOf } from '../core/amis/consumers.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { batchSchema, plannedReleaseSchema, releaseSchema } from '../core/contract/releases.ts';
import type { Target } from '../core/contract/targets.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { sparesAll } from '../core/amis/kept-builders.ts';
import { undoBake } from '../core/amis/undo-bake.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { undoInEveryTarget } from '../core/aws/undo-targets.ts';

const eventSchema = z.object({
  release: releaseSchema,
  stage: z.string(),
  batches: z.array(batchSchema),
  run: runSchema,
  /** Missing where nobody else may launch an AMI. */
  plan: plannedReleaseSchema.shape.plan.optional(),
});

interface Out {
  /** How many targets hold nothing of the release any more, or only what is quarantined. */
  readonly targets: number;
  /** How many AMIs and snapshots are kept because something uses them. */
  readonly quarantined: number;
}

/** Undoes a stage's bakes: stops the builds, removes what Packer leaves behind, deregisters the AMIs of one release and
 *  deletes their snapshots. An AMI that something uses is quarantined instead, and a builder that is kept stays.
 *  In      { release, stage: 'dev', batches: [{ number, targets }], plan?: { bucket, prefix, shares? } }
 *  Out     { targets: 2, quarantined: 0 }
 *  Errors  LeftoversRemain (retried, then the rollback is incomplete); its message is the list as JSON
 *          ReleaseRetried (its execution was redriven beside a later attempt: nothing is touched)
 *  Repeat  safe: finds by tag and name, absent is success
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html */
export async function handler(event: unknown): Promise<Out> {
  const { release, batches, run, plan } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const targets: Target[] = batches.flatMap((batch) => batch.targets);
  let quarantined = 0;
  await undoInEveryTarget(targets, release, async (target) => {
    const given = plan?.shares && (await consumersOf(plan.bucket, release, target));
    const undone = await undoBake(clientsFor(target), release, target, sparesAll, given);
    quarantined += undone.quarantined.length;
    return undone.leftovers;
  });
  return { targets: targets.length, quarantined };
}
