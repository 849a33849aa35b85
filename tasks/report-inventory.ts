import * as z from 'zod';
import { leftoverSchema } from '../core/contract/leftovers.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { targetName, targetSchema } from '../core/contract/targets.ts';

const eventSchema = z.object({
  inventories: z.array(
    z.union([
      z.object({
        amis: z.number().int(),
        used: z.number().int(),
        unread: z.array(leftoverSchema),
        unreadCount: z.number().int(),
      }),
      /** A batch that came to no end. */
      z.object({ targets: z.array(targetSchema), failure: z.object({ Error: z.string() }) }),
    ]),
  ),
});

interface InventoryReport {
  readonly complete: boolean;
  readonly amis: number;
  readonly used: number;
  readonly unreadCount: number;
  readonly cause: string;
}

const LINES = 30;

/** Says how many AMIs there are and are used, and where nobody could tell.
 *  In      { inventories: [{ amis, used, unread, unreadCount } | { targets, failure }] }
 *  Out     { complete, amis, used, unreadCount, cause }
 *  Repeat  safe: only computes
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export async function handler(event: unknown): Promise<InventoryReport> {
  const { inventories } = parseEvent(eventSchema, event);
  let amis = 0;
  let used = 0;
  let unreadCount = 0;
  const lines: string[] = [];
  for (const one of inventories) {
    if ('failure' in one) {
      unreadCount += one.targets.length;
      lines.push(...one.targets.map((target) => `  ${targetName(target)}: ${one.failure.Error}`));
      continue;
    }
    amis += one.amis;
    used += one.used;
    unreadCount += one.unreadCount;
    lines.push(...one.unread.map((left) => `  ${targetName(left)}: ${left.why}`));
  }
  const told = [
    `${used} of ${amis} AMIs are used.`,
    ...(unreadCount > 0
      ? [
          `What is unused cannot be told in ${unreadCount} ${unreadCount === 1 ? 'target' : 'targets'}, so nothing is retired anywhere:`,
          ...lines.slice(0, LINES),
          ...(unreadCount > LINES ? [`  and ${unreadCount - LINES} more`] : []),
        ]
      : []),
  ];
  return { complete: unreadCount === 0, amis, used, unreadCount, cause: told.join('\n') };
}
