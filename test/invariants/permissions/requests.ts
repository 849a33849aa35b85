/**
 * What AWS asks IAM when an operation is called: which actions on which resources, with which condition keys. An operation
 * that is missing here is an error, so a task that calls something new is judged before it is deployed.
 *  @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
import * as z from 'zod';
import type { Call } from '../../../sandbox/sandbox.ts';
import type { Region, Tags } from '../../../sandbox/aws/world.ts';
import { tagsOf } from '../../../sandbox/aws/ec2/tags.ts';
import type { Request } from './evaluate.ts';

const tagListSchema = z.array(z.object({ Key: z.string(), Value: z.string().default('') }));
const inputSchema = z.object({
  Attribute: z.string(),
  Bucket: z.string(),
  DeleteAssociatedSnapshots: z.boolean(),
  /** Of an AMI that exists, EC2 takes it in a map. */
  Description: z.union([z.string(), z.object({ Value: z.string() }).transform(({ Value }) => Value)]),
  DocumentName: z.string(),
  Entries: z.array(
    z.object({ EventBusName: z.string().default('default'), Source: z.string(), DetailType: z.string() }),
  ),
  FunctionName: z.string(),
  GroupId: z.string(),
  ImdsSupport: z.object({ Value: z.string() }),
  Identifier: z.string(),
  IamInstanceProfile: z.object({ Name: z.string() }),
  ImageId: z.string(),
  InstanceId: z.string(),
  /** Where it is set later, EC2 takes it in a map. */
  InstanceInitiatedShutdownBehavior: z.union([
    z.string(),
    z.object({ Value: z.string() }).transform(({ Value }) => Value),
  ]),
  InstanceIds: z.array(z.string()),
  InstanceProfileName: z.string(),
  Key: z.string(),
  LaunchTemplateConfigs: z.array(
    z.object({ LaunchTemplateSpecification: z.object({ LaunchTemplateName: z.string() }) }),
  ),
  LaunchTemplateId: z.string(),
  LaunchTemplateName: z.string(),
  KeyName: z.string(),
  KeyPairId: z.string(),
  MetadataOptions: z.object({ HttpTokens: z.string() }),
  Name: z.string(),
  Names: z.array(z.string()),
  NetworkInterfaceId: z.string(),
  Path: z.string(),
  Prefix: z.string(),
  QueueArn: z.string(),
  ResourceTypes: z.array(z.object({ ResourceType: z.string() })),
  Resources: z.array(z.string()),
  RoleArn: z.string(),
  ExternalId: z.string(),
  SecretId: z.string(),
  SecurityGroupIds: z.array(z.string()),
  SnapshotId: z.string(),
  TopicArn: z.string(),
  TagSpecifications: z.array(z.object({ ResourceType: z.string(), Tags: tagListSchema })),
  TableName: z.string(),
  Tags: tagListSchema,
  VolumeId: z.string(),
  buildspecOverride: z.string(),
  executionArn: z.string(),
  id: z.string(),
  ids: z.array(z.string()),
  projectName: z.string(),
  stateMachineArn: z.string(),
});
const anyInputSchema = inputSchema.partial();
type Input = z.infer<typeof anyInputSchema>;

/** As much of a call as says what IAM is asked for. */
export type AskedCall = Pick<Call, 'accountId' | 'region' | 'operation'> & {
  readonly service: string;
  readonly input: object;
};

/** What there is in the caller's account and region at that moment, as far as IAM asks. */
export interface Things {
  /** Undefined when there is no such thing. */
  readonly tagsOf: (id: string) => Tags | undefined;
  /** By its name or its id. */
  readonly keyPair: (
    name?: string,
    id?: string,
  ) => { readonly keyName: string; readonly tags: Tags } | undefined;
  readonly snapshotsOf: (imageId: string) => readonly string[];
  /** By its id or its name, with what it launches. */
  readonly launchTemplate: (
    id?: string,
    name?: string,
  ) => { readonly launchTemplateId: string; readonly data: object } | undefined;
}

/** In the embedded AWS. */
export const thingsIn = (place: Region): Things => ({
  tagsOf: (id) => tagsOf(place, id),
  keyPair: (name, id) =>
    [...place.keyPairs.values()].find(({ keyName, keyPairId }) => keyName === name || keyPairId === id),
  snapshotsOf: (imageId) => place.images.get(imageId)?.blockDevices.map(({ snapshotId }) => snapshotId) ?? [],
  launchTemplate: (id, name) => {
    const found = [...place.launchTemplates.values()].find(
      (one) => one.launchTemplateId === id || one.name === name,
    );
    return found && { launchTemplateId: found.launchTemplateId, data: found.versions[0]?.data ?? {} };
  },
});

/** A call with what it finds. */
class Asked {
  readonly call: AskedCall;
  readonly input: Input;
  readonly #things: Things;

  constructor(call: AskedCall, things: Things) {
    this.call = call;
    this.input = anyInputSchema.parse(call.input);
    this.#things = things;
  }

  ec2(kind: string, id = '*'): string {
    const owner = kind === 'image' || kind === 'snapshot' ? '' : this.call.accountId;
    return `arn:aws:ec2:${this.call.region}:${owner}:${kind}/${id}`;
  }

  parameter(name = ''): string {
    const owner = name.startsWith('/aws/') ? '' : this.call.accountId;
    return `arn:aws:ssm:${this.call.region}:${owner}:parameter/${name.replace(/^\//, '')}`;
  }

  /** The project of that name, or of the build with that id. */
  project(nameOrBuild = ''): string {
    const [name = ''] = nameOrBuild.split(':');
    return `arn:aws:codebuild:${this.call.region}:${this.call.accountId}:project/${name}`;
  }

  /** On something that exists, with its tags. An absent thing is asked about as if the caller's policy allowed it: AWS says "not found". */
  existing(action: string, kind: string, id = ''): Request[] {
    const tags = this.#things.tagsOf(id);
    if (tags === undefined) return [];
    return [{ action, resource: this.ec2(kind, id), context: tagContext('aws:ResourceTag', tags) }];
  }

  keyPair(action: string): Request[] {
    const { KeyName, KeyPairId } = this.input;
    const found = this.#things.keyPair(KeyName, KeyPairId);
    if (!found) return [];
    const context = tagContext('aws:ResourceTag', found.tags);
    return [{ action, resource: this.ec2('key-pair', found.keyName), context }];
  }

  launchTemplate(action: string, name?: string): Request[] {
    const { LaunchTemplateId, LaunchTemplateName = name } = this.input;
    const found = this.#things.launchTemplate(LaunchTemplateId, LaunchTemplateName);
    return found ? this.existing(action, 'launch-template', found.launchTemplateId) : [];
  }

  /** What EC2 asks IAM for the instance of a fleet, by its launch template. */
  launchedBy(name = ''): Request[] {
    const input = this.#things.launchTemplate(undefined, name)?.data ?? {};
    return requestsOf({ ...this.call, operation: 'RunInstances', input }, this.#things);
  }

  snapshotsOf(imageId = ''): readonly string[] {
    return this.#things.snapshotsOf(imageId);
  }

  /** A new thing with the tags of the call, and the permission to set them while it is made. */
  made(operation: string, kind: string, context: Request['context'] = {}, id = '*'): Request[] {
    const action = `ec2:${operation}`;
    const resource = this.ec2(kind, id);
    const tags = this.input.TagSpecifications?.find(({ ResourceType }) => ResourceType === kind)?.Tags;
    if (!tags) return [{ action, resource, context }];
    const asked = requestTags(tags);
    return [
      { action, resource, context: { ...context, ...asked } },
      { action: 'ec2:CreateTags', resource, context: { ...asked, 'ec2:CreateAction': operation } },
    ];
  }
}

const KINDS: Readonly<Record<string, string>> = {
  ami: 'image',
  eni: 'network-interface',
  i: 'instance',
  lt: 'launch-template',
  key: 'key-pair',
  sg: 'security-group',
  snap: 'snapshot',
  vol: 'volume',
};

const kindOf = (id: string): string => KINDS[id.slice(0, id.indexOf('-'))] ?? id;

const tagContext = (prefix: string, tags: Tags): Record<string, string> =>
  Object.fromEntries([...tags].map(([key, value]) => [`${prefix}/${key}`, value]));

const requestTags = (tags: z.infer<typeof tagListSchema>): Request['context'] => ({
  ...tagContext('aws:RequestTag', new Map(tags.map(({ Key, Value }) => [Key, Value]))),
  'aws:TagKeys': tags.map(({ Key }) => Key),
});

const one = (action: string, resource = '*', context: Request['context'] = {}): Request[] => [
  { action, resource, context },
];

/** On whose behalf EC2 looks for the users of an AMI.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html */
const LOOKED_INTO: Readonly<Record<string, (asked: Asked) => Request[]>> = {
  'ec2:Instance': () => one('ec2:DescribeInstances'),
  'ec2:LaunchTemplate': () => [
    ...one('ec2:DescribeLaunchTemplates'),
    ...one('ec2:DescribeLaunchTemplateVersions'),
  ],
  'ssm:Parameter': (asked) => [
    ...one('ssm:DescribeParameters'),
    ...one('ssm:GetParameters', asked.parameter('any')),
  ],
};

const OPERATIONS: Readonly<Record<string, (asked: Asked) => Request[]>> = {
  'autoscaling:DescribeAutoScalingGroups': () => one('autoscaling:DescribeAutoScalingGroups'),
  'autoscaling:DescribeLaunchConfigurations': () => one('autoscaling:DescribeLaunchConfigurations'),
  'codebuild:BatchGetBuilds': (asked) =>
    (asked.input.ids ?? []).flatMap((id) => one('codebuild:BatchGetBuilds', asked.project(id))),
  'codebuild:ListBuildsForProject': (asked) =>
    one('codebuild:ListBuildsForProject', asked.project(asked.input.projectName)),
  'codebuild:StartBuild': (asked) => {
    const { projectName, buildspecOverride } = asked.input;
    const context =
      buildspecOverride === undefined ? {} : { 'codebuild:source.buildspec': buildspecOverride };
    return one('codebuild:StartBuild', asked.project(projectName), context);
  },
  'codebuild:StopBuild': (asked) => one('codebuild:StopBuild', asked.project(asked.input.id)),
  'dynamodb:PutItem': ({ call, input }) =>
    one('dynamodb:PutItem', `arn:aws:dynamodb:${call.region}:${call.accountId}:table/${input.TableName}`),
  // Of each resource of the launch it asks for CreateFleet and for RunInstances, as Karpenter's policy for its fleets has both.
  'ec2:CreateFleet': (asked) => {
    const name = asked.input.LaunchTemplateConfigs?.[0]?.LaunchTemplateSpecification.LaunchTemplateName;
    const launch = asked.launchedBy(name).filter(({ action }) => action === 'ec2:RunInstances');
    return [
      ...asked.made('CreateFleet', 'fleet'),
      ...asked.launchTemplate('ec2:CreateFleet', name),
      ...asked.launchTemplate('ec2:RunInstances', name),
      ...asked.launchedBy(name),
      ...launch.map(({ resource }) => ({ action: 'ec2:CreateFleet', resource, context: {} })),
      ...one('ec2:RunInstances', asked.ec2('spot-instances-request')),
    ];
  },
  'ec2:CreateLaunchTemplate': (asked) => asked.made('CreateLaunchTemplate', 'launch-template'),
  'ec2:DeleteLaunchTemplate': (asked) => asked.launchTemplate('ec2:DeleteLaunchTemplate'),
  'ec2:AuthorizeSecurityGroupIngress': (asked) =>
    asked.existing('ec2:AuthorizeSecurityGroupIngress', 'security-group', asked.input.GroupId),
  // Of its source, in another account, no tag is seen.
  'ec2:CopyImage': (asked) => [
    ...one('ec2:CopyImage', asked.ec2('image')),
    ...one('ec2:CopyImage', asked.ec2('snapshot')),
    ...asked.made('CopyImage', 'image'),
    ...asked.made('CopyImage', 'snapshot'),
  ],
  'ec2:CreateImage': (asked) => [
    ...asked.existing('ec2:CreateImage', 'instance', asked.input.InstanceId),
    ...asked.made('CreateImage', 'image'),
    ...asked.made('CreateImage', 'snapshot'),
  ],
  'ec2:CreateKeyPair': (asked) => asked.made('CreateKeyPair', 'key-pair', {}, asked.input.KeyName),
  'ec2:CreateSecurityGroup': (asked) => [
    ...asked.made('CreateSecurityGroup', 'security-group'),
    ...one('ec2:CreateSecurityGroup', asked.ec2('vpc')),
  ],
  'ec2:CreateTags': (asked) =>
    (asked.input.Resources ?? [])
      .flatMap((id) => asked.existing('ec2:CreateTags', kindOf(id), id))
      .map((request) => ({
        ...request,
        context: { ...request.context, ...requestTags(asked.input.Tags ?? []) },
      })),
  'ec2:DeleteKeyPair': (asked) => asked.keyPair('ec2:DeleteKeyPair'),
  'ec2:DeleteNetworkInterface': (asked) =>
    asked.existing('ec2:DeleteNetworkInterface', 'network-interface', asked.input.NetworkInterfaceId),
  'ec2:DeleteSecurityGroup': (asked) =>
    asked.existing('ec2:DeleteSecurityGroup', 'security-group', asked.input.GroupId),
  'ec2:DeleteSnapshot': (asked) => asked.existing('ec2:DeleteSnapshot', 'snapshot', asked.input.SnapshotId),
  'ec2:DeleteVolume': (asked) => asked.existing('ec2:DeleteVolume', 'volume', asked.input.VolumeId),
  'ec2:DeregisterImage': (asked) => {
    const { ImageId, DeleteAssociatedSnapshots } = asked.input;
    const snapshots = DeleteAssociatedSnapshots === true ? asked.snapshotsOf(ImageId) : [];
    return [
      ...asked.existing('ec2:DeregisterImage', 'image', ImageId),
      ...snapshots.flatMap((id) => asked.existing('ec2:DeleteSnapshot', 'snapshot', id)),
    ];
  },
  'ec2:DeleteTags': (asked) =>
    (asked.input.Resources ?? [])
      .flatMap((id) => asked.existing('ec2:DeleteTags', kindOf(id), id))
      .map((request) => ({
        ...request,
        context: { ...request.context, 'aws:TagKeys': (asked.input.Tags ?? []).map(({ Key }) => Key) },
      })),
  ...Object.fromEntries(
    ['DisableImage', 'DisableImageDeprecation', 'EnableImage', 'EnableImageDeprecation'].map((operation) => [
      `ec2:${operation}`,
      (asked: Asked) => asked.existing(`ec2:${operation}`, 'image', asked.input.ImageId),
    ]),
  ),
  'ec2:DescribeLaunchTemplateVersions': (asked) => [
    ...one('ec2:DescribeLaunchTemplateVersions'),
    // To resolve what a version names by a parameter.
    ...one('ssm:GetParameters', asked.parameter('any')),
  ],
  'ec2:DescribeImageReferences': (asked) => [
    ...one('ec2:DescribeImageReferences'),
    ...(asked.input.ResourceTypes ?? []).flatMap(({ ResourceType }) => {
      const looks = LOOKED_INTO[ResourceType];
      if (!looks) throw new Error(`requests.ts does not say what EC2 reads to look into ${ResourceType}.`);
      return looks(asked);
    }),
  ],
  'ec2:EnableImageDeprecation': (asked) =>
    asked.existing('ec2:EnableImageDeprecation', 'image', asked.input.ImageId),
  'ec2:DisableImage': (asked) => asked.existing('ec2:DisableImage', 'image', asked.input.ImageId),
  'ec2:EnableImage': (asked) => asked.existing('ec2:EnableImage', 'image', asked.input.ImageId),
  'ec2:ListImagesInRecycleBin': () => one('ec2:ListImagesInRecycleBin'),
  'ec2:ListSnapshotsInRecycleBin': () => one('ec2:ListSnapshotsInRecycleBin'),
  'ec2:RestoreImageFromRecycleBin': (asked) =>
    asked.existing('ec2:RestoreImageFromRecycleBin', 'image', asked.input.ImageId),
  'ec2:RestoreSnapshotFromRecycleBin': (asked) =>
    asked.existing('ec2:RestoreSnapshotFromRecycleBin', 'snapshot', asked.input.SnapshotId),
  'ec2:ModifyImageAttribute': (asked) => {
    const { ImageId, Attribute, Description, ImdsSupport } = asked.input;
    // The key cannot tell launch permissions, unless they are named.
    const attribute = Attribute ?? (Description && 'Description') ?? (ImdsSupport && 'ImdsSupport');
    return asked.existing('ec2:ModifyImageAttribute', 'image', ImageId).map((request) => ({
      ...request,
      context: { ...request.context, ...(attribute !== undefined && { 'ec2:Attribute': attribute }) },
    }));
  },
  ...Object.fromEntries(
    ['DescribeSnapshotAttribute', 'ModifySnapshotAttribute'].map((operation) => [
      `ec2:${operation}`,
      (asked: Asked) => asked.existing(`ec2:${operation}`, 'snapshot', asked.input.SnapshotId),
    ]),
  ),
  'ec2:ModifyInstanceAttribute': (asked) =>
    asked.existing('ec2:ModifyInstanceAttribute', 'instance', asked.input.InstanceId).map((request) => ({
      ...request,
      context: {
        ...request.context,
        ...(asked.input.InstanceInitiatedShutdownBehavior && {
          'ec2:Attribute/InstanceInitiatedShutdownBehavior': asked.input.InstanceInitiatedShutdownBehavior,
        }),
      },
    })),
  'ec2:RunInstances': (asked) => {
    const { ImageId, KeyName, SecurityGroupIds = [], MetadataOptions, IamInstanceProfile } = asked.input;
    const profile = IamInstanceProfile?.Name;
    const tokens = MetadataOptions ? { 'ec2:MetadataHttpTokens': MetadataOptions.HttpTokens } : {};
    // Of an AMI that is not the account's own nothing is known.
    const own = (kind: string, id?: string) => {
      const known = id === undefined ? [] : asked.existing('ec2:RunInstances', kind, id);
      return known.length > 0 ? known : one('ec2:RunInstances', asked.ec2(kind, id));
    };
    const snapshots = asked.snapshotsOf(ImageId);
    return [
      ...own('image', ImageId),
      ...(snapshots.length > 0 ? snapshots.flatMap((id) => own('snapshot', id)) : own('snapshot')),
      ...one('ec2:RunInstances', asked.ec2('subnet')),
      ...(KeyName === undefined ? [] : one('ec2:RunInstances', asked.ec2('key-pair', KeyName))),
      ...SecurityGroupIds.flatMap((id) => own('security-group', id)),
      ...asked.made('RunInstances', 'instance', tokens),
      ...asked.made('RunInstances', 'network-interface'),
      ...asked.made('RunInstances', 'volume'),
      // The roles of our profiles have their names.
      ...(profile === undefined
        ? []
        : one('iam:PassRole', `arn:aws:iam::${asked.call.accountId}:role/${profile}`, {
            'iam:PassedToService': 'ec2.amazonaws.com',
          })),
    ];
  },
  'ec2:StopInstances': (asked) =>
    (asked.input.InstanceIds ?? []).flatMap((id) => asked.existing('ec2:StopInstances', 'instance', id)),
  'ec2:TerminateInstances': (asked) =>
    (asked.input.InstanceIds ?? []).flatMap((id) => asked.existing('ec2:TerminateInstances', 'instance', id)),
  'eventbridge:PutEvents': ({ call, input }) =>
    (input.Entries ?? []).flatMap(({ EventBusName, Source, DetailType }) =>
      one('events:PutEvents', `arn:aws:events:${call.region}:${call.accountId}:event-bus/${EventBusName}`, {
        'events:source': Source,
        'events:detail-type': DetailType,
      }),
    ),
  'iam:GetInstanceProfile': ({ call, input }) =>
    one(
      'iam:GetInstanceProfile',
      `arn:aws:iam::${call.accountId}:instance-profile/${input.InstanceProfileName}`,
    ),
  'lambda:Invoke': ({ input }) => one('lambda:InvokeFunction', input.FunctionName),
  's3:GetBucketAcl': ({ input }) => one('s3:GetBucketAcl', `arn:aws:s3:::${input.Bucket}`),
  's3:GetBucketLocation': ({ input }) => one('s3:GetBucketLocation', `arn:aws:s3:::${input.Bucket}`),
  's3:GetObject': ({ input }) => one('s3:GetObject', `arn:aws:s3:::${input.Bucket}/${input.Key}`),
  's3:HeadObject': ({ input }) => one('s3:GetObject', `arn:aws:s3:::${input.Bucket}/${input.Key}`),
  's3:ListObjectsV2': ({ input }) =>
    one('s3:ListBucket', `arn:aws:s3:::${input.Bucket}`, { 's3:prefix': input.Prefix ?? '' }),
  's3:PutObject': ({ input }) => one('s3:PutObject', `arn:aws:s3:::${input.Bucket}/${input.Key}`),
  // The name of a secret is not the end of its ARN: Secrets Manager adds six characters.
  'secretsmanager:GetSecretValue': ({ call, input }) =>
    one(
      'secretsmanager:GetSecretValue',
      `arn:aws:secretsmanager:${call.region}:${call.accountId}:secret:${input.SecretId}-a1B2c3`,
    ),
  'rbin:ListRules': () => one('rbin:ListRules'),
  'rbin:GetRule': ({ call, input }) =>
    one('rbin:GetRule', `arn:aws:rbin:${call.region}:${call.accountId}:rule/${input.Identifier}`),
  'inspectorscan:ScanSbom': () => one('inspector-scan:ScanSbom'),
  'cloudtrail:LookupEvents': () => one('cloudtrail:LookupEvents'),
  'sfn:DescribeExecution': ({ input }) => one('states:DescribeExecution', input.executionArn),
  'sfn:DescribeStateMachine': ({ input }) => one('states:DescribeStateMachine', input.stateMachineArn),
  'sfn:GetExecutionHistory': ({ input }) => one('states:GetExecutionHistory', input.executionArn),
  'sfn:ListExecutions': ({ input }) => one('states:ListExecutions', input.stateMachineArn),
  'sfn:SendTaskFailure': () => one('states:SendTaskFailure'),
  'sfn:SendTaskSuccess': () => one('states:SendTaskSuccess'),
  'sfn:StartExecution': ({ input }) => one('states:StartExecution', input.stateMachineArn),
  'sfn:StopExecution': ({ input }) => one('states:StopExecution', input.executionArn),
  'sns:Publish': ({ input }) => one('sns:Publish', input.TopicArn),
  'sqs:SendMessage': ({ input }) => one('sqs:SendMessage', input.QueueArn),
  'ssm:DescribeInstanceInformation': () => one('ssm:DescribeInstanceInformation'),
  'ssm:GetCommandInvocation': () => one('ssm:GetCommandInvocation'),
  'ssm:ListCommandInvocations': () => one('ssm:ListCommandInvocations'),
  // Of the document and of each instance, with the tags of the latter under a prefix of its own.
  'ssm:SendCommand': (asked) => [
    ...one('ssm:SendCommand', `arn:aws:ssm:${asked.call.region}::document/${asked.input.DocumentName}`),
    ...(asked.input.InstanceIds ?? [])
      .flatMap((id) => asked.existing('ssm:SendCommand', 'instance', id))
      .map((request) => ({
        ...request,
        context: Object.fromEntries(
          Object.entries(request.context).map(([key, value]) => [
            key.replace('aws:ResourceTag/', 'ssm:resourceTag/'),
            value,
          ]),
        ),
      })),
  ],
  'ssm:DeleteParameter': (asked) => one('ssm:DeleteParameter', asked.parameter(asked.input.Name)),
  'ssm:DescribeParameters': () => one('ssm:DescribeParameters'),
  'ssm:GetParameter': (asked) => one('ssm:GetParameter', asked.parameter(asked.input.Name)),
  'ssm:GetParameterHistory': (asked) => one('ssm:GetParameterHistory', asked.parameter(asked.input.Name)),
  'ssm:GetParameters': (asked) =>
    (asked.input.Names ?? []).flatMap((name) => one('ssm:GetParameters', asked.parameter(name))),
  'ssm:GetParametersByPath': (asked) => one('ssm:GetParametersByPath', asked.parameter(asked.input.Path)),
  // Parameter Store looks whether the AMI exists, with its caller's permissions.
  'ssm:PutParameter': (asked) => [
    ...one('ssm:PutParameter', asked.parameter(asked.input.Name)),
    ...one('ec2:DescribeImages'),
  ],
  // Everybody may know who they are.
  'sts:GetCallerIdentity': () => [],
  'sts:AssumeRole': ({ input }) =>
    one(
      'sts:AssumeRole',
      input.RoleArn,
      input.ExternalId === undefined ? {} : { 'sts:ExternalId': input.ExternalId },
    ),
};

/** What IAM is asked for one call. */
export function requestsOf(call: AskedCall, things: Things): Request[] {
  const operation = `${call.service}:${call.operation}`;
  const everywhere = { 'aws:RequestedRegion': call.region, 'aws:SecureTransport': 'true' };
  // EC2's Describe actions take no resource.
  const asked = operation.startsWith('ec2:Describe')
    ? (OPERATIONS[operation] ?? describes)
    : OPERATIONS[operation];
  if (!asked) throw new Error(`requests.ts does not say what IAM is asked for ${operation}.`);
  return asked(new Asked(call, things)).map((request) => ({
    ...request,
    context: { ...everywhere, ...request.context },
  }));
}

const describes = ({ call }: Asked): Request[] => one(`ec2:${call.operation}`);
