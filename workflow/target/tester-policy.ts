import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { keysThroughEc2 } from './keys-through-ec2.ts';
import { NAMES } from '../../core/contract/names.ts';
import { TAGS } from '../../core/contract/tags.ts';
import { TEST_DOCUMENTS } from '../../core/contract/tests.ts';
import type { Wildcards } from '../constructs/wildcards.ts';
import { AGENT_CHANNELS } from './agent-channels.ts';
import { ec2Arns, ofSomeRelease, RELEASE_TAG } from './target-arns.ts';

const DOCUMENTS = Object.values(TEST_DOCUMENTS);

const IDS = 'EC2 makes the ids, and a factory chooses the region; ';

/** Why each pattern is as narrow as it can be. */
export const TESTER_WILDCARDS: Wildcards = {
  '*': 'Describe actions take no resource, nor does what asks for commands.',
  ':instance/*': `${IDS}every statement asks for the tags packleader:release and packleader:test.`,
  ':volume/*': `${IDS}made only with the tags packleader:release and packleader:test.`,
  ':network-interface/*': `${IDS}made only with the tags packleader:release and packleader:test.`,
  ':security-group/*': `${IDS}made, used and deleted only with the tags packleader:release and packleader:test.`,
  ':subnet/*': 'The layers of the configuration name the subnet; a launch changes nothing about it.',
  ':vpc/*':
    'The layers of the configuration name the VPC; what is made in it carries the tag packleader:release.',
  '::image/*': `${IDS}only those with the tag packleader:release are launched.`,
  '::snapshot/*': `${IDS}only those with the tag packleader:release are launched from.`,
  ':key/*':
    'The layers of the configuration name the key, whose policy must admit this role; only through EC2.',
  ...Object.fromEntries(
    DOCUMENTS.map((name) => [`:document/${name}`, "AWS's own document; a factory chooses the region."]),
  ),
};

/** What is for the test of an AMI says so from its first moment. */
const forTest = {
  StringLike: {
    [`aws:RequestTag/${RELEASE_TAG}`]: '?*',
    [`aws:RequestTag/${TAGS.test}`]: '?*',
  },
};
const ofTest = {
  StringLike: {
    [`aws:ResourceTag/${RELEASE_TAG}`]: '?*',
    [`aws:ResourceTag/${TAGS.test}`]: '?*',
  },
};

/** What booting an AMI of a release takes, and running its tests: nothing of anything else. */
export function testerPolicy(accountId: string): PolicyStatement[] {
  const arns = (...kinds: string[]) => ec2Arns(accountId, ...kinds);
  return [
    new PolicyStatement({
      sid: 'Look',
      actions: [
        'ec2:DescribeInstanceStatus',
        'ec2:DescribeInstances',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSubnets',
        'ssm:DescribeInstanceInformation',
        'ssm:GetCommandInvocation',
        'ssm:ListCommandInvocations',
      ],
      resources: ['*'], // None of these takes a resource.
    }),
    new PolicyStatement({
      sid: 'LaunchTested',
      actions: ['ec2:RunInstances'],
      resources: arns('instance'),
      conditions: { ...forTest, StringEquals: { 'ec2:MetadataHttpTokens': 'required' } },
    }),
    new PolicyStatement({
      sid: 'LaunchTagged',
      actions: ['ec2:RunInstances'],
      resources: arns('network-interface', 'volume'),
      conditions: forTest,
    }),
    new PolicyStatement({
      sid: 'LaunchFromRelease',
      actions: ['ec2:RunInstances'],
      resources: arns('image', 'snapshot'),
      conditions: ofSomeRelease,
    }),
    new PolicyStatement({
      // The groups of others may let somebody in.
      sid: 'LaunchInOwnGroup',
      actions: ['ec2:RunInstances'],
      resources: arns('security-group'),
      conditions: ofTest,
    }),
    new PolicyStatement({ sid: 'LaunchIn', actions: ['ec2:RunInstances'], resources: arns('subnet') }),
    new PolicyStatement({
      sid: 'MakeGroup',
      actions: ['ec2:CreateSecurityGroup'],
      resources: arns('security-group'),
      conditions: forTest,
    }),
    new PolicyStatement({
      sid: 'MakeGroupInVpc',
      actions: ['ec2:CreateSecurityGroup'],
      resources: arns('vpc'),
    }),
    new PolicyStatement({
      sid: 'TagWhatIsMade',
      actions: ['ec2:CreateTags'],
      resources: arns('instance', 'network-interface', 'security-group', 'volume'),
      conditions: {
        ...forTest,
        StringEquals: { 'ec2:CreateAction': ['CreateSecurityGroup', 'RunInstances'] },
      },
    }),
    new PolicyStatement({
      sid: 'TakeAway',
      actions: ['ec2:DeleteSecurityGroup', 'ec2:TerminateInstances'],
      resources: arns('instance', 'security-group'),
      conditions: ofTest,
    }),
    new PolicyStatement({
      sid: 'GiveItsRole',
      actions: ['iam:PassRole'],
      resources: [`arn:aws:iam::${accountId}:role/${NAMES.tested}`],
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    }),
    new PolicyStatement({
      sid: 'SendTests',
      actions: ['ssm:SendCommand'],
      resources: arns('instance'),
      conditions: {
        StringLike: {
          [`ssm:resourceTag/${RELEASE_TAG}`]: '?*',
          [`ssm:resourceTag/${TAGS.test}`]: '?*',
        },
      },
    }),
    new PolicyStatement({
      sid: 'SendByDocument',
      actions: ['ssm:SendCommand'],
      resources: DOCUMENTS.map((name) => `arn:aws:ssm:*::document/${name}`),
    }),
    ...keysThroughEc2([`arn:aws:kms:*:${accountId}:key/*`], {
      use: 'DecryptVolumes',
      grant: 'LetEbsUseTheKey',
    }),
  ];
}

/**
 * AWS's managed policy AmazonSSMManagedInstanceCore would let an image under test read all parameters of the account. An agent before
 * 3.3.40 gets its commands by the older channel.
 *  @see https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
 */
export const testedPolicy = (): PolicyStatement[] => [
  new PolicyStatement({
    sid: 'BeSentCommands',
    actions: [
      'ec2messages:AcknowledgeMessage',
      'ec2messages:DeleteMessage',
      'ec2messages:FailMessage',
      'ec2messages:GetEndpoint',
      'ec2messages:GetMessages',
      'ec2messages:SendReply',
      ...AGENT_CHANNELS,
    ],
    resources: ['*'], // The agent's own channels: none of these takes a resource that is known before it runs.
  }),
];
