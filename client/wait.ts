import { ReleaseRefused, ReleaseRolledBack, ReleaseStopped, RollbackIncomplete } from './errors.ts';
import { ReleaseFollower } from './follower.ts';
import { type HubOptions, findExecution } from './hub.ts';
import type { ReleaseHandle, ReleaseResult } from './result.ts';
import type { ReleaseProgress } from '../core/releases/release-progress.ts';
import { type Patience, pollUntilEnd } from './poll.ts';

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

export interface WaitOptions extends HubOptions, Patience {
  /** Told within half a minute: what happened since the last time, in order, and what is known by now. */
  readonly onProgress?: (news: readonly ReleaseProgress[], result: ReleaseResult) => void;
}

/**
 * Waits for the end of a release, whatever it is; {@link waitForRelease} throws unless it is a good one.
 *  @throws WaitTimedOut, ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled and HubUnreachable (both only
 *    after many attempts)
 */
export async function followRelease(
  release: ReleaseHandle | string,
  options: WaitOptions = {},
): Promise<ReleaseResult> {
  const { onProgress, signal } = options;
  signal?.throwIfAborted();
  const { execution, client } = await findExecution(idOf(release), options);
  const follower = new ReleaseFollower(execution, client);
  return pollUntilEnd(execution.arn, options, async () => {
    const news = await follower.look(signal);
    if (news.length > 0) onProgress?.(news, follower.result());
    return follower.ended ? { end: follower.result() } : { news: news.length > 0 };
  });
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
