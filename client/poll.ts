import { type Clock, REAL_TIME } from './clock.ts';
import { HubUnreachable, ReleaseNotFound, Throttled, WaitTimedOut } from './errors.ts';

const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 20_000;
/** So many looks in a row may be throttled or lost: a quarter of an hour or more. */
const LOST_LOOKS = 60;

/** How long something is waited for, and on what time. */
export interface Patience {
  /** For ever by default. */
  readonly timeoutMs?: number;
  /** By default the real time. */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** What a look has seen: the end, or whether anything has happened since the last one. */
export type Look<T> = { readonly end: T } | { readonly news: boolean };

/**
 * Looks again and again until the end is seen: soon after something has happened, and less often the longer nothing does.
 *  @param arn what is waited for
 *  @throws WaitTimedOut; the signal's reason; whatever a look throws, Throttled and HubUnreachable only after many attempts in a row,
 *    and so ReleaseNotFound where nothing was seen yet: an execution may not be seen just after its start
 */
export async function pollUntilEnd<T>(
  arn: string,
  { timeoutMs, clock = REAL_TIME, signal }: Patience,
  look: () => Promise<Look<T>>,
  { justStarted = false }: { readonly justStarted?: boolean } = {},
): Promise<T> {
  const passing = [Throttled, HubUnreachable];
  const deadline = timeoutMs === undefined ? Infinity : clock.now().getTime() + timeoutMs;
  let delayMs = FIRST_DELAY_MS;
  let lost = 0;
  let seen = !justStarted;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const found = await look();
      if ('end' in found) return found.end;
      seen = true;
      lost = 0;
      delayMs = found.news ? FIRST_DELAY_MS : Math.min(delayMs * 1.5, LONGEST_DELAY_MS);
    } catch (error) {
      const passes =
        passing.some((known) => error instanceof known) || (!seen && error instanceof ReleaseNotFound);
      if (!passes || ++lost >= LOST_LOOKS) throw error;
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    }
    const left = deadline - clock.now().getTime();
    if (left <= 0) throw new WaitTimedOut(`${arn} still runs after ${(timeoutMs ?? 0) / 1000} s; it goes on`);
    // Between half and all of it, so that many who wait do not ask at the same time.
    await clock.sleep(Math.min(left, delayMs * (0.5 + Math.random() / 2)), signal);
  }
}
