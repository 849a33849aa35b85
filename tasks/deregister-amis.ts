import { z } from 'zod';
import { clientsFor } from './aws-clients.ts';
import { asFact } from './aws-errors.ts';
import { type Leftover, LeftoversRemain, type Target, batchSchema, releaseSchema } from './contract.ts';
import { inEveryTarget } from './every-target.ts';
import { parseEvent } from './parse-event.ts';
import { undoBake } from './undo-bake.ts';

const eventSchema = z.object({ release: releaseSchema, stage: z.string(), batches: z.array(batchSchema) });

interface Out {
  readonly removed: number;
  readonly quarantined: readonly Leftover[];
}

/** Undoes a stage's bakes: stops the builds, removes what Packer leaves behind, deregisters the AMIs of one release and
 *  deletes their snapshots. An AMI that something uses is quarantined instead.
 *  In      { release, stage: 'dev', batches: [{ number, targets }] }
 *  Out     { removed: 4, quarantined: [{ accountId, region, resourceId, why }] }
 *  Errors  LeftoversRemain (retried, then the rollback is incomplete); its message is the list as JSON
 *  Repeat  safe: finds by tag and name, absent is success
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html */
export async function handler(event: unknown): Promise<Out> {
  const { release, batches } = parseEvent(eventSchema, event);
  const targets: Target[] = batches.flatMap((batch) => batch.targets);
  const undone = await inEveryTarget(targets, async (target) => {
    try {
      return await undoBake(clientsFor(target), release, target);
    } catch (error) {
      // What could not be looked at counts as left behind; the other targets are still undone.
      const fact = asFact(error);
      const { accountId, region } = target;
      const blind = {
        accountId,
        region,
        resourceId: release.releaseId,
        why: `${fact.name}: ${fact.message}`,
      };
      return { removed: [], quarantined: [], leftovers: [blind] };
    }
  });
  const leftovers = undone.flatMap((result) => result.leftovers);
  if (leftovers.length > 0)
    throw new LeftoversRemain([...leftovers, ...undone.flatMap((result) => result.quarantined)]);
  return {
    removed: undone.reduce((sum, result) => sum + result.removed.length, 0),
    quarantined: undone.flatMap((result) => result.quarantined),
  };
}
