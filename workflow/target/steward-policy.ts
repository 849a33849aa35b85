import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { STATES, TAGS } from '../../core/contract/tags.ts';
import type { Wildcards } from '../constructs/wildcards.ts';
import { shareSnapshots } from './share-snapshots.ts';
import { bakeProjectArn, ec2Arns, NO_LAUNCH_PERMISSION, ofSomeRelease } from './target-arns.ts';

const TAGGED = 'EC2 makes the ids; the statement asks for the tag packleader:release.';

/** Why each pattern is as narrow as it can be. */
export const STEWARD_WILDCARDS: Wildcards = {
  '*': "EC2's Describe actions, and the search for parameters, take no resource; they return no values.",
  ':instance/*': TAGGED,
  ':key-pair/*': TAGGED,
  ':launch-template/*': TAGGED,
  ':network-interface/*': TAGGED,
  ':security-group/*': TAGGED,
  ':volume/*': TAGGED,
  '::image/*': TAGGED,
  '::snapshot/*': TAGGED,
  ':parameter/*':
    'A source AMI may be named by any parameter of the account. Secrets stay closed: nothing can be decrypted.',
  ':parameter/aws/service/*': "AWS's public parameters, which name its AMIs.",
  ':parameter/packleader/*/latest': 'One for each image, whose names come from the factory.',
  ':parameter/packleader/*/versions': 'One for each image, whose names come from the factory.',
  ':parameter/packleader/*/versions/*': 'One for each version of each image.',
};

/**
 * What the hub's tasks may do in a target account; in every region, not only in those of today's targets, because what was
 * released in one that left the list must still be undone.
 */
export function stewardPolicy(
  accountId: string,
  hubRegion: string,
  {
    deprecatesAmis,
    spotBuilders,
    asksApproval,
    retires,
    sharesAmis,
  }: {
    readonly deprecatesAmis: boolean;
    readonly spotBuilders: boolean;
    readonly asksApproval: boolean;
    readonly retires: boolean;
    /** Whether other accounts are let use AMIs, be it for as long as it takes to copy them. */
    readonly sharesAmis: boolean;
  },
): PolicyStatement[] {
  const parameter = (name: string) => `arn:aws:ssm:*:${accountId}:parameter/${name}`;
  // In statements that are there anyway: the template has little room.
  const whereRetired = (...actions: string[]) => (retires ? actions : []);
  return [
    new PolicyStatement({
      sid: 'Look',
      actions: [
        'ec2:DescribeImages',
        'ec2:DescribeInstances',
        'ec2:DescribeKeyPairs',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSnapshots',
        'ec2:DescribeVolumes',
        ...whereRetired(
          'ec2:DescribeTags',
          'ec2:ListImagesInRecycleBin',
          'ec2:ListSnapshotsInRecycleBin',
          'rbin:GetRule',
          'rbin:ListRules',
        ),
      ],
      resources: ['*'], // EC2's Describe and List actions take no resource; a rule of the Recycle Bin has nothing to hide.
    }),
    new PolicyStatement({
      sid: 'LookForUsersOfAnAmi',
      // DescribeImageReferences looks into instances, launch templates and parameters on its caller's behalf.
      actions: [
        'autoscaling:DescribeAutoScalingGroups',
        'autoscaling:DescribeLaunchConfigurations',
        'ec2:DescribeImageAttribute',
        'ec2:DescribeImageReferences',
        'ec2:DescribeLaunchTemplateVersions',
        'ec2:DescribeLaunchTemplates',
        'ssm:DescribeParameters',
      ],
      resources: ['*'], // Neither Describe actions nor this search take a resource.
    }),
    new PolicyStatement({
      sid: 'RemoveBuilders',
      actions: [
        'ec2:DeleteKeyPair',
        'ec2:DeleteNetworkInterface',
        'ec2:DeleteSecurityGroup',
        'ec2:DeleteVolume',
        'ec2:TerminateInstances',
      ],
      resources: ec2Arns(accountId, 'instance', 'key-pair', 'network-interface', 'security-group', 'volume'),
      conditions: ofSomeRelease,
    }),
    ...(spotBuilders
      ? [
          new PolicyStatement({
            sid: 'RemoveLaunchTemplates',
            actions: ['ec2:DeleteLaunchTemplate'],
            resources: ec2Arns(accountId, 'launch-template'),
            conditions: ofSomeRelease,
          }),
        ]
      : []),
    new PolicyStatement({
      sid: 'RemoveAmis',
      actions: [
        'ec2:DeleteSnapshot',
        'ec2:DeregisterImage',
        // It also brings back what it has removed, with the deprecation that was planned before.
        ...whereRetired(
          'ec2:DisableImageDeprecation',
          'ec2:EnableImageDeprecation',
          'ec2:RestoreImageFromRecycleBin',
          'ec2:RestoreSnapshotFromRecycleBin',
        ),
      ],
      resources: ec2Arns(accountId, 'image', 'snapshot'),
      conditions: ofSomeRelease,
    }),
    new PolicyStatement({
      sid: 'TagAmis',
      actions: ['ec2:CreateTags'],
      resources: ec2Arns(accountId, 'image', 'snapshot'),
      // The tags that say what an AMI is and where it came from are never written twice.
      conditions: {
        ...ofSomeRelease,
        'ForAllValues:StringEquals': {
          'aws:TagKeys': [
            TAGS.state,
            TAGS.versionOnceReleased,
            TAGS.quarantine,
            ...(asksApproval ? [TAGS.approved] : []),
          ],
        },
      },
    }),
    ...(deprecatesAmis
      ? [
          new PolicyStatement({
            sid: 'DeprecateAmis',
            actions: ['ec2:EnableImageDeprecation'],
            resources: ec2Arns(accountId, 'image'),
            conditions: ofSomeRelease,
          }),
        ]
      : []),
    new PolicyStatement({
      // A revocation may disable what it has marked, and nothing else: what is retired has a condition of its own.
      sid: 'DisableAmis',
      actions: ['ec2:DisableImage'],
      resources: ec2Arns(accountId, 'image'),
      conditions: {
        ...ofSomeRelease,
        StringEquals: { [`aws:ResourceTag/${TAGS.state}`]: STATES.revoked },
      },
    }),
    new PolicyStatement({
      // EC2 drops the launch permissions of what is disabled; a restoration puts them back.
      sid: 'EnableAmis',
      actions: ['ec2:EnableImage', 'ec2:ModifyImageAttribute'],
      resources: ec2Arns(accountId, 'image'),
      conditions: { ...ofSomeRelease, StringNotEquals: NO_LAUNCH_PERMISSION },
    }),
    // The launch permissions of the AMI itself: EnableAmis.
    ...(sharesAmis ? [shareSnapshots(accountId)] : []),
    new PolicyStatement({
      sid: 'ReadParameters',
      actions: ['ssm:GetParameter', 'ssm:GetParameters'],
      // A source AMI may come from any public parameter, or from any of the account's own.
      resources: [parameter('*'), 'arn:aws:ssm:*::parameter/aws/service/*'],
    }),
    new PolicyStatement({
      sid: 'ReadNoSecrets',
      effect: Effect.DENY,
      // Whatever Parameter Store keeps secret is encrypted; even AWS's own key for it admits everyone who may read parameters.
      actions: ['kms:*'],
      resources: ['*'], // A denial.
    }),
    new PolicyStatement({
      sid: 'KeepOffSecrets',
      effect: Effect.DENY,
      actions: ['ssm:*'],
      resources: [parameter('packleader/secrets/*')],
    }),
    new PolicyStatement({
      sid: 'Publish',
      actions: [
        'ssm:DeleteParameter',
        'ssm:GetParameterHistory',
        'ssm:GetParametersByPath',
        'ssm:PutParameter',
      ],
      resources: [
        parameter('packleader/*/latest'),
        parameter('packleader/*/versions'),
        parameter('packleader/*/versions/*'),
      ],
    }),
    new PolicyStatement({
      sid: 'StopBuilds',
      actions: ['codebuild:BatchGetBuilds', 'codebuild:ListBuildsForProject', 'codebuild:StopBuild'],
      resources: [bakeProjectArn(accountId, hubRegion)],
    }),
  ];
}
