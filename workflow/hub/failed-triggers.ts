import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { TargetBaseProps } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { NAMES } from '../../core/contract/names.ts';

/** A push or a schedule that could not be followed for so long is of no use any more. */
export const GIVEN_UP_AFTER = Duration.hours(6);

/** As often as EventBridge may hand over one event. */
export const ATTEMPTS = 185;

/** How EventBridge hands an event over: as often as it may, and what it gives up is kept. */
export function handOver(failed: FailedTriggers, maxEventAge = GIVEN_UP_AFTER): TargetBaseProps {
  return { deadLetterQueue: failed, maxEventAge, retryAttempts: ATTEMPTS };
}

/** A function that is started by an event: what it fails to do, after all its repetitions, is kept as well. */
export function keepFailures(task: LambdaFunction, failed: FailedTriggers): void {
  for (const statement of failed.mayBeSentTo()) task.addToRolePolicy(statement);
  task.configureAsyncInvoke({
    retryAttempts: 2,
    maxEventAge: GIVEN_UP_AFTER,
    // CDK's own destination would also let the function read the queue's attributes.
    onFailure: { bind: () => ({ destination: failed.queueArn }) },
  });
}

/**
 * The pushes, schedules and sweeps that AWS could not hand over, or that failed after all their retries. Nothing takes them from here:
 * a person looks at them, and starts a release. And what nobody could be told of.
 */
export class FailedTriggers extends Queue {
  readonly #key: Key | undefined;

  constructor(scope: Construct, id: string, key?: Key) {
    super(scope, id, {
      queueName: NAMES.deadLetterQueue,
      ...(key
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: key }
        : { encryption: QueueEncryption.SQS_MANAGED }),
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.#key = key;
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is itself where others put what they could not hand over. Nothing receives from it, so nothing can fail to.',
    });
    // A rule sends in its own name, so the key's policy must admit it.
    key?.addToResourcePolicy(
      new PolicyStatement({
        sid: 'RulesKeepWhatFailed',
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'], // In the policy of a key: that key.
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
  }

  /** What a role needs whose service puts there what it could not hand over. */
  mayBeSentTo(): PolicyStatement[] {
    const { queueArn } = this;
    const send = new PolicyStatement({
      sid: 'KeepWhatFailed',
      actions: ['sqs:SendMessage'],
      resources: [queueArn],
    });
    if (!this.#key) return [send];
    return [
      send,
      new PolicyStatement({
        sid: 'EncryptWhatFailed',
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [this.#key.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `sqs.${Stack.of(this).region}.amazonaws.com` },
        },
      }),
    ];
  }
}
