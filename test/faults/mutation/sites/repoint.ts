/** What going back asks before it begins, what it never lets `latest` show, and how it puts back. */
import { dropOperand, initialise, insteadOfReturning, neverDo, neverWhen } from '../operators.ts';
import { calling, mentioning, throwing } from '../queries.ts';
import type { MutationSite } from '../site.ts';

const PUTS_BACK = /^a fault in a repoint \|.*Put back versions/;

export const REPOINT_SITES: readonly MutationSite[] = [
  {
    file: 'core/repoints/look.ts',
    within: 'whyNotEverywhere',
    does: insteadOfReturning(mentioning('reasons'), 'undefined'),
    means: 'goes back to a version that is gone in one account',
    likely: /^a repoint \|.* is gone$/,
  },
  {
    file: 'core/repoints/look.ts',
    within: 'lookAtAmi',
    does: initialise('unrecorded', 'undefined'),
    means: 'forgets who could launch what a stopped revocation has disabled',
    likely: /^a repoint is stopped .*revoke and disable.*Disable AMIs/,
  },
  {
    file: 'core/repoints/claims.ts',
    within: 'claimImage',
    does: neverWhen(mentioning('why')),
    means: 'begins beside another repoint',
    likely: /^two repoints at once/,
  },
  {
    file: 'core/repoints/claims.ts',
    within: 'claimImage',
    does: neverWhen(mentioning('other')),
    means: 'begins beside another repoint that claims at the same moment',
    likely: /^two repoints at once.*Plan repoint/,
  },
  {
    file: 'core/amis/usable.ts',
    within: 'whyUnusable',
    does: neverWhen(mentioning('revoked')),
    means: 'a revoked version can be latest',
    likely: /^a repoint beside a release/,
  },
  {
    file: 'core/publication/flip-latest.ts',
    within: 'newestImageId',
    does: dropOperand(mentioning('left')),
    means: 'latest shows what was revoked just now where EC2 shows an old tag',
    likely: /^a repoint \|.* an old mark$/,
  },
  {
    file: 'core/amis/mark.ts',
    within: 'markAmi',
    does: neverDo(throwing('PackleaderError')),
    means: 'marks of a repoint are not read back',
    likely: /Mark versions: ec2:CreateTags.* (late|partial)$/,
  },
  {
    file: 'core/repoints/put-back.ts',
    within: 'putBackAmi',
    does: neverDo(calling('enableAmi')),
    means: 'what was disabled is not enabled again',
    likely: PUTS_BACK,
  },
  {
    file: 'core/repoints/put-back.ts',
    within: 'putBackAmi',
    does: neverDo(calling('CreateTagsCommand')),
    means: 'marks are not put back',
    likely: /^a repoint \|.*fails$/,
  },
  {
    file: 'core/repoints/put-back.ts',
    within: 'putBackIn',
    does: neverDo(calling('disableAmi')),
    means: 'what was enabled is not disabled again',
    likely: /restore/,
  },
  {
    file: 'core/repoints/put-back.ts',
    within: 'putBackIn',
    does: initialise('isPutBack', 'true'),
    means: 'what latest still shows is disabled',
    likely: /restore.*Put back versions: (ec2:CreateTags|ssm:\w+) .* (denied|refused)$/,
  },
  {
    file: 'core/repoints/put-back.ts',
    within: 'putBackAmi',
    does: dropOperand(mentioning('set')),
    means: 'puts back no mark that it has set',
    likely: /^a repoint \|.*fails$/,
  },
  {
    file: 'tasks/put-back-versions.ts',
    within: 'handler',
    does: neverWhen(mentioning('ATTEMPTS')),
    means: 'what is not as it was is named at once, and not tried again',
    likely: PUTS_BACK,
  },
  {
    file: 'tasks/put-back-versions.ts',
    within: 'handler',
    does: initialise('complete', 'true'),
    means: 'says that everything was put back, whatever is left',
    likely: PUTS_BACK,
  },
];
