/** AMIs that others may launch. */
import { deleteStatement, dropOperand, insteadOfCalling, neverDo } from '../operators.ts';
import { calling, mentioning } from '../queries.ts';
import type { MutationSite } from '../site.ts';

const SHARED = /^shared when it is released/;
const USED = /^shared when it is released \| publishing fails.*used by/;

export const SHARED_SITES: readonly MutationSite[] = [
  {
    file: 'core/amis/consumers.ts',
    within: 'letConsumersLaunch',
    does: deleteStatement(calling('grantPermissions')),
    means: 'nobody else may launch what is released',
    likely: SHARED,
  },
  {
    file: 'core/amis/consumers.ts',
    within: 'takeBackIn',
    does: neverDo(calling('takeBackPermissions')),
    means: 'what was given is not taken back',
    likely: USED,
  },
  {
    file: 'core/amis/permissions.ts',
    within: 'grantPermissions',
    does: neverDo(calling('writeJson')),
    means: 'what is given is not written down',
    likely: USED,
  },
  {
    file: 'core/amis/image-users.ts',
    within: 'sharedWith',
    does: dropOperand(mentioning('given')),
    means: 'what the release itself gave keeps its AMI',
    likely:
      /^shared when it is released \| publishing fails.*Withdraw publication: ec2:ModifyImageAttribute.*(denied|refused)/,
  },
  {
    file: 'core/amis/consumers.ts',
    within: 'givenIn',
    does: insteadOfCalling('namesIn', '[]'),
    means: 'nobody looks whether it was taken back',
    likely: /^shared when it is released \| .*used by an instance \| Withdraw.*denied/,
  },
];
