/** AMIs that are tested before they are released. */
import { dropElement, insteadOfCalling, neverDo } from '../operators.ts';
import { calling, spreading, throwing } from '../queries.ts';
import type { MutationSite } from '../site.ts';

const TESTED = /^tested before it is released/;
const NOT_PASSED = /^tested before it is released.*not passed/;

export const TESTED_SITES: readonly MutationSite[] = [
  {
    file: 'tasks/test-amis.ts',
    within: 'handler',
    does: neverDo(throwing('testsFailed')),
    means: 'what did not pass its tests is released',
    likely: NOT_PASSED,
  },
  {
    file: 'tasks/test-amis.ts',
    within: 'handler',
    does: insteadOfCalling('takeAway', 'undefined'),
    means: 'the instance of a test is left behind',
    likely: TESTED,
  },
  {
    file: 'core/tests/go-on.ts',
    within: 'goOn',
    does: insteadOfCalling('findCommand', 'undefined'),
    means: 'tests are begun again and again',
    likely: TESTED,
  },
  {
    file: 'core/tests/instance.ts',
    within: 'takeAway',
    does: neverDo(calling('TerminateInstancesCommand')),
    means: 'an instance is not terminated when its tests are over',
    likely: TESTED,
  },
  {
    file: 'core/tests/instance.ts',
    within: 'takeAway',
    does: dropElement(spreading('known')),
    means: 'a security group is forgotten that no look shows yet',
    likely: /^tested before it is released.*DescribeSecurityGroups/,
  },
];
