import type { Target } from './targets.ts';

/** Fixed names, so that trust policies can be written before the things they name exist. */
export const NAMES = {
  releaseMachine: 'packleader-release',
  releaseImageMachine: 'packleader-release-image',
  bakeBatchMachine: 'packleader-bake-batch',
  sweepMachine: 'packleader-sweep',
  repointMachine: 'packleader-repoint',
  /** Both stand only where retiring is switched on. */
  inventoryMachine: 'packleader-inventory',
  retireMachine: 'packleader-retire',
  /** Takes answers; it stands only where a stage asks for approval. */
  approvalMachine: 'packleader-approval',
  fetchSourceProject: 'packleader-fetch-source',
  bakeProject: 'packleader-bake',
  validateProject: 'packleader-validate',
  scanProject: 'packleader-scan',
  /** What the names of the roles begin with that functions have which start releases. */
  triggerRoles: 'packleader-trigger-',
  orchestratorRole: 'packleader-orchestrator',
  stewardRole: 'packleader-steward',
  bakeRole: 'packleader-bake',
  /** Boots AMIs and tests them; there only where that is switched on, as is the one below. */
  testerRole: 'packleader-tester',
  /** The role and instance profile of an instance under test. */
  tested: 'packleader-tested',
  /** Copies AMIs into its account; there only where that is switched on. */
  copierRole: 'packleader-copier',
  /** The builders' role and instance profile; a bake may pass any role whose name begins like this. */
  builder: 'packleader-builder',
  eventSource: 'packleader',
  started: 'Release Started',
  released: 'Image Released',
  rolledBack: 'Image Rolled Back',
  approvalRequested: 'Approval Requested',
  approved: 'Release Approved',
  retryAwaited: 'Retry Awaited',
  repointed: 'Image Repointed',
  revoked: 'Image Revoked',
  restored: 'Image Restored',
  /** Before and after a step that retires a version, or takes that back. */
  retiring: 'Image Retiring',
  retired: 'Image Retired',
  /** Nobody has released an image for too long. */
  stale: 'Image Stale',
  gitPush: 'Git Push',
  deliveriesTable: 'packleader-deliveries',
  /** Triggers that AWS could not hand over, or that failed after all their retries. */
  deadLetterQueue: 'packleader-failed-triggers',
  /** What became of releases, for people; there only where they are told. */
  releasesTopic: 'packleader-releases',
  scheduleGroup: 'packleader',
} as const;

/** The topic of those who may approve a stage; there only where they are told. */
export const approversTopic = (stage: string): string => `packleader-approvals-${stage}`;

/** The stacks, as `packleader deploy` and the app of this package name them. */
export const STACKS = {
  hub: 'packleader-hub',
  target: (accountId: string): string => `packleader-target-${accountId}`,
} as const;

/** The tag of the release machine with the version of the package that deployed it. */
export const TAG_OF_DEPLOYMENT = 'packleader:deployed-by';

export const parameters = {
  version: (image: string, version: string) => `/packleader/${image}/versions/${version}`,
  versions: (image: string) => `/packleader/${image}/versions`,
  latest: (image: string) => `/packleader/${image}/latest`,
  /** In the hub: `enabled`, as if there were none, or `disabled`. No stack makes it, so that none resets it. */
  triggers: '/packleader/triggers',
  /** In the hub, written by whoever resumes the paused rebuilds of an image; the time of that counts, not the value. */
  resumed: (image: string) => `/packleader/triggers/resumed/${image}`,
} as const;

export const roleArn = (accountId: string, role: string) => `arn:aws:iam::${accountId}:role/${role}`;

/** The hub's bucket; its name is made of where the hub is, so that every account knows it before it exists. */
export const bucketName = ({ hub }: { readonly hub: Target }): string =>
  `packleader-${hub.accountId}-${hub.region}`;
