/** AMIs that are copied from the stage before. */
import { insteadOfCalling } from '../operators.ts';
import type { MutationSite } from '../site.ts';

const COPIED = /^copied from the stage before/;

export const COPIED_SITES: readonly MutationSite[] = [
  {
    file: 'tasks/copy-amis.ts',
    within: 'handler',
    does: insteadOfCalling('takeBackPermissions', 'undefined'),
    means: 'whoever copied an AMI may go on using its source',
    likely: COPIED,
  },
];
