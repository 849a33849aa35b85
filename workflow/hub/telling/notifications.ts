import { CfnOutput, Stack } from 'aws-cdk-lib';
import { type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Notify } from '../../../core/configuration/deployment-settings.ts';
import { TELL_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { NAMES } from '../../../core/contract/names.ts';
import {
  TOLD,
  type Told,
  TOLD_BY_DEFAULT,
  TOLD_OF_APPROVALS,
  TOLD_OF_RETRIES,
  TOLD_OF_STALE_IMAGES,
  TOLD_STATUSES,
} from '../../../core/contract/telling.ts';
import { type FailedTriggers, handOver } from '../failed-triggers.ts';
import { PeoplesTopic, encryptWhatIsTold } from './peoples-topic.ts';
import { TellingFunction, statusChanges } from './telling-function.ts';

export interface NotificationsProps extends Notify {
  /** Whether some stage asks for approval. */
  readonly asks: boolean;
  /** Whether a release that fails waits for a retry. */
  readonly waits: boolean;
  /** Whether somebody looks for images that nobody has released for too long. */
  readonly looksForStale: boolean;
  readonly failed: FailedTriggers;
  /** Encrypts the state machines and the topic; default: keys of AWS's do. */
  readonly key?: Key;
}

/** Tells people what became of releases, through an SNS topic. */
export class Notifications extends Construct {
  constructor(scope: Construct, id: string, props: NotificationsProps) {
    super(scope, id);
    const { asks, waits, looksForStale, stages, failed, key } = props;
    // What is switched off, nobody is told of unless they say so.
    const never: readonly Told[] = [
      ...(asks ? [] : TOLD_OF_APPROVALS),
      ...(waits ? [] : TOLD_OF_RETRIES),
      ...(looksForStale ? [] : TOLD_OF_STALE_IMAGES),
    ];
    const { events = TOLD_BY_DEFAULT.filter((word) => !never.includes(word)) } = props;
    const { account, region } = Stack.of(this);
    if (props.topicArn === undefined) new PeoplesTopic(this, 'Topic', NAMES.releasesTopic, key);
    const topicArn = props.topicArn ?? `arn:aws:sns:${region}:${account}:${NAMES.releasesTopic}`;
    const tell = new TellingFunction(this, 'notify', {
      file: 'notify',
      description: 'Tells people what became of releases.',
      environment: {
        [TELL_ENVIRONMENT.topicArn]: topicArn,
        ...(stages && { [TELL_ENVIRONMENT.stages]: JSON.stringify(stages) }),
      },
      machines: [NAMES.releaseImageMachine],
      failed,
      ...(key && { key }),
    });
    tell.addToRolePolicy(
      new PolicyStatement({ sid: 'TellPeople', actions: ['sns:Publish'], resources: [topicArn] }),
    );
    if (key && props.topicArn === undefined) tell.addToRolePolicy(encryptWhatIsTold(key, region));
    const on = (name: string, eventPattern: EventPattern) =>
      new Rule(this, `on-${name}`, {
        ruleName: `packleader-tell-${name}`,
        description: 'Tells people what became of releases.',
        eventPattern,
        targets: [new LambdaFunction(tell, handOver(failed))],
      });
    const detailType = events.flatMap((word) => TOLD[word] ?? []);
    if (detailType.length > 0) on('events', { source: [NAMES.eventSource], detailType });
    const statuses = events.flatMap((word) =>
      word === 'started' || word === 'stopped' ? TOLD_STATUSES[word] : [],
    );
    if (statuses.length > 0) on('executions', statusChanges(this, [NAMES.releaseImageMachine], statuses));
    new CfnOutput(this, 'TopicArn', {
      value: topicArn,
      description: 'Where people subscribe, and what the chat service reads.',
    });
  }
}
