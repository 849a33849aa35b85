import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { NAMES, STATES, TAGS, keys as objects } from '../tasks/contract.ts';
import { BUILDER } from './role-names.ts';
import { RELEASE_TAG, ec2Arns, ofSomeRelease, taggedAsRelease } from './target-arns.ts';

export interface BakePolicyProps {
  readonly accountId: string;
  /** The regions of the account's targets. */
  readonly regions: readonly string[];
  readonly hubRegion: string;
  readonly bucketName: string;
}

/**
 * What a bake may do: read its own orders, and what Packer's amazon-ebs builder needs, for what carries the tag of a release.
 *  @see https://developer.hashicorp.com/packer/integrations/hashicorp/amazon#iam-task-or-instance-role
 */
export function bakePolicy(props: BakePolicyProps): PolicyStatement[] {
  return [
    ...orders(props),
    ...look(),
    ...builder(props),
    ...connection(props),
    ...ami(props),
    ...keys(props),
    stayInRegions(props),
  ];
}

function orders({ accountId, hubRegion, bucketName }: BakePolicyProps): PolicyStatement[] {
  const bucket = `arn:aws:s3:::${bucketName}`;
  return [
    new PolicyStatement({
      sid: 'WriteLog',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [`arn:aws:logs:${hubRegion}:${accountId}:log-group:/packleader/${NAMES.bakeProject}:*`],
    }),
    new PolicyStatement({
      sid: 'ReadSourceAndOwnPlan',
      actions: ['s3:GetObject'],
      resources: [`${bucket}/sources/*`, `${bucket}/plans/*/${accountId}-*`],
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
      actions: ['secretsmanager:GetSecretValue'],
      resources: [`arn:aws:secretsmanager:*:${accountId}:secret:packleader/*`],
    }),
    new PolicyStatement({
      sid: 'ReadSecretParameters',
      actions: ['ssm:GetParameter'],
      resources: [`arn:aws:ssm:*:${accountId}:parameter/packleader/secrets/*`],
    }),
  ];
}

/** One denial in place of the regions in every ARN: a role's inline policies have at most 10,240 characters in all. */
function stayInRegions({ regions }: BakePolicyProps): PolicyStatement {
  return new PolicyStatement({
    sid: 'StayInRegionsOfTargets',
    effect: Effect.DENY,
    actions: ['ec2:*', 'kms:*', 'secretsmanager:*', 'ssm:*'],
    resources: ['*'], // A denial.
    conditions: { StringNotEquals: { 'aws:RequestedRegion': regions } },
  });
}

function look(): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'Look',
      actions: [
        'ec2:DescribeImages',
        'ec2:DescribeInstanceStatus',
        'ec2:DescribeInstanceTypeOfferings',
        'ec2:DescribeInstances',
        'ec2:DescribeKeyPairs',
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

function builder({ accountId }: BakePolicyProps): PolicyStatement[] {
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
      resources: arns('image', 'key-pair', 'security-group', 'snapshot', 'subnet'),
    }),
    new PolicyStatement({
      sid: 'MakeTemporaryKeyPairAndGroup',
      actions: ['ec2:CreateKeyPair', 'ec2:CreateSecurityGroup'],
      resources: arns('key-pair', 'security-group'),
      conditions: taggedAsRelease,
    }),
    new PolicyStatement({
      sid: 'MakeTemporaryGroupInVpc',
      actions: ['ec2:CreateSecurityGroup'],
      resources: arns('vpc'),
    }),
    new PolicyStatement({
      sid: 'UseAndRemoveBuilder',
      actions: [
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:DeleteKeyPair',
        'ec2:DeleteSecurityGroup',
        'ec2:DeleteVolume',
        'ec2:GetPasswordData',
        'ec2:ModifyInstanceAttribute',
        'ec2:StopInstances',
        'ec2:TerminateInstances',
      ],
      resources: arns('instance', 'key-pair', 'security-group', 'volume'),
      conditions: ofSomeRelease,
    }),
    new PolicyStatement({
      sid: 'FindBuilderProfile',
      actions: ['iam:GetInstanceProfile'],
      resources: [`arn:aws:iam::${accountId}:instance-profile/${BUILDER}*`],
    }),
    new PolicyStatement({
      sid: 'GiveBuilderItsRole',
      actions: ['iam:PassRole'],
      resources: [`arn:aws:iam::${accountId}:role/${BUILDER}*`],
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
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
      conditions: { StringLike: { [`ssm:resourceTag/${RELEASE_TAG}`]: '?*' } },
    }),
    new PolicyStatement({
      sid: 'ConnectByPortForwarding',
      actions: ['ssm:StartSession'],
      resources: ['arn:aws:ssm:*::document/AWS-StartPortForwardingSession'],
    }),
    new PolicyStatement({
      sid: 'EndOwnSession',
      actions: ['ssm:TerminateSession'],
      resources: [`arn:aws:ssm:*:${accountId}:session/\${aws:userid}-*`],
    }),
  ];
}

function ami({ accountId }: BakePolicyProps): PolicyStatement[] {
  const arns = (...kinds: string[]) => ec2Arns(accountId, ...kinds);
  return [
    new PolicyStatement({
      sid: 'MakeAmi',
      actions: ['ec2:CreateImage'],
      resources: arns('image', 'snapshot'),
      conditions: taggedAsRelease,
    }),
    new PolicyStatement({
      sid: 'MakeAmiOfBuilder',
      actions: ['ec2:CreateImage'],
      resources: arns('instance'),
      conditions: ofSomeRelease,
    }),
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
      ),
      conditions: {
        ...taggedAsRelease,
        StringEquals: {
          'ec2:CreateAction': ['CreateImage', 'CreateKeyPair', 'CreateSecurityGroup', 'RunInstances'],
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
      sid: 'FinishOrRemoveCandidate',
      actions: ['ec2:DeleteSnapshot', 'ec2:DeregisterImage', 'ec2:ModifyImageAttribute'],
      resources: arns('image', 'snapshot'),
      conditions: { StringEquals: { [`aws:ResourceTag/${TAGS.state}`]: STATES.candidate } },
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
