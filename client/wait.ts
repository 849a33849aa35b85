import {
  HubUnreachable,
  ReleaseRefused,
  ReleaseRolledBack,
  ReleaseStopped,
  RollbackIncomplete,
  Throttled,
  WaitTimedOut,
} from './errors.ts';
import { ReleaseFollower } from './follower.ts';
import { type HubOptions, findExecution } from './hub.ts';
import type { ReleaseHandle, ReleaseResult } from './result.ts';
import type { ReleaseProgress } from '../core/releases/release-progress.ts';
import { type Clock, REAL_TIME, pause } from './clock.ts';

/**
 * What is known about a release now.
 *  @param release a handle, the ARN or name of its execution, or a release id, `<image>@<version>`
 *  @throws ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function getRelease(
  release: ReleaseHandle | string,
  options: HubOptions = {},
): Promise<ReleaseResult> {
  options.signal?.throwIfAborted();
  const { execution, client } = await findExecution(idOf(release), options);
  const follower = new ReleaseFollower(execution, client);
  await follower.look(options.signal);
  return follower.result();
}

export interface WaitOptions extends HubOptions {
  /** How long to wait at most; for ever by default. A release itself ends after hours at the latest. */
  readonly timeoutMs?: number;
  /** Told within half a minute: what happened since the last time, in order, and what is known by now. */
  readonly onProgress?: (news: readonly ReleaseProgress[], result: ReleaseResult) => void;
  /** By default the real time. */
  readonly clock?: Clock;
}

const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 20_000;
/** So many looks in a row may be throttled or lost: a quarter of an hour or more. */
const LOST_LOOKS = 60;

/**
 * Waits for the end of a release, whatever it is; {@link waitForRelease} throws unless it is a good one.
 *  @throws WaitTimedOut, ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled and HubUnreachable (both only
 *    after many attempts)
 */
export async function followRelease(
  release: ReleaseHandle | string,
  options: WaitOptions = {},
): Promise<ReleaseResult> {
  const { timeoutMs, onProgress, signal, clock = REAL_TIME } = options;
  signal?.throwIfAborted();
  const { execution, client } = await findExecution(idOf(release), options);
  const follower = new ReleaseFollower(execution, client);
  const deadline = timeoutMs === undefined ? Infinity : clock.now().getTime() + timeoutMs;
  let delayMs = FIRST_DELAY_MS;
  let lost = 0;
  for (;;) {
    try {
      const news = await follower.look(signal);
      if (news.length > 0) onProgress?.(news, follower.result());
      if (follower.ended) return follower.result();
      delayMs = news.length > 0 ? FIRST_DELAY_MS : Math.min(delayMs * 1.5, LONGEST_DELAY_MS);
      lost = 0;
    } catch (error) {
      const passes = error instanceof Throttled || error instanceof HubUnreachable;
      if (!passes || ++lost >= LOST_LOOKS) throw error;
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    }
    const left = deadline - clock.now().getTime();
    if (left <= 0) {
      throw new WaitTimedOut(`${execution.arn} still runs after ${(timeoutMs ?? 0) / 1000} s; it goes on`);
    }
    // Between half and all of it, so that many who wait do not ask at the same time.
    await pause(clock, Math.min(left, delayMs * (0.5 + Math.random() / 2)), signal);
  }
}

/**
 * Waits until every image is released.
 *  @throws ReleaseRolledBack, RollbackIncomplete, ReleaseRefused and ReleaseStopped, each with the `result`; besides what
 *    {@link followRelease} throws
 */
export async function waitForRelease(
  release: ReleaseHandle | string,
  options: WaitOptions = {},
): Promise<ReleaseResult> {
  const result = await followRelease(release, options);
  const { outcome } = result;
  if (outcome === 'released') return result;
  const why = result.error ?? result.releases.find(({ error }) => error)?.error;
  const message = `${result.executionArn}: ${outcome}${why ? `: ${why.name}: ${why.cause}` : ''}`;
  if (outcome === 'refused') throw new ReleaseRefused(message, result);
  if (outcome === 'rolled back') throw new ReleaseRolledBack(message, result);
  if (outcome === 'stopped') throw new ReleaseStopped(message, result);
  throw new RollbackIncomplete(message, result);
}

const idOf = (release: ReleaseHandle | string): string =>
  typeof release === 'string' ? release : release.executionArn;
