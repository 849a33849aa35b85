import { Aspects, type IAspect, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnProject } from 'aws-cdk-lib/aws-codebuild';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct, IConstruct } from 'constructs';

/**
 * The account's own key, which encrypts whatever its stack keeps: every log group, every state machine with its executions, every
 * project, and the bucket. It outlives the stack, because what it encrypts does.
 *  @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
 */
export class CustomerKey extends Key {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      description: 'Encrypts what packleader keeps in this account.',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const { region, account } = Stack.of(this);
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Logs',
        principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
        // As AWS documents them for log groups.
        actions: ['kms:Decrypt*', 'kms:Describe*', 'kms:Encrypt*', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
        resources: ['*'], // In the policy of a key: that key.
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': [
              '/aws/lambda/packleader-*',
              '/aws/vendedlogs/*/packleader-*',
              '/packleader/*',
            ].map((group) => `arn:aws:logs:${region}:${account}:log-group:${group}`),
          },
        },
      }),
    );
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: 'DeliveryOfLogs',
        // What Step Functions logs reaches CloudWatch through the log delivery service.
        principals: [new ServicePrincipal('delivery.logs.amazonaws.com')],
        actions: ['kms:Decrypt*'],
        resources: ['*'], // In the policy of a key: that key.
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
    Aspects.of(Stack.of(this)).add(new EncryptWith(this));
  }
}

/** Log groups, projects and state machines, whoever made them. */
class EncryptWith implements IAspect {
  readonly #key: Key;

  constructor(key: Key) {
    this.#key = key;
  }

  visit(node: IConstruct): void {
    const { keyArn } = this.#key;
    if (node instanceof CfnLogGroup) node.kmsKeyId = keyArn;
    if (node instanceof CfnProject) node.encryptionKey = keyArn;
    if (node instanceof StateMachine) this.#encrypt(node);
  }

  #encrypt(machine: StateMachine): void {
    const resource = machine.node.defaultChild;
    if (!(resource instanceof CfnStateMachine)) throw new Error(`${machine.node.path} has no resource`);
    const { keyArn } = this.#key;
    resource.encryptionConfiguration = { type: 'CUSTOMER_MANAGED_KMS_KEY', kmsKeyId: keyArn };
    const { region, account } = Stack.of(machine);
    const forWhom = (context: string, arn: string) => ({
      StringLike: { [`kms:EncryptionContext:${context}`]: arn },
    });
    machine.addToRolePolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [keyArn],
        // Its own executions, and those of the machines it starts and follows.
        conditions: forWhom(
          'aws:states:stateMachineArn',
          `arn:aws:states:${region}:${account}:stateMachine:packleader-*`,
        ),
      }),
    );
    machine.addToRolePolicy(
      new PolicyStatement({
        actions: ['kms:GenerateDataKey'],
        resources: [keyArn],
        conditions: forWhom('SourceArn', `arn:aws:logs:${region}:${account}:*`),
      }),
    );
  }
}

/**
 * What it takes to look at executions of an encrypted state machine. Step Functions decrypts them in the caller's name; to list, start
 * or stop them the caller needs nothing of the key.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html#required-permissions-for-api-callers
 */
export function lookAtExecutions(key: Key, machines: readonly string[]): PolicyStatement {
  const { region, account } = Stack.of(key);
  return new PolicyStatement({
    sid: 'DecryptExecutions',
    actions: ['kms:Decrypt'],
    resources: [key.keyArn],
    conditions: {
      StringEquals: {
        'kms:ViaService': `states.${region}.amazonaws.com`,
        'kms:EncryptionContext:aws:states:stateMachineArn': machines.map(
          (machine) => `arn:aws:states:${region}:${account}:stateMachine:${machine}`,
        ),
      },
    },
  });
}
