/** What a retry asks before it begins, and what it takes over. */
import {
  alwaysWhen,
  deleteStatement,
  dropElement,
  initialise,
  insteadOfCalling,
  insteadOfThrowing,
  neverDo,
  neverWhen,
} from '../operators.ts';
import { calling, mentioning, spreading } from '../queries.ts';
import type { MutationSite } from '../site.ts';

export const RETRY_SITES: readonly MutationSite[] = [
  {
    file: 'core/releases/retries.ts',
    within: 'beginRetry',
    does: dropElement(spreading('leftInTargets')),
    means: 'a retry begins beside what an earlier attempt left',
    likely: /^a retry \| (the rollback left|stopped)/,
  },
  {
    file: 'core/releases/retries.ts',
    within: 'beginRetry',
    does: deleteStatement(calling('refuseBesideSweep')),
    means: 'a retry begins beside a sweep that takes it for dead',
    likely: /^a retry during a sweep/,
  },
  {
    file: 'core/releases/retries.ts',
    within: 'attemptsBefore',
    does: neverWhen(calling('settledAfter')),
    means: 'a retry begins while functions of the attempt before may still be at work',
    likely: /^a retry \|.*too early/,
  },
  {
    file: 'core/releases/retries.ts',
    within: 'pinsOf',
    does: initialise('bakes', '[] as { accountId: string; region: string; sourceImageId: string }[]'),
    means: 'a retry takes a newer source AMI',
    likely: /^a retry \|.*newer source/,
  },
  {
    file: 'core/releases/redrives.ts',
    within: 'refuseBesideRetry',
    does: insteadOfThrowing(mentioning('releaseRetried'), 'return;'),
    means: 'an earlier attempt goes on beside a retry',
    likely: /^redriven beside a retry/,
  },
  {
    file: 'core/releases/release-status.ts',
    within: 'releaseStatusOf',
    does: alwaysWhen(mentioning('is')),
    means: 'a release is dead when its first attempt is',
    likely: /^a sweep during a retry/,
  },
  {
    file: 'tasks/await-retry.ts',
    within: 'handler',
    does: neverWhen(mentioning('takeOverAmis')),
    means: 'a release hands over to a retry that may still be refused',
    likely: /^waits for a retry \|.*retried \| retry, Resolve source AMIs/,
  },
  {
    file: 'tasks/take-over-amis.ts',
    within: 'handler',
    does: insteadOfThrowing(mentioning('notHandedOver'), 'return { kept: true };'),
    means: 'a retry goes on with AMIs that the attempt before still keeps',
    likely: /^(waits for a retry|stopped while it waits) \|.*retr/,
  },
  {
    file: 'tasks/clear-failed-stage.ts',
    within: 'handler',
    does: insteadOfCalling('undoInEveryTarget', 'undefined'),
    means: 'a release waits beside what the stage that failed has left',
    likely: /^waits for a retry \|/,
  },
  {
    file: 'core/releases/retries.ts',
    within: 'attemptsBefore',
    does: initialise('waiting', 'undefined as Awaited<ReturnType<typeof waitingAttempt>>'),
    means: 'nothing can be retried that waits',
    likely: /^waits for a retry \|.*retried/,
  },
  {
    file: 'tasks/check-amis.ts',
    within: 'handler',
    does: neverDo(calling('refuseEchoes')),
    means: 'a retry takes the AMI of an earlier attempt, which EC2 still shows, for its own',
    likely: /^a fault in a retry \| retry, Check .*DescribeImages .* stale by two$/,
  },
  {
    file: 'tasks/verify-rollback.ts',
    within: 'handler',
    does: dropElement(spreading('earlier')),
    means: 'a retry that was not begun does not say what is left',
    likely: /^a retry \| stopped/,
  },
];
