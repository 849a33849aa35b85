/** Stops a release on purpose, and waits until nothing is left of it. */
import { type SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { SweepReport } from '../core/contract/sweeps.ts';
import { getRelease } from './wait.ts';
import { asClientError, SweepFailed } from './errors.ts';
import { findExecution } from './hub.ts';
import type { ImageRelease } from './result.ts';
import { sweep, type SweepOptions } from './sweep.ts';

/** What became of one image: it was too late for it, or it was swept. */
export interface CancelledImage {
  readonly releaseId: string;
  readonly outcome: 'released' | 'rolled back' | 'rollback incomplete';
  readonly leftovers: SweepReport['leftovers'];
}

export interface Cancellation {
  readonly executionArn: string;
  /** The worst of the images’ outcomes; `rolled back` when no image had begun. */
  readonly outcome: CancelledImage['outcome'];
  readonly releases: readonly CancelledImage[];
}

export interface CancelOptions extends SweepOptions {
  /** Who stops it and why: shown where the execution is. */
  readonly cause: string;
  readonly onSweeping?: (releaseId: string) => void;
}

/**
 * Stops a release: all of its images, or of a release id that one; other images of the same start go on. Images that are
 * released already stay so. Safe to repeat, also for a release that was stopped before.
 *  @throws ReleaseNotFound, SweepFailed, WaitTimedOut, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function cancelRelease(release: string, options: CancelOptions): Promise<Cancellation> {
  const { signal } = options;
  const { execution, client } = await findExecution(release, options);
  // The whole first, so that it begins no further image; then the images, which a stop may not have reached.
  await stop(client, execution.arn, options);
  const on = { hub: execution.hub, client, ...(signal && { signal }) };
  const begun = (await getRelease(execution.arn, on)).releases.filter(
    ({ executionArn }) => executionArn !== null,
  );
  for (const { executionArn, outcome } of begun) {
    if (executionArn !== null && outcome === 'running') await stop(client, executionArn, options);
  }
  const releases = await Promise.all(begun.map(async (image) => sweepImage(image, { ...options, ...on })));
  return { executionArn: execution.arn, outcome: worst(releases), releases };
}

async function stop(
  client: SFNClient,
  executionArn: string,
  { cause, signal }: Pick<CancelOptions, 'cause' | 'signal'>,
): Promise<void> {
  try {
    const command = new StopExecutionCommand({ executionArn, error: 'Cancelled', cause });
    await client.send(command, signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot stop ${executionArn}`);
  }
}

/** The sweep decides whether it was too late: it asks the execution, and no list of ours that may be old. */
async function sweepImage({ releaseId }: ImageRelease, options: CancelOptions): Promise<CancelledImage> {
  options.onSweeping?.(releaseId);
  const { complete, leftovers, kept } = await sweep({ release: releaseId }, options);
  const spared = kept.find((one) => one.releaseId === releaseId);
  if (spared?.is === 'released') return { releaseId, outcome: 'released', leftovers: [] };
  if (spared) throw new SweepFailed(`${releaseId} was not swept: ${spared.why}`);
  return { releaseId, outcome: complete ? 'rolled back' : 'rollback incomplete', leftovers };
}

function worst(releases: readonly CancelledImage[]): CancelledImage['outcome'] {
  const outcomes = new Set(releases.map(({ outcome }) => outcome));
  if (outcomes.has('rollback incomplete')) return 'rollback incomplete';
  return outcomes.size === 1 && outcomes.has('released') ? 'released' : 'rolled back';
}
