import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { ArnPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Factory } from '../tasks/configuration/factory.ts';
import { NAMES, keys, roleArn } from '../tasks/contract.ts';
import { FetchSourceProject } from './fetch-source-project.ts';
import { StateMachines } from './state-machines.ts';
import { TaskFunctions } from './task-functions.ts';
import { Triggers } from './triggers.ts';

export interface HubStackProps extends StackProps {
  readonly factory: Factory;
  /** The name of the secret that holds a token for a private repository with an https URL; default: it is public. */
  readonly repositoryTokenSecret?: string;
  /** The name of the secret that GitHub, GitLab or Bitbucket sign with; default: there is no webhook. */
  readonly webhookSecret?: string;
}

/** What stands once per organisation: the state machines, their tasks, the bucket, the project that fetches the source. */
export class HubStack extends Stack {
  constructor(scope: Construct, id: string, props: HubStackProps) {
    super(scope, id, props);
    const { factory, repositoryTokenSecret, webhookSecret } = props;
    const accountIds = accountsOf(factory);
    const bucket = new Bucket(this, 'Bucket', {
      bucketName: bucketName(factory),
      versioned: true,
      enforceSSL: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    letBakesUse(bucket, accountIds);
    const functions = new TaskFunctions(this, 'Tasks');
    functions.mayUse(bucket);
    functions.mayAssumeStewards(accountIds);
    const { repository, defaultBranch } = factory;
    const project = new FetchSourceProject(this, 'FetchSource', {
      bucket,
      repository,
      defaultBranch,
      ...(repositoryTokenSecret !== undefined && { repositoryTokenSecret }),
    });
    new StateMachines(this, 'StateMachines', {
      stages: factory.stages.map(({ name }) => name),
      defaultBranch: factory.defaultBranch,
      functionOf: (file) => functions.of(file),
      bucket: bucketName(factory),
      accountIds,
      fetchSourceProjectArn: project.projectArn,
    });
    new Triggers(this, 'Triggers', {
      factory,
      bucket,
      accountIds,
      ...(webhookSecret !== undefined && { webhookSecret }),
    });
  }
}

export function bucketName({ hub }: Factory): string {
  return `packleader-${hub.accountId}-${hub.region}`;
}

export function accountsOf(factory: Factory): string[] {
  return [...new Set(factory.stages.flatMap(({ targets }) => targets.map(({ accountId }) => accountId)))];
}

/** Each account's bake role reads the source and its own plans, writes its own records, and touches nothing of another account. */
function letBakesUse(bucket: Bucket, accountIds: readonly string[]): void {
  // An account by its id and nothing else: with ARNs the policy would outgrow its 20 KB at a hundred accounts.
  const principals = accountIds.map((accountId) => new ArnPrincipal(accountId));
  const isBake = { ArnLike: { 'aws:PrincipalArn': roleArn('*', NAMES.bakeRole) } };
  const ownPlans = 'plans/*/${aws:PrincipalAccount}-*';
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'BakesRead',
      principals,
      actions: ['s3:GetObject'],
      resources: [bucket.arnForObjects('sources/*'), bucket.arnForObjects(ownPlans)],
      conditions: isBake,
    }),
  );
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'BakesWriteRecords',
      principals,
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects(`${keys.bakes('${aws:PrincipalAccount}')}/*`)],
      conditions: isBake,
    }),
  );
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'BakesFindTheBucket',
      principals,
      actions: ['s3:GetBucketAcl', 's3:GetBucketLocation'],
      resources: [bucket.bucketArn],
      conditions: isBake,
    }),
  );
}
