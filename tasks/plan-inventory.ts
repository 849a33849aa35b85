import * as z from 'zod';
import { TARGETS_PER_INVENTORY } from '../core/contract/limits.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { type Target, deployedSchema, targetsOf } from '../core/contract/targets.ts';

const eventSchema = z.object({ deployed: deployedSchema });

/** Divides the targets into batches that one function can look at in its time.
 *  In      { deployed: { 'eu-west-1': ['111111111111', …] } }
 *  Out     { batches: [{ targets: [{ accountId, region }] }] }
 *  Repeat  safe: only computes
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html */
export async function handler(event: unknown): Promise<{ batches: { targets: Target[] }[] }> {
  const targets = targetsOf(parseEvent(eventSchema, event).deployed);
  const count = Math.ceil(targets.length / TARGETS_PER_INVENTORY);
  return {
    batches: Array.from({ length: count }, (_, index) => ({
      targets: targets.slice(index * TARGETS_PER_INVENTORY, (index + 1) * TARGETS_PER_INVENTORY),
    })),
  };
}
