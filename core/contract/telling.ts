/** What the hub tells people and other places, where `packleader.config` says so. */
import { NAMES } from './names.ts';

/** What `notify.events` may name, with the event that is told of; the first two are AWS's own, of an execution. */
export const TOLD = {
  started: undefined,
  stopped: undefined,
  'approval-requested': NAMES.approvalRequested,
  approved: NAMES.approved,
  'retry-awaited': NAMES.retryAwaited,
  released: NAMES.released,
  'rolled-back': NAMES.rolledBack,
  repointed: NAMES.repointed,
  revoked: NAMES.revoked,
  restored: NAMES.restored,
  retired: NAMES.retired,
  stale: NAMES.stale,
} as const;
export type Told = keyof typeof TOLD;

const isTold = (word: string): word is Told => Object.hasOwn(TOLD, word);
export const TOLD_WORDS: readonly Told[] = Object.keys(TOLD).filter(isTold);

/** What nobody has to ask for. Releases begin, and old versions go, more often than people want to read it. */
export const TOLD_BY_DEFAULT: readonly Told[] = TOLD_WORDS.filter(
  (word) => word !== 'started' && word !== 'retired',
);

/** Where a release that fails waits for a retry. */
export const TOLD_OF_RETRIES: readonly Told[] = ['retry-awaited'];
/** Where somebody looks for images that nobody has released for too long. */
export const TOLD_OF_STALE_IMAGES: readonly Told[] = ['stale'];

export const TOLD_OF_APPROVALS: readonly Told[] = ['approval-requested', 'approved'];

/** The statuses of an execution that each of the first two stands for. */
export const TOLD_STATUSES = { started: ['RUNNING'], stopped: ['ABORTED', 'TIMED_OUT'] } as const;

/** Where commit statuses go. */
export const STATUS_PROVIDERS = ['github', 'gitlab', 'bitbucket'] as const;
export type StatusProviderName = (typeof STATUS_PROVIDERS)[number];

/** Where each of them answers, unless its own installation is named. */
export const STATUS_APIS: Readonly<Record<StatusProviderName, string>> = {
  github: 'https://api.github.com',
  gitlab: 'https://gitlab.com/api/v4',
  bitbucket: 'https://api.bitbucket.org/2.0',
};
