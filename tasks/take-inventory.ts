import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { asFact } from '../core/aws/errors.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { instantSchema } from '../core/contract/instant.ts';
import { ERRORS } from '../core/contract/errors.ts';
import type { Leftover } from '../core/contract/leftovers.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { targetSchema } from '../core/contract/targets.ts';
import { takeInventory } from '../core/life/inventory.ts';
import { cut, thatFit } from '../core/releases/cause-text.ts';

const eventSchema = z.object({
  targets: z.array(targetSchema),
  /** When the execution began: the instant that every tag says. */
  now: instantSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
});

/** What one batch found; twenty of them must fit into the document. */
export interface BatchInventory {
  readonly amis: number;
  readonly used: number;
  readonly unread: readonly Leftover[];
  readonly unreadCount: number;
}

/** How often a target that could not be looked at is looked at again, before it is only reported. */
const LOOKS = 4;
const BYTES_OF_UNREAD = 8_000;
const CHARACTERS_OF_ONE_REASON = 400;

/** Looks at all AMIs of the factory in some targets, and at everything that may use one: tags each with when it was looked at, and
 *  those in use with that they are. A source that cannot be read leaves its target's AMIs without: nothing goes then.
 *  In      { targets: [{ accountId, region }], now, attempt }
 *  Out     { amis, used, unread: [{ accountId, region, resourceId, why }], unreadCount }
 *  Errors  Throttled, ConnectionLost (retried)
 *  Repeat  safe: writes the same tags again
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html */
export async function handler(event: unknown): Promise<BatchInventory> {
  const { targets, now, attempt } = parseEvent(eventSchema, event);
  const unread: Leftover[] = [];
  const found = await inEveryTarget(targets, async (target) => {
    const left = (why: string) =>
      unread.push({ ...target, resourceId: 'AMIs', why: cut(why, CHARACTERS_OF_ONE_REASON) });
    try {
      const inventory = await takeInventory(clientsFor(target), target, { now, mayRetry: attempt < LOOKS });
      if (inventory.unread !== undefined) left(inventory.unread);
      return inventory;
    } catch (error) {
      const { name, message } = asFact(error);
      if (attempt < LOOKS && (name === ERRORS.throttled || name === ERRORS.connectionLost)) throw error;
      left(`${name}: ${message}`);
      return { amis: 0, used: 0 };
    }
  });
  return {
    amis: found.reduce((sum, { amis }) => sum + amis, 0),
    used: found.reduce((sum, { used }) => sum + used, 0),
    unread: thatFit(unread, BYTES_OF_UNREAD),
    unreadCount: unread.length,
  };
}
