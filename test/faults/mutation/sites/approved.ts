/** Stages that somebody must approve. */
import { initialise, insteadOfCalling } from '../operators.ts';
import type { MutationSite } from '../site.ts';

export const APPROVED_SITES: readonly MutationSite[] = [
  {
    file: 'tasks/answer-approval.ts',
    within: 'answer',
    does: initialise('outcome', "'approved'"),
    means: 'a rejection is taken for an approval',
    likely: /^asked first.*rejected$/,
  },
  {
    file: 'tasks/answer-approval.ts',
    within: 'answer',
    does: insteadOfCalling('ownRelease', 'undefined'),
    means: 'one pair of eyes approves where four are asked for',
    likely: /^four eyes \| by its starter$/,
  },
  {
    file: 'core/aws/starters.ts',
    within: 'beginnersOf',
    does: initialise('people', '[]'),
    means: 'whoever started the commit’s release approves the image’s',
    likely: /^four eyes \| by its starter$/,
  },
];
