/** Steps of an undo, and the looks that it rests on. */
import {
  alwaysWhen,
  deleteStatement,
  dropElement,
  dropOperand,
  initialise,
  insteadOfCalling,
  insteadOfReturning,
  insteadOfThrowing,
  neverDo,
  neverWhen,
  onlyElse,
  setProperty,
  whateverItAnswers,
} from '../operators.ts';
import { calling, mentioning, spreading, throwing } from '../queries.ts';
import type { MutationSite } from '../site.ts';

const UNDONE = /^a fault in the undo \|/;
const KILLED = /prod is killed|Bake .*killed|^stopped \|/;
const ON_SPOT = /^a builder on spot.*killed/;
const IN_USE = /^an AMI in use/;
const SWEPT = /^stopped|^the sweep dies|^a fault in the sweep/;

type InOneFile = Omit<MutationSite, 'file'>;

const inFile = (file: string, sites: readonly InOneFile[]): MutationSite[] =>
  sites.map((site) => ({ file, ...site }));

const removals: readonly InOneFile[] = [
  {
    does: deleteStatement(calling('StopBuildCommand')),
    means: 'builds are not stopped',
    likely: /lost from sight|^stopped|codebuild:BatchGetBuilds/,
  },
  {
    does: deleteStatement(calling('TerminateInstancesCommand')),
    means: 'instances are not terminated',
    likely: KILLED,
  },
  {
    does: deleteStatement(calling('DeleteKeyPairCommand')),
    means: 'key pairs are not deleted',
    likely: KILLED,
  },
  {
    does: deleteStatement(calling('DeleteLaunchTemplateCommand')),
    means: 'launch templates are not deleted',
    likely: ON_SPOT,
  },
  {
    does: deleteStatement(calling('DeleteSecurityGroupCommand')),
    means: 'security groups are not deleted',
    likely: KILLED,
  },
  {
    does: deleteStatement(calling('DeregisterImageCommand')),
    means: 'AMIs are not deregistered',
    likely: UNDONE,
  },
  {
    does: deleteStatement(calling('DeleteSnapshotCommand')),
    means: 'snapshots are not deleted',
    likely: UNDONE,
  },
  {
    does: insteadOfCalling('quarantineUsed', 'new Map<string, string>()'),
    means: 'nobody asks who uses an AMI',
    likely: IN_USE,
  },
].map((one) => ({ ...one, within: 'undoBake' }));

const users: readonly InOneFile[] = [
  { does: dropElement(calling('references')), means: 'EC2 is not asked for users' },
  { does: dropElement(calling('builtOnThem')), means: 'images built on it are forgotten' },
  { does: dropElement(calling('sharedWith')), means: 'shares are forgotten' },
  { does: dropElement(calling('launchConfigurations')), means: 'launch configurations are forgotten' },
  { does: dropElement(calling('groupOverrides')), means: 'Auto Scaling groups are forgotten' },
].map((one) => ({ ...one, within: 'usersOfImages', likely: IN_USE }));

const looks: readonly InOneFile[] = [
  {
    within: 'findTraces',
    does: setProperty('builds', '[]'),
    means: 'running builds are not seen',
    likely: /lost from sight|^stopped/,
  },
  {
    within: 'findTraces',
    does: setProperty('instances', '[]'),
    means: 'instances are not seen',
    likely: KILLED,
  },
  {
    within: 'findTraces',
    does: setProperty('keyPairs', '[]'),
    means: 'key pairs are not seen',
    likely: KILLED,
  },
  {
    within: 'findTraces',
    does: setProperty('launchTemplates', '[]'),
    means: 'launch templates are not seen',
    likely: ON_SPOT,
  },
  {
    within: 'findTraces',
    does: setProperty('securityGroups', '[]'),
    means: 'security groups are not seen',
    likely: KILLED,
  },
  {
    within: 'findTraces',
    does: dropElement(calling('idsOf')),
    means: 'snapshots without an AMI are not seen',
    likely: /DeleteSnapshot/,
  },
  {
    within: 'publishedParameters',
    does: dropElement(spreading('version')),
    means: 'the parameter of a version is not seen',
    likely: /Withdraw publication/,
  },
  {
    within: 'publishedParameters',
    does: dropElement(spreading('latest')),
    means: 'latest is not seen',
    likely: /Withdraw publication/,
  },
];

export const UNDO_SITES: readonly MutationSite[] = [
  ...inFile('core/amis/undo-bake.ts', [
    ...removals,
    {
      within: 'quarantineUsed',
      does: deleteStatement(calling('CreateTagsCommand')),
      means: 'what is quarantined is not tagged',
      likely: IN_USE,
    },
    {
      within: 'undoBake',
      does: insteadOfCalling('bakedIds', '[]'),
      means: 'nobody looks whether it is gone',
      likely: KILLED,
    },
  ]),
  ...inFile('core/amis/image-users.ts', users),
  ...inFile('core/amis/traces.ts', looks),
  ...inFile('core/publication/undo-publication.ts', [
    {
      within: 'undoPublication',
      does: insteadOfCalling('putBackLatest', 'false'),
      means: 'latest is not put back',
      likely: /publishing fails/,
    },
    {
      within: 'undoPublication',
      does: onlyElse(calling('deleteParameter')),
      means: 'the version is not deleted',
      likely: /publishing fails/,
    },
    {
      within: 'undoPublication',
      does: insteadOfCalling('publishedParameters', '[]'),
      means: 'nobody looks whether it is withdrawn',
      likely: /^a fault in the undo(, another past)? \|.*Withdraw/,
    },
  ]),
  ...inFile('core/publication/put-back-latest.ts', [
    {
      within: 'putBackLatest',
      does: dropOperand(calling('isCoveredByTask')),
      means: 'a release that came in between stays covered',
      likely: /^two releases \| the older fails, and its undo dies/,
    },
    {
      within: 'imageWithout',
      does: whateverItAnswers('isUsable', 'true'),
      means: 'latest may point at an AMI that is gone',
      likely: /publishing fails/,
    },
  ]),
  ...inFile('core/amis/usable.ts', [
    {
      within: 'describeAmi',
      does: insteadOfThrowing(throwing('notReadyYet'), 'return undefined;'),
      means: 'an AMI that an answer leaves out is taken for gone',
      likely: /Withdraw publication: ec2:DescribeImages.*partial/,
    },
  ]),
  ...inFile('tasks/withdraw-publication.ts', [
    {
      within: 'handler',
      does: neverDo(throwing('notReadyYet')),
      means: 'nobody comes back for what appears late',
      likely: /publishing fails|^two releases/,
    },
  ]),
  ...inFile('core/aws/undo-targets.ts', [
    {
      within: 'leftInEveryTarget',
      does: dropElement(calling('unseen')),
      means: 'a target that cannot be seen is taken for clean',
      likely: /(Deregister|Withdraw).*refused/,
    },
    {
      within: 'undoInEveryTarget',
      does: neverDo(throwing('LeftoversRemain')),
      means: 'leftovers are not told',
      likely: UNDONE,
    },
  ]),
  ...inFile('tasks/verify-rollback.ts', [
    {
      within: 'look',
      does: dropElement(calling('unseen')),
      means: 'a target that cannot be seen is taken for clean',
      likely: /^pairs \|.*Verify rollback: .*denied$/,
    },
    {
      within: 'handler',
      does: initialise('complete', 'true'),
      means: 'every rollback is complete',
      likely: /Deregister.*denied/,
    },
    {
      within: 'look',
      does: dropElement(spreading('parameters')),
      means: 'parameters that are left are not named',
      likely: /Withdraw publication.*(denied|always)/,
    },
    {
      within: 'look',
      does: dropElement(calling('bakedIds')),
      means: 'AMIs that are left are not named',
      likely: /Deregister.*denied/,
    },
    {
      within: 'look',
      does: neverDo(throwing('fact')),
      means: 'a look that a retry would mend counts as a leftover',
      likely: /Verify rollback.*(3 times|unreachable)$/,
    },
  ]),
  ...inFile('tasks/announce-rollback.ts', [
    {
      within: 'handler',
      does: deleteStatement(calling('announce')),
      means: 'nobody is told of a rollback',
      likely: UNDONE,
    },
  ]),
  ...inFile('tasks/sweep-release.ts', [
    {
      within: 'handler',
      does: deleteStatement(calling('stopRunning')),
      means: 'bakes that still start are not stopped',
      likely: /^a bake starts late/,
    },
    {
      within: 'remove',
      does: initialise('visible', '[]'),
      means: 'a dead release stays published',
      likely: /^stopped \| after Publish/,
    },
    {
      within: 'remove',
      does: insteadOfReturning(mentioning('leftovers'), '[]'),
      means: 'a sweep does not tell what is left',
      likely: SWEPT,
    },
    {
      within: 'handler',
      does: neverDo(throwing('LeftoversRemain')),
      means: 'a sweep does not come back for what is left',
      likely: SWEPT,
    },
    {
      within: 'handler',
      does: neverWhen(mentioning('is')),
      means: 'nobody looks again whether a release is dead',
      likely: /^redriven/,
    },
  ]),
  ...inFile('core/releases/release-status.ts', [
    {
      within: 'attemptStatusOf',
      does: neverWhen(mentioning('ENDED')),
      means: 'what still runs is swept',
      likely: /^a sweep during/,
    },
    {
      within: 'attemptStatusOf',
      does: neverWhen(mentioning('behind')),
      means: 'what was published and then stopped is swept',
      likely: /^one fault.*Announce release/,
    },
    {
      within: 'attemptStatusOf',
      does: setProperty('publishing', 'false'),
      means: 'nobody waits for a task that still publishes',
      likely: /^stopped \| after Publish/,
    },
  ]),
  ...inFile('core/aws/events.ts', [
    {
      within: 'putEvent',
      does: alwaysWhen(mentioning('FailedEntryCount')),
      means: 'an event that EventBridge did not take counts as told',
      likely: /PutEvents.*partial/,
    },
  ]),
];
