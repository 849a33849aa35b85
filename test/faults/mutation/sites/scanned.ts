/** AMIs that are scanned before they are released. */
import { insteadOfCalling, neverDo } from '../operators.ts';
import { throwing } from '../queries.ts';
import type { MutationSite } from '../site.ts';

const VULNERABLE = /^scanned before it is released.*vulnerable/;

export const SCANNED_SITES: readonly MutationSite[] = [
  {
    file: 'tasks/scan-amis.ts',
    within: 'handler',
    does: neverDo(throwing('vulnerabilitiesFound')),
    means: 'what holds something too grave is released',
    likely: VULNERABLE,
  },
  {
    file: 'tasks/scan-amis.ts',
    within: 'judged',
    does: insteadOfCalling('reaches', 'false'),
    means: 'nothing is ever too grave',
    likely: VULNERABLE,
  },
];
