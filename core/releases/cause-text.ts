import type { Leftover } from '../contract/leftovers.ts';
import { targetName } from '../contract/targets.ts';

/** What Step Functions lets a state's document grow to.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const DOCUMENT_BYTES = 262_144;

/** Room in a Fail state's cause, so that a parent with many images stays within 256 KiB. */
const LEFTOVERS_IN_CAUSE = 30;

export const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

export const cut = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;

/** The first items, within a number of bytes. */
export function thatFit<T>(items: readonly T[], room: number): T[] {
  let bytes = 0;
  return items.filter((item) => (bytes += bytesOf(item) + 1) <= room);
}

/** A list for people: one line a leftover, and how many more there are. */
export function tellLeftovers(leftovers: readonly Leftover[]): string {
  const lines = leftovers
    .slice(0, LEFTOVERS_IN_CAUSE)
    .map((leftover) => `  ${targetName(leftover)} ${leftover.resourceId}: ${leftover.why}`);
  const more = leftovers.length - lines.length;
  return ['Left behind:', ...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}
