import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { type EventPattern, Match, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Factory } from '../../../core/configuration/factory.ts';
import { codeCommitRepository } from '../../../core/configuration/repository-url.ts';
import { TRIGGER_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import { type FailedTriggers, handOver, keepFailures } from '../failed-triggers.ts';
import { HubFunction } from '../hub-function.ts';
import type { TargetRoles } from '../target-roles.ts';
import { keyStatements } from '../../constructs/bucket-key.ts';
import { SCHEDULED_REBUILD, triggerRole } from '../../constructs/role-names.ts';
import { Schedules } from './schedules.ts';
import type { Wildcards } from '../../constructs/wildcards.ts';

export interface TriggersProps {
  readonly factory: Factory;
  readonly bucket: Bucket;
  /** The steward of every target account, to look for newer source AMIs. */
  readonly stewards: TargetRoles;
  /** The name of the secret that the webhook's requests are signed with; default: there is no webhook. */
  readonly webhookSecret?: string;
  /** Where goes what could not be handed over, or failed. */
  readonly failed: FailedTriggers;
  /** Encrypts the deliveries. Default: keys of AWS's do. */
  readonly key?: Key;
}

/**
 * GitHub gives up after 10 seconds.
 *  @see https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
 */
const WEBHOOK_TIMEOUT = Duration.seconds(8);

/** Anybody on the internet may call the webhook; more than this at the same time are turned away by Lambda. */
const WEBHOOK_CONCURRENCY = 10;

const WILDCARDS: Wildcards = {
  '*': 'X-Ray has no resources.',
  '/released/*': 'One record for each version of each image.',
  [parameters.resumed('*')]:
    'One parameter for each image; new ones come with a commit, not with a deployment.',
};

/** What starts releases by itself: pushes and schedules. */
export class Triggers extends Construct {
  readonly #failed: FailedTriggers;
  readonly #releaseMachine: string;

  constructor(scope: Construct, id: string, props: TriggersProps) {
    super(scope, id);
    const { factory, webhookSecret, key } = props;
    const { account, region } = Stack.of(this);
    this.#releaseMachine = `arn:aws:states:${region}:${account}:stateMachine:${NAMES.releaseMachine}`;
    this.#failed = props.failed;
    const branches = factory.pushBranches ?? [factory.defaultBranch];
    this.#startOnPush(factory, branches);
    if (webhookSecret !== undefined) this.#listen(factory, branches, webhookSecret, key);
    new Schedules(this, 'Schedules', {
      images: factory.images,
      rebuild: this.#rebuild(props),
      failed: this.#failed,
    });
  }

  #startOnPush({ repository }: Factory, branches: readonly string[]): void {
    const start = this.#trigger('start-release', Duration.seconds(30));
    this.#mayStartReleases(start, [parameters.triggers]);
    this.#on('git-push', start, { source: [NAMES.eventSource], detailType: [NAMES.gitPush] });
    const { account, region } = Stack.of(this);
    const codeCommit = codeCommitRepository(repository, { region });
    // CodeCommit tells only its own region.
    if (codeCommit?.region !== region) return;
    this.#on('code-commit', start, {
      source: ['aws.codecommit'],
      detailType: ['CodeCommit Repository State Change'],
      resources: [`arn:aws:codecommit:${region}:${account}:${codeCommit.name}`],
      detail: {
        event: ['referenceCreated', 'referenceUpdated'],
        referenceType: ['branch'],
        referenceName: branches.flatMap((branch) =>
          // EventBridge refuses two asterisks in a row.
          branch.includes('*') ? Match.wildcard(branch.replaceAll(/\*+/g, '*')) : [branch],
        ),
      },
    });
  }

  #listen({ repository }: Factory, branches: readonly string[], secret: string, key: Key | undefined): void {
    const { account, region } = Stack.of(this);
    const deliveries = new Table(this, 'Deliveries', {
      tableName: NAMES.deliveriesTable,
      partitionKey: { name: 'delivery', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(key && { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: key }),
      // It remembers what has been dealt with, and nothing that a backup could bring back.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(deliveries).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason:
        'What it forgets costs nothing: an execution of the same name is refused for 90 days, and an older commit releases nothing.',
    });
    const webhook = this.#trigger('git-push', WEBHOOK_TIMEOUT, {
      reservedConcurrentExecutions: WEBHOOK_CONCURRENCY,
      environment: {
        [TRIGGER_ENVIRONMENT.webhookSecret]: secret,
        [TRIGGER_ENVIRONMENT.repository]: repository,
        [TRIGGER_ENVIRONMENT.branches]: JSON.stringify(branches),
      },
    });
    webhook.addToRolePolicy(
      new PolicyStatement({
        sid: 'ReadSecret',
        actions: ['secretsmanager:GetSecretValue'],
        // Secrets Manager ends every ARN with six characters of its own.
        resources: [`arn:aws:secretsmanager:${region}:${account}:secret:${secret}-??????`],
      }),
    );
    webhook.addToRolePolicy(
      new PolicyStatement({
        sid: 'RememberDeliveries',
        actions: ['dynamodb:PutItem'],
        resources: [deliveries.tableArn],
      }),
    );
    if (key) webhook.addToRolePolicy(useOfTable(key, region));
    webhook.addToRolePolicy(
      new PolicyStatement({
        sid: 'TellOfPushes',
        actions: ['events:PutEvents'],
        resources: [`arn:aws:events:${region}:${account}:event-bus/default`],
        conditions: {
          StringEquals: { 'events:source': NAMES.eventSource, 'events:detail-type': NAMES.gitPush },
        },
      }),
    );
    // Providers cannot sign with AWS credentials: the function itself judges every request by its signature.
    const { url } = webhook.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
    const output = new CfnOutput(this, 'WebhookUrl', {
      value: url,
      description: 'Where GitHub, GitLab or Bitbucket push to.',
    });
    // As the documentation calls it; CDK would put before it where it is, and a hash behind.
    output.overrideLogicalId('WebhookUrl');
  }

  #rebuild({ bucket, stewards }: TriggersProps): HubFunction {
    const rebuild = this.#trigger(SCHEDULED_REBUILD, Duration.minutes(5), {
      environment: { [TRIGGER_ENVIRONMENT.bucket]: bucket.bucketName },
    });
    this.#mayStartReleases(rebuild, [parameters.triggers, parameters.resumed('*')]);
    rebuild.addToRolePolicy(
      new PolicyStatement({
        sid: 'CountFailures',
        actions: ['states:ListExecutions'],
        resources: [this.#releaseMachine],
      }),
    );
    rebuild.addToRolePolicy(
      new PolicyStatement({
        sid: 'ReadReleases',
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects('released/*')],
      }),
    );
    for (const statement of keyStatements(bucket, 'read')) rebuild.addToRolePolicy(statement);
    rebuild.addToRolePolicy(
      new PolicyStatement({
        sid: 'FindReleases',
        actions: ['s3:ListBucket'],
        resources: [bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': 'released/*' } },
      }),
    );
    stewards.letAssume(rebuild);
    return rebuild;
  }

  #trigger(
    file: string,
    timeout: Duration,
    more: { reservedConcurrentExecutions?: number; environment?: Record<string, string> } = {},
  ): HubFunction {
    return new HubFunction(this, file, {
      file: `triggers/${file}`,
      functionName: `packleader-${file}`,
      roleName: triggerRole(file),
      description: `The trigger ${file} of packleader.`,
      timeout,
      wildcards: WILDCARDS,
      ...more,
    });
  }

  /** It, and nothing else, may start releases, unless somebody has switched triggers off. */
  #mayStartReleases(trigger: HubFunction, switches: readonly string[]): void {
    const { account, region } = Stack.of(this);
    trigger.addEnvironment(TRIGGER_ENVIRONMENT.releaseMachine, this.#releaseMachine);
    trigger.addToRolePolicy(
      new PolicyStatement({
        sid: 'StartReleases',
        actions: ['states:StartExecution'],
        resources: [this.#releaseMachine],
      }),
    );
    trigger.addToRolePolicy(
      new PolicyStatement({
        sid: 'ReadSwitches',
        actions: ['ssm:GetParameter'],
        resources: switches.map((name) => `arn:aws:ssm:${region}:${account}:parameter${name}`),
      }),
    );
    keepFailures(trigger, this.#failed);
  }

  #on(name: string, start: HubFunction, eventPattern: EventPattern): void {
    new Rule(this, `on-${name}`, {
      ruleName: `packleader-on-${name}`,
      description: 'Starts a release of what a push changed.',
      eventPattern,
      targets: [new LambdaFunction(start, handOver(this.#failed))],
    });
  }
}

/** What DynamoDB does with the key on behalf of whoever writes to the table.
 *  @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html */
function useOfTable(key: Key, region: string): PolicyStatement {
  return new PolicyStatement({
    sid: 'UseKeyOfDeliveries',
    actions: [
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    ],
    resources: [key.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${region}.amazonaws.com` } },
  });
}
