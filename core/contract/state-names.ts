/**
 * The states of all machines, by the names that people see in the console. Whoever reads a path, an output or a history finds its
 * states here, so that a renamed state is renamed everywhere or does not compile.
 */
export const STATE_NAMES = {
  // packleader-release
  fetchSource: 'Fetch source',
  planReleases: 'Plan releases',
  isAnythingToRelease: 'Is anything to release?',
  validateTemplates: 'Validate templates',
  releaseEachTier: 'Release each tier',
  releaseEachImage: 'Release each image',
  releaseImage: 'Release image',
  imageNotReleased: 'Image not released',
  summariseReleases: 'Summarise releases',
  wasEveryImageReleased: 'Was every image released?',
  someImagesFailed: 'Some images failed',
  notReleased: 'Not released',
  // packleader-release-image
  resolveSourceAmis: 'Resolve source AMIs',
  /** These are there only where a release that fails waits for a retry. */
  takeOverAmis: 'Take over AMIs',
  clearFailedStage: 'Clear failed stage',
  awaitRetry: 'Await retry',
  handedOver: 'Handed over',
  compareAmis: 'Compare AMIs',
  runScanner: 'Run scanner',
  scanAmis: 'Scan AMIs',
  applyVersionTags: 'Apply version tags',
  publishRelease: 'Publish release',
  announceRelease: 'Announce release',
  /** Of packleader-release as well. */
  released: 'Released',
  releasedWithoutAnnouncement: 'Released without announcement',
  withdrawPublication: 'Withdraw publication',
  verifyRollback: 'Verify rollback',
  announceRollback: 'Announce rollback',
  wasEverythingUndone: 'Was everything undone?',
  rolledBack: 'Rolled back',
  rollbackIncomplete: 'Rollback incomplete',
  rollbackNotVerified: 'Rollback not verified',
  // packleader-bake-batch
  bakeEveryAmi: 'Bake every AMI of the batch',
  bakeAmi: 'Bake AMI',
  amiNotBaked: 'AMI not baked',
  // packleader-sweep
  findDeadReleases: 'Find dead releases',
  isItADryRun: 'Is it a dry run?',
  sweepEachRelease: 'Sweep each release',
  letPublishingEnd: 'Let publishing end',
  sweepRelease: 'Sweep release',
  releaseNotSwept: 'Release not swept',
  reportSweep: 'Report sweep',
  wasEverythingSwept: 'Was everything swept?',
  swept: 'Swept',
  sweepIncomplete: 'Sweep incomplete',
  notSwept: 'Not swept',
  // packleader-repoint
  planRepoint: 'Plan repoint',
  isItOnlyALook: 'Is it only a look?',
  lookedAt: 'Looked at',
  notRepointed: 'Not repointed',
  enableAmis: 'Enable AMIs',
  markVersions: 'Mark versions',
  pointLatest: 'Point latest',
  disableAmis: 'Disable AMIs',
  recordRepoint: 'Record repoint',
  repointed: 'Repointed',
  repointedWithoutRecord: 'Repointed without record',
  putBackVersions: 'Put back versions',
  wasEverythingPutBack: 'Was everything put back?',
  putBack: 'Everything put back',
  notEverythingPutBack: 'Not everything put back',
  putBackNotVerified: 'Putting back not verified',
  // packleader-approval
  answerApproval: 'Answer approval',
  wasEveryAnswerTaken: 'Was every answer taken?',
  answered: 'Answered',
  notAnswered: 'Not answered',
  answerRefused: 'Answer refused',
  // packleader-inventory
  planInventory: 'Plan inventory',
  takeEveryInventory: 'Take every inventory',
  takeInventory: 'Take inventory',
  inventoryNotTaken: 'Inventory not taken',
  reportInventory: 'Report inventory',
  wasEveryTargetRead: 'Was every target read?',
  inventoryTaken: 'Inventory taken',
  inventoryIncomplete: 'Inventory incomplete',
  noInventory: 'No inventory',
  // packleader-retire
  isItAnUndo: 'Is it an undo?',
  restoreVersion: 'Restore version',
  restored: 'Restored',
  notRestored: 'Not restored',
  retireVersions: 'Retire versions',
  wasEverythingRetired: 'Was everything retired?',
  retired: 'Retired',
  retirementIncomplete: 'Retirement incomplete',
  notRetired: 'Not retired',
} as const;

/** The states that every stage has, by the name of the stage. */
export const STAGE_STATE_NAMES = {
  /** Both are there only where the stage asks for approval. */
  approve: (stage: string) => `Approve ${stage}`,
  notApproved: (stage: string) => `No approval of ${stage}`,
  bake: (stage: string) => `Bake ${stage} AMIs`,
  bakeBatch: (stage: string) => `Bake batch of ${stage} AMIs`,
  batchNotBaked: (stage: string) => `No batch of ${stage} AMIs`,
  /** These are there only where AMIs are copied, in every stage but the first. */
  copy: (stage: string) => `Copy ${stage} AMIs`,
  unshare: (stage: string) => `Unshare ${stage} AMIs`,
  check: (stage: string) => `Check ${stage} AMIs`,
  test: (stage: string) => `Test ${stage} AMIs`,
  deregister: (stage: string) => `Deregister ${stage} AMIs`,
} as const;

/** The stage in the name of a state of one of these kinds; undefined for any other state. */
export function stageIn(
  state: string,
  ...kinds: readonly (keyof typeof STAGE_STATE_NAMES)[]
): string | undefined {
  for (const kind of kinds) {
    const [before = '', after = ''] = STAGE_STATE_NAMES[kind]('\n').split('\n');
    const stage = state.slice(before.length, state.length - after.length);
    if (/^[^ ]+$/.test(stage) && state === STAGE_STATE_NAMES[kind](stage)) return stage;
  }
  return undefined;
}

/** Whether a state undoes what another has done. */
export function isUndo(state: string): boolean {
  return (
    state === STATE_NAMES.withdrawPublication ||
    state === STATE_NAMES.putBackVersions ||
    state === STATE_NAMES.clearFailedStage ||
    stageIn(state, 'deregister', 'unshare') !== undefined
  );
}

/**
 * The pivot of a release, by the names of its states. A release is released once its execution has entered the state
 * behind the pivot: an execution's history is the one place where that is decided in one instant for all targets.
 */
export const PIVOT = { publish: STATE_NAMES.publishRelease, behind: STATE_NAMES.announceRelease } as const;
