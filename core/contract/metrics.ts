/** What packleader counts, as metrics in CloudWatch. Functions write them into their logs, in the embedded metric format. */
export const METRICS = {
  namespace: 'packleader',
  released: 'ReleasesReleased',
  rolledBack: 'ReleasesRolledBack',
  rollbackIncomplete: 'RollbacksIncomplete',
  /** A release that stands in every account, without its event and its record. */
  unannounced: 'ReleasesUnannounced',
  /** An execution of packleader-release that failed before any image, or without knowing what became of them. */
  notReleased: 'RequestsNotReleased',
  /** How long a release has taken so far, at the end of each of its tasks. */
  releaseMinutes: 'ReleaseMinutes',
  /** A task that failed with an error that is none of ERRORS, or did not come to its end. */
  taskCrashed: 'TaskCrashed',
  /** A request to the webhook that was turned away: no valid signature, another repository, not understood. */
  webhookRejected: 'WebhookRejected',
  /** A schedule came due and was not followed, because the image's last rebuilds failed; also by `Image`. */
  rebuildsPaused: 'RebuildsPaused',
  /** A push or a schedule that was not followed, because triggers are switched off. */
  triggersSwitchedOff: 'TriggersSwitchedOff',
  /** What a sweep removed, and what it found and could not remove. */
  sweepRemoved: 'SweepRemoved',
  sweepLeftovers: 'SweepLeftovers',
  /** Rollbacks, revocations and restorations that every account has seen. */
  repointed: 'Repoints',
  /** One that was undone, or refused after it had begun. */
  repointPutBack: 'RepointsPutBack',
  /** One that was undone, and not everywhere; or that every account has seen, without its record. */
  repointIncomplete: 'RepointsIncomplete',
  /** A sweep that could not find out what is dead, or could not report. */
  notSwept: 'SweepsFailed',
  /** A look at all AMIs that did not see everything: nothing is retired until one does. */
  inventoryIncomplete: 'InventoriesIncomplete',
  /** What a run that retires versions did with AMIs, by its steps. */
  retired: 'VersionsMovedOn',
  /** A run that was stopped by a limit, or left something undone, or never came to its end. */
  notRetired: 'RetirementsIncomplete',
} as const;
