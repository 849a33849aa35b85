/**
 * Starts, reads, awaits, retries, stops and sweeps releases on a real hub, goes back from them, and tells what was released, for programs; the commands of the same names are made of it.
 *
 *     const handle = await startRelease({ images: ['linux-base'] }, { key: process.env.GITHUB_RUN_ID });
 *     const { releases } = await waitForRelease(handle, { timeoutMs: 3 * 60 * 60_000 });
 *     for (const { targets } of releases) for (const { imageId } of targets) console.log(imageId);
 *
 * Everything that a program may rely on is exported here, the errors among it: one class for each thing that can go wrong.
 */
export { type StartOptions, startRelease } from './start.ts';
export { type WaitOptions, followRelease, getRelease, waitForRelease } from './wait.ts';
export { type ListedRelease, listReleases } from './list.ts';
export { type AnswerOptions, type AnswerResult, approveReleases, rejectReleases } from './approve.ts';
export { type WaitingFor, type WaitingRelease, waitingReleases } from './waiting.ts';
export { type RetryOptions, retryRelease } from './retry.ts';
export { type CancelOptions, type Cancellation, type CancelledImage, cancelRelease } from './cancel.ts';
export {
  type Restoration,
  type RetireOptions,
  type RetireResult,
  restoreVersion,
  retireVersions,
} from './retire.ts';
export { type ImportOptions, type ImportResult, importImages } from './import.ts';
export type { PlannedImport } from '../core/life/import-plan.ts';
export { sweep, type SweepOptions, type SweepResult } from './sweep.ts';
export {
  type RepointOptions,
  type RepointResult,
  restoreRelease,
  revokeRelease,
  rollbackImage,
} from './repoint.ts';
export {
  type HistoricRelease,
  getReleaseRecord,
  getRevocation,
  getSbom,
  releaseHistory,
} from './seeing/released.ts';
export type { ReleasedVersion } from './seeing/record-store.ts';
export { type ComparedSource, type ReleaseDifference, diffReleases } from './seeing/diff.ts';
export type { Difference, SettingDifference } from '../core/releases/setting-differences.ts';
export type { PackageChange } from '../core/amis/package-list.ts';
export {
  type Ancestry,
  type Descent,
  type Lineage,
  type LineageSource,
  releaseLineage,
} from './seeing/lineage.ts';
export {
  type ImageInTarget,
  type PlacedVersion,
  type StagedTarget,
  type TargetSeen,
  type Whereabouts,
  type WhereOptions,
  whereImages,
} from './seeing/where.ts';
export { type Overview, type OverviewOptions, type SeenRelease, releaseOverview } from './seeing/overview.ts';
export { releaseTimeline } from './seeing/timeline.ts';
export type { BakeTime, Billed, StateTime, Timeline as ReleaseTimeline } from '../core/contract/timeline.ts';
export type { Answered, StageApproval } from '../core/contract/approvals.ts';
export type { RepointAnswer, Revocation } from '../core/contract/repoints.ts';
export type { ReleasedRecord, StatedSetting } from '../core/contract/releases.ts';
export { type Clock, REAL_TIME } from './clock.ts';
export type { HubOptions } from './hub.ts';
export type {
  ImageRelease,
  Outcome,
  ReleaseError,
  AwaitedRetry,
  ReleaseHandle,
  ReleaseResult,
  ReleaseTarget,
} from './result.ts';
export type { ReleaseProgress } from '../core/releases/release-progress.ts';
export * from './errors.ts';
