import { type Conditions, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { keys as objects } from '../../core/contract/keys.ts';
import { NAMES } from '../../core/contract/names.ts';
import { STATES, TAGS } from '../../core/contract/tags.ts';
import type { Target } from '../../core/contract/targets.ts';
import type { Wildcards } from '../constructs/wildcards.ts';
import { throughBucket } from '../constructs/bucket-key.ts';
import { ec2Arns, NO_LAUNCH_PERMISSION, ofSomeRelease, RELEASE_TAG, taggedAsRelease } from './target-arns.ts';

export interface BakePolicyProps {
  readonly accountId: string;
  /** The regions of the account's targets. */
  readonly regions: readonly string[];
  readonly hub: Target;
  readonly bucketName: string;
  /** Whether the bucket is encrypted with the hub's own key. */
  readonly bucketHasKey: boolean;
  /** Whether a builder may be a Spot Instance. */
  readonly spotBuilders: boolean;
  /** Whether the builder of a bake that failed may be kept. */
  readonly keepBuilders: boolean;
  /** Whether CodeBuild reads the token for plugins, in the hub's region, before the bake begins. */
  readonly readsPluginToken: boolean;
  /** Whether it downloads what it needs from the hub's bucket. */
  readonly readsTools: boolean;
}

const IDS = 'EC2 makes the ids, and a template chooses the region; ';

/** Why each pattern is as narrow as it can be. */
export const BAKE_WILDCARDS: Wildcards = {
  '*': "EC2's Describe actions take no resource.",
  ':instance/*': `${IDS}every statement asks for the tag packleader:release, on the request or on the instance.`,
  ':volume/*': `${IDS}every statement asks for the tag packleader:release.`,
  ':network-interface/*': `${IDS}every statement asks for the tag packleader:release.`,
  ':fleet/*': `${IDS}made only with the tag packleader:release.`,
  ':launch-template/*': `${IDS}made, used and deleted only with the tag packleader:release.`,
  ':spot-instances-request/*': `${IDS}one comes with the builder, which has the tag packleader:release.`,
  ':key-pair/*': `${IDS}made and deleted only with the tag packleader:release; a launch may name any, which gives nobody a key.`,
  ':security-group/*': `${IDS}made, opened and deleted only with the tag packleader:release; a launch may name the team's own.`,
  ':subnet/*': 'The layers of the configuration name the subnet; a launch changes nothing about it.',
  ':vpc/*':
    'The layers of the configuration name the VPC; what is made in it carries the tag packleader:release.',
  '::image/*': `${IDS}an AMI is made, changed and removed only with the tag packleader:release; the source AMI is pinned by the plan.`,
  '::snapshot/*': `${IDS}the account's own are used, changed and removed only with the tag packleader:release.`,
  'instance-profile/packleader-builder*': 'An account may have several builders; their names begin alike.',
  'role/packleader-builder*':
    'An account may have several builders; their names begin alike, and only EC2 gets them.',
  ':key/*':
    'The layers of the configuration name the key, whose policy must admit this role; only through EC2, SSM, Secrets Manager or, in the hub, the bucket.',
  '/*': 'The records of this account, each below the id of its build.',
  ':log-group:/packleader/packleader-bake:*': 'The streams of its one log group.',
  '/sources/*': 'A source has the name of its commit.',
  '/tools/*': 'What a bake downloads has the name of its SHA-256, which its project pins.',
  '-*': 'The plans for this account, whatever the release; or its own sessions, whose ids Session Manager makes.',
  ':secret:packleader/*': 'Secrets for bakes are named below this, and nothing else is.',
  ':parameter/packleader/secrets/*': 'Secrets for bakes are named below this, and nothing else is.',
  ':document/AWS-StartPortForwardingSession': "AWS's own document; a template chooses the region.",
};

/**
 * What a bake may do: read its own orders, and what Packer's amazon-ebs builder needs, for what carries the tag of a release.
 *  @see https://developer.hashicorp.com/packer/integrations/hashicorp/amazon#iam-task-or-instance-role
 */
export function bakePolicy(props: BakePolicyProps): PolicyStatement[] {
  return [
    ...orders(props),
    ...look(props),
    ...builder(props),
    ...(props.spotBuilders ? spotBuilder(props) : []),
    ...(props.keepBuilders ? keptBuilder(props) : []),
    ...connection(props),
    ...ami(props),
    ...keys(props),
    ...stayInRegions(props),
  ];
}

function orders({
  accountId,
  hub,
  bucketName,
  bucketHasKey,
  readsTools,
}: BakePolicyProps): PolicyStatement[] {
  const bucket = `arn:aws:s3:::${bucketName}`;
  return [
    new PolicyStatement({
      sid: 'WriteLog',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [`arn:aws:logs:${hub.region}:${accountId}:log-group:/packleader/${NAMES.bakeProject}:*`],
    }),
    new PolicyStatement({
      sid: 'ReadSourceAndOwnPlan',
      actions: ['s3:GetObject'],
      resources: [
        `${bucket}/sources/*`,
        `${bucket}/plans/*/${accountId}-*`,
        ...(readsTools ? [`${bucket}/${objects.tools}*`] : []),
      ],
    }),
    new PolicyStatement({
      sid: 'WriteRecord',
      actions: ['s3:PutObject'],
      resources: [`${bucket}/${objects.bakes(accountId)}/*`],
    }),
    new PolicyStatement({
      sid: 'FindBucketOfRecord',
      actions: ['s3:GetBucketAcl', 's3:GetBucketLocation'], // CodeBuild's own, before it uploads.
      resources: [bucket],
    }),
    new PolicyStatement({
      sid: 'ReadSecrets',
      actions: ['secretsmanager:GetSecretValue', 'ssm:GetParameter'],
      resources: [
        `arn:aws:secretsmanager:*:${accountId}:secret:packleader/*`,
        `arn:aws:ssm:*:${accountId}:parameter/packleader/secrets/*`,
      ],
    }),
    ...(bucketHasKey
      ? [
          new PolicyStatement({
            sid: 'DecryptOrdersEncryptRecord',
            actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
            // The key's id is not known here; it is used for the hub's bucket alone.
            resources: [`arn:aws:kms:${hub.region}:${hub.accountId}:key/*`],
            conditions: { StringEquals: throughBucket(bucketName, hub.region) },
          }),
        ]
      : []),
  ];
}

/** Denials in place of the regions in every ARN: a role's inline policies have at most 10,240 characters in all. */
function stayInRegions(props: BakePolicyProps): PolicyStatement[] {
  const { regions, hub, bucketHasKey, readsPluginToken } = props;
  const outside = { StringNotEquals: { 'aws:RequestedRegion': regions } };
  const deny = (sid: string, actions: string[], conditions: Conditions) =>
    // A denial, so it may well be of everything.
    new PolicyStatement({ sid, effect: Effect.DENY, actions, resources: ['*'], conditions });
  const alsoInHub = [
    ...(readsPluginToken ? ['secretsmanager:*'] : []),
    // Of the bucket, and of the token.
    ...(bucketHasKey || readsPluginToken ? ['kms:*'] : []),
  ];
  const actions = ['ec2:*', 'secretsmanager:*', 'ssm:*', 'kms:*'];
  const inTargets = deny(
    'StayInRegionsOfTargets',
    actions.filter((action) => !alsoInHub.includes(action)),
    outside,
  );
  if (alsoInHub.length === 0) return [inTargets];
  return [
    inTargets,
    deny('StayInRegionsOfKeys', alsoInHub, {
      ...outside,
      // And not where the hub is; the same operator would hold one list only, which may be a parameter.
      StringNotEqualsIgnoreCase: { 'aws:RequestedRegion': hub.region },
    }),
  ];
}

function look({ spotBuilders }: BakePolicyProps): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'Look',
      actions: [
        'ec2:DescribeImages',
        'ec2:DescribeInstanceStatus',
        'ec2:DescribeInstanceTypeOfferings',
        'ec2:DescribeInstances',
        'ec2:DescribeKeyPairs',
        ...(spotBuilders ? ['ec2:DescribeLaunchTemplates'] : []),
        'ec2:DescribeRegions',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSnapshots',
        'ec2:DescribeSubnets',
        'ec2:DescribeTags',
        'ec2:DescribeVolumes',
        'ec2:DescribeVpcs',
      ],
      resources: ['*'], // EC2's Describe actions take no resource.
    }),
  ];
}

function builder({ accountId, spotBuilders }: BakePolicyProps): PolicyStatement[] {
  const onSpot = (...all: string[]) => (spotBuilders ? all : []);
  const arns = (...kinds: string[]) => ec2Arns(accountId, ...kinds);
  return [
    new PolicyStatement({
      sid: 'LaunchBuilder',
      actions: ['ec2:RunInstances'],
      resources: arns('instance'),
      conditions: { ...taggedAsRelease, StringEquals: { 'ec2:MetadataHttpTokens': 'required' } },
    }),
    new PolicyStatement({
      sid: 'LaunchTagged',
      actions: ['ec2:RunInstances'],
      resources: arns('network-interface', 'volume'),
      conditions: taggedAsRelease,
    }),
    new PolicyStatement({
      sid: 'LaunchFrom',
      actions: ['ec2:RunInstances'],
      resources: arns('image', 'key-pair', 'security-group', 'subnet', ...onSpot('spot-instances-request')),
    }),
    new PolicyStatement({
      sid: 'LaunchFromOthers',
      actions: ['ec2:RunInstances'],
      resources: arns('snapshot'),
      // Else a template could attach any disk of the account to its builder, and read it.
      conditions: { StringNotEquals: { 'ec2:Owner': accountId } },
    }),
    new PolicyStatement({
      sid: 'LaunchFromOwn',
      actions: [...onSpot('ec2:CreateFleet', 'ec2:DeleteLaunchTemplate'), 'ec2:RunInstances'],
      resources: arns(...onSpot('launch-template'), 'snapshot'),
      conditions: ofSomeRelease,
    }),
    new PolicyStatement({
      // In one statement, because a role's inline policies have at most 10,240 characters: each action makes some of these kinds.
      sid: 'MakeTagged',
      actions: [
        ...onSpot('ec2:CreateFleet'),
        'ec2:CreateImage',
        'ec2:CreateKeyPair',
        ...onSpot('ec2:CreateLaunchTemplate'),
        'ec2:CreateSecurityGroup',
      ],
      resources: arns(
        ...onSpot('fleet'),
        'image',
        'key-pair',
        ...onSpot('launch-template'),
        'security-group',
        'snapshot',
      ),
      conditions: taggedAsRelease,
    }),
    new PolicyStatement({
      sid: 'MakeGroupInVpc',
      actions: ['ec2:CreateSecurityGroup'],
      resources: arns('vpc'),
    }),
    new PolicyStatement({
      sid: 'UseAndRemoveBuilder',
      actions: [
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:CreateImage',
        'ec2:DeleteKeyPair',
        'ec2:DeleteSecurityGroup',
        'ec2:DeleteVolume',
        'ec2:GetPasswordData',
        'ec2:StopInstances',
        'ec2:TerminateInstances',
      ],
      resources: arns('instance', 'key-pair', 'security-group', 'volume'),
      conditions: ofSomeRelease,
    }),
    new PolicyStatement({
      sid: 'FindBuilderProfile',
      actions: ['iam:GetInstanceProfile'],
      resources: [`arn:aws:iam::${accountId}:instance-profile/${NAMES.builder}*`],
    }),
    new PolicyStatement({
      sid: 'GiveBuilderItsRole',
      actions: ['iam:PassRole'],
      resources: [`arn:aws:iam::${accountId}:role/${NAMES.builder}*`],
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    }),
  ];
}

/**
 * Packer asks a fleet for a Spot Instance, by a launch template that it makes and deletes. EC2 launches it with the permissions of who
 * made the fleet, and Packer tags what it got once more.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-fleet-prerequisites.html
 */
function spotBuilder({ accountId }: BakePolicyProps): PolicyStatement[] {
  const arns = (...kinds: string[]) => ec2Arns(accountId, ...kinds);
  return [
    new PolicyStatement({
      sid: 'FleetOfBuilder',
      actions: ['ec2:CreateFleet'],
      // What is launched is for RunInstances to allow.
      resources: arns(
        'image',
        'instance',
        'key-pair',
        'network-interface',
        'security-group',
        'snapshot',
        'subnet',
        'volume',
      ),
    }),
    new PolicyStatement({
      sid: 'TagSpotRequest',
      actions: ['ec2:CreateTags'],
      resources: arns('spot-instances-request'),
      conditions: taggedAsRelease,
    }),
    new PolicyStatement({
      sid: 'TagSpotBuilderAgain',
      actions: ['ec2:CreateTags'],
      resources: arns('instance', 'volume'),
      conditions: {
        StringEquals: { [`aws:ResourceTag/${RELEASE_TAG}`]: `\${aws:RequestTag/${RELEASE_TAG}}` },
      },
    }),
    new PolicyStatement({
      sid: 'LetEc2HaveItsSpotRole',
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [
        `arn:aws:iam::${accountId}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot`,
      ],
      conditions: { StringEquals: { 'iam:AWSServiceName': 'spot.amazonaws.com' } },
    }),
  ];
}

/** A builder that is kept says so by a tag, and goes when it shuts itself down. */
function keptBuilder({ accountId }: BakePolicyProps): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'KeepBuilder',
      actions: ['ec2:CreateTags'],
      resources: ec2Arns(accountId, 'instance'),
      conditions: { ...ofSomeRelease, 'ForAllValues:StringEquals': { 'aws:TagKeys': [TAGS.keptUntil] } },
    }),
    new PolicyStatement({
      sid: 'LetKeptBuilderEnd',
      actions: ['ec2:ModifyInstanceAttribute'],
      resources: ec2Arns(accountId, 'instance'),
      conditions: {
        ...ofSomeRelease,
        StringEquals: { 'ec2:Attribute/InstanceInitiatedShutdownBehavior': 'terminate' },
      },
    }),
  ];
}

/** Session Manager: no port of a builder is open to anyone. */
function connection({ accountId }: BakePolicyProps): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'ConnectToBuilder',
      actions: ['ssm:StartSession'],
      resources: ec2Arns(accountId, 'instance'),
      // Without the check, who names no document gets a shell, and needs no permission for the document of that.
      conditions: {
        StringLike: { [`ssm:resourceTag/${RELEASE_TAG}`]: '?*' },
        BoolIfExists: { 'ssm:SessionDocumentAccessCheck': 'true' },
      },
    }),
    new PolicyStatement({
      sid: 'ForwardPorts',
      actions: ['ssm:StartSession', 'ssm:TerminateSession'],
      // What is started is a document, what is ended a session.
      resources: [
        'arn:aws:ssm:*::document/AWS-StartPortForwardingSession',
        `arn:aws:ssm:*:${accountId}:session/\${aws:userid}-*`,
      ],
    }),
  ];
}

function ami({ accountId, spotBuilders }: BakePolicyProps): PolicyStatement[] {
  const onSpot = (...all: string[]) => (spotBuilders ? all : []);
  const arns = (...kinds: string[]) => ec2Arns(accountId, ...kinds);
  return [
    new PolicyStatement({
      sid: 'TagWhatIsMade',
      actions: ['ec2:CreateTags'],
      resources: arns(
        'image',
        'instance',
        'key-pair',
        'network-interface',
        'security-group',
        'snapshot',
        'volume',
        ...onSpot('fleet', 'launch-template'),
      ),
      conditions: {
        ...taggedAsRelease,
        StringEquals: {
          'ec2:CreateAction': [
            'CreateImage',
            'CreateKeyPair',
            'CreateSecurityGroup',
            'RunInstances',
            ...onSpot('CreateFleet', 'CreateLaunchTemplate'),
          ],
        },
      },
    }),
    new PolicyStatement({
      sid: 'TagCandidateAgain',
      actions: ['ec2:CreateTags'],
      resources: arns('image', 'snapshot'),
      // Packer tags AMI and snapshots once more at its end. A bake can neither move an AMI to another release nor release it.
      conditions: {
        StringEquals: {
          [`aws:ResourceTag/${RELEASE_TAG}`]: `\${aws:RequestTag/${RELEASE_TAG}}`,
          [`aws:ResourceTag/${TAGS.state}`]: STATES.candidate,
          [`aws:RequestTag/${TAGS.state}`]: STATES.candidate,
        },
      },
    }),
    new PolicyStatement({
      sid: 'FinishCandidate',
      actions: ['ec2:DeleteSnapshot', 'ec2:DeregisterImage', 'ec2:ModifyImageAttribute'],
      resources: arns('image', 'snapshot'),
      conditions: { ...ofSomeRelease, StringEquals: { [`aws:ResourceTag/${TAGS.state}`]: STATES.candidate } },
    }),
    new PolicyStatement({
      sid: 'NeverShare',
      effect: Effect.DENY,
      actions: ['ec2:ModifyImageAttribute'],
      resources: ['*'], // A denial.
      conditions: { StringNotEquals: NO_LAUNCH_PERMISSION },
    }),
  ];
}

/** Only when one of these services asks on the bake's behalf. */
const via = (...services: string[]) => ({
  StringLike: { 'kms:ViaService': services.map((service) => `${service}.*.amazonaws.com`) },
});

function keys({ accountId }: BakePolicyProps): PolicyStatement[] {
  const resources = [`arn:aws:kms:*:${accountId}:key/*`];
  return [
    new PolicyStatement({
      sid: 'EncryptVolumes',
      actions: [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      resources,
      conditions: via('ec2'),
    }),
    new PolicyStatement({
      sid: 'LetEbsUseTheKey',
      actions: ['kms:CreateGrant'],
      resources,
      conditions: { ...via('ec2'), Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
    new PolicyStatement({
      sid: 'DecryptSecrets',
      actions: ['kms:Decrypt'],
      resources,
      conditions: via('secretsmanager', 'ssm'),
    }),
  ];
}
