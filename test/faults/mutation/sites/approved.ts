/** Stages that somebody must approve. */
import { initialise } from '../operators.ts';
import type { MutationSite } from '../site.ts';

export const APPROVED_SITES: readonly MutationSite[] = [
  {
    file: 'tasks/answer-approval.ts',
    within: 'answer',
    does: initialise('outcome', "'approved'"),
    means: 'a rejection is taken for an approval',
    likely: /^asked first.*rejected$/,
  },
];
