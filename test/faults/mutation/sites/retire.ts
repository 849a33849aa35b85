/** What keeps an AMI from going, what a version has in common, and how a step is taken back. */
import {
  deleteStatement,
  dropOperand,
  initialise,
  insteadOfReturning,
  neverDo,
  neverWhen,
  setProperty,
} from '../operators.ts';
import { calling, mentioning } from '../queries.ts';
import type { MutationSite } from '../site.ts';

const WHOLE = /^a retirement \|/;
const FAULT = /^a fault in a retirement \|.*retirement \|/;
const BIN = /^a retirement \|.*undo from the bin/;
const MEANWHILE = /^used while it is retired/;

export const RETIRE_SITES: readonly MutationSite[] = [
  {
    file: 'tasks/retire-versions.ts',
    within: 'handler',
    does: initialise('refused', '[]'),
    means: 'orphans stay',
    likely: WHOLE,
  },
  {
    file: 'core/life/orphans.ts',
    within: 'orphansIn',
    does: initialise(
      'builders',
      'seen.filter(({ resourceId, releaseId }) => OF_BUILDERS.test(resourceId) && settled.has(releaseId))',
    ),
    means: 'what somebody tagged with the version they run is taken for an orphan',
    likely: WHOLE,
  },
  {
    file: 'tasks/retire-versions.ts',
    within: 'handler',
    does: neverWhen(mentioning('going')),
    means: 'nobody looks who uses what would go',
    likely: MEANWHILE,
  },
  {
    file: 'core/life/decide.ts',
    within: 'whyStopped',
    does: neverWhen(mentioning('unread')),
    means: 'a version goes although a target could not be read',
    likely: /^a fault in a retirement \|.*Retire versions: ec2:DescribeImages .* denied$/,
  },
  {
    file: 'core/life/decide.ts',
    within: 'oddity',
    does: neverWhen(mentioning('autoCleanup')),
    means: 'what somebody keeps for good goes',
    likely: WHOLE,
  },
  {
    file: 'core/life/decide.ts',
    within: 'needed',
    does: neverWhen(mentioning('enabled')),
    means: 'an AMI that was enabled again is deregistered',
    likely: /^a (fault in a )?retirement.*\| undo \|.*CreateTags .* (denied|slow always|throttled 30 times)$/,
  },
  {
    file: 'core/life/decide.ts',
    within: 'judge',
    does: initialise('begun', 'amis.every(({ retirement }) => retirement !== undefined)'),
    means: 'a restoration that was interrupted is not finished',
    likely:
      /^a fault in a retirement \|.*Retire versions: ec2:(EnableImage|DisableImageDeprecation|DeleteTags) /,
  },
  {
    file: 'core/life/decide.ts',
    within: 'phaseOf',
    does: insteadOfReturning(mentioning('min'), 'PHASES[Math.max(...ranks)]'),
    means: 'a version goes on although a step is not done in every account',
    likely:
      /^a (fault in a )?retirement.*\| retirement \|.*(EnableImageDeprecation|DisableImage|CreateTags) /,
  },
  {
    file: 'core/life/decide.ts',
    within: 'begunAt',
    does: insteadOfReturning(mentioning('phase'), 'Date.parse(retirement.since)'),
    means: 'a step that was interrupted waits for another grace',
    likely: /^a fault in a retirement \|.*Retire versions: ec2:DisableImage .*(lost|slow|throttled)/,
  },
  {
    file: 'core/life/inventory.ts',
    within: 'takeInventory',
    does: neverWhen(mentioning('unread')),
    means: 'an inventory that did not see everything says that it looked',
    likely: /^a fault in a retirement \|.*\| inventory \|.*Describe\w+ .* denied$/,
  },
  {
    file: 'core/life/census.ts',
    within: 'censusOf',
    does: deleteStatement(calling('push')),
    means: 'a source that could not be read is taken for an empty one',
    likely: /^a fault in a retirement \|.*\| inventory \|.*Describe\w+ .* denied$/,
  },
  {
    file: 'core/life/census.ts',
    within: 'censusOf',
    does: neverWhen(mentioning('mayRetry')),
    means: 'a source that was throttled is given up at once',
    likely: /^a fault in a retirement \|.*\| inventory \|.*throttled 3 times$/,
  },
  {
    file: 'core/life/move-on.ts',
    within: 'moveOn',
    does: neverWhen(mentioning('reversible')),
    means: 'a step that an account refuses is not taken back in the others',
    likely:
      /^a fault in a retirement \|.*Retire versions: ec2:(EnableImageDeprecation|DisableImage) .* denied$/,
  },
  {
    file: 'core/life/move-on.ts',
    within: 'takeEverywhere',
    does: dropOperand(mentioning('left')),
    means: 'one account forgets that a version was to go, and another refuses to take it back',
    likely: /^a fault in a retirement \|.*\| undo \|.*EnableImage .* (denied|slow always)$/,
  },
  {
    file: 'core/life/move-on.ts',
    within: 'eachOf',
    does: neverWhen(mentioning('PASSING')),
    means: 'a step that was throttled is given up at once',
    likely: FAULT,
  },
  {
    file: 'core/life/steps.ts',
    within: 'deregister',
    does: setProperty('DeleteAssociatedSnapshots', 'false'),
    means: 'the snapshots of what is deregistered stay',
    likely: WHOLE,
  },
  {
    file: 'core/life/steps.ts',
    within: 'deregister',
    does: deleteStatement(calling('deleteParameter')),
    means: 'the parameter of a version that is gone stays',
    likely: WHOLE,
  },
  {
    file: 'core/life/steps.ts',
    within: 'restore',
    does: neverDo(calling('EnableImageCommand')),
    means: 'what is restored stays disabled',
    likely: WHOLE,
  },
  {
    file: 'core/life/steps.ts',
    within: 'restore',
    does: neverDo(calling('DisableImageDeprecationCommand')),
    means: 'what is restored stays deprecated',
    likely: WHOLE,
  },
  {
    file: 'core/life/steps.ts',
    within: 'publishAgain',
    does: deleteStatement(calling('writeParameter')),
    means: 'what comes back from the Recycle Bin cannot be found by its version',
    likely: BIN,
  },
  {
    file: 'core/life/steps.ts',
    within: 'publishAgain',
    does: neverWhen(mentioning('readParameter')),
    means: 'nobody looks whether what comes back can be found by its version',
    likely: BIN,
  },
  {
    file: 'core/life/from-bin.ts',
    within: 'takeFromBin',
    does: initialise('snapshots', '[]'),
    means: 'an AMI comes back without its snapshots',
    likely: BIN,
  },
  {
    file: 'core/life/lost.ts',
    within: 'lostIn',
    does: initialise('why', 'undefined'),
    means: 'what could not come back is deregistered',
    likely: WHOLE,
  },
  {
    file: 'tasks/restore-version.ts',
    within: 'handler',
    does: neverWhen(mentioning('leftovers')),
    means: 'says that a version was restored where an account refused',
    likely: /^a fault in a retirement \|.*\| undo \|.* denied$/,
  },
];
