/** What a client learns about a release. */
import type { Leftover } from '../core/contract/leftovers.ts';
import type { Target } from '../core/contract/targets.ts';
import type { WaitingFor } from './waiting.ts';
import type { ReleaseOutcome } from '../core/releases/release-outcome.ts';

/**
 * - `released`, `rolled back` and `rollback incomplete` are ends: in every account, in none, or something is left
 * - `refused`: the request or the configuration was wrong, so nothing was built
 * - `stopped`: somebody stopped the execution, or it ran out of time; nothing of it was undone by itself
 */
export type Outcome = Exclude<ReleaseOutcome, 'handed over'> | 'refused' | 'running' | 'stopped';

export interface ReleaseError {
  readonly name: string;
  readonly cause: string;
}

/** What a client needs to find a release again. */
export interface ReleaseHandle {
  readonly executionArn: string;
  /** The name of the execution of `packleader-release`. */
  readonly name: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

export interface ReleaseTarget extends Target {
  readonly stage: string;
  /** Null until it is checked, and when it was rolled back. */
  readonly imageId: string | null;
  readonly sourceImageId: string;
}

/** A release that has failed in a later stage, and keeps the AMIs of those before it. */
export interface AwaitedRetry {
  /** What failed, and is undone. */
  readonly stage: string;
  /** Since when it waits, and when everything else is undone as well unless somebody retries it, ISO 8601. */
  readonly since: string;
  readonly until: string;
}

/** One image of a release. */
export interface ImageRelease {
  /** `<image>@<version>` */
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  readonly commit: string;
  /** In the first stage only, and never `latest`. */
  readonly prerelease: boolean;
  readonly outcome: Outcome;
  /** What it waits for; missing while it waits for nobody. */
  readonly waiting?: WaitingFor;
  /** What it is to be retried from; missing while it waits for no retry. */
  readonly awaitsRetry?: AwaitedRetry;
  readonly error: ReleaseError | null;
  /** Of `packleader-release-image`; null before it has begun. */
  readonly executionArn: string | null;
  /** The states of the transaction, in the order in which they were entered. */
  readonly path: readonly string[];
  /** Empty before the source AMIs are resolved. */
  readonly targets: readonly ReleaseTarget[];
  readonly leftovers: readonly Leftover[];
}

export interface ReleaseResult extends ReleaseHandle {
  readonly outcome: Outcome;
  /** ISO 8601; null while it runs. */
  readonly stoppedAt: string | null;
  /** Why the whole did not succeed when no single image says so, as when the source could not be fetched. */
  readonly error: ReleaseError | null;
  /** Every image that was planned, bases first. */
  readonly releases: readonly ImageRelease[];
}
