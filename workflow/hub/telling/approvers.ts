import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { TELL_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { NAMES, approversTopic } from '../../../core/contract/names.ts';
import { TOLD, TOLD_OF_APPROVALS } from '../../../core/contract/telling.ts';
import { tellingRole } from '../../constructs/role-names.ts';
import { type FailedTriggers, handOver, keepFailures } from '../failed-triggers.ts';
import { HubFunction } from '../hub-function.ts';
import { PeoplesTopic, encryptWhatIsTold } from './peoples-topic.ts';

export interface ApproversProps {
  /** The stages whose approvers are told, each with its topic where that is not the hub's. */
  readonly stages: Readonly<Record<string, { readonly topicArn?: string }>>;
  readonly failed: FailedTriggers;
  /** Encrypts the topics; default: a key of AWS's does. */
  readonly key?: Key;
}

/** Tells those who may approve a stage that a release waits for it, through a topic of the stage's own. */
export class Approvers extends Construct {
  constructor(scope: Construct, id: string, { stages, failed, key }: ApproversProps) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    const topics = Object.fromEntries(
      Object.entries(stages).map(([stage, { topicArn }]) => {
        if (topicArn !== undefined) return [stage, topicArn];
        const name = approversTopic(stage);
        new PeoplesTopic(this, `Topic-${stage}`, name, key);
        return [stage, `arn:aws:sns:${region}:${account}:${name}`];
      }),
    );
    const file = 'tell-approvers';
    const tell = new HubFunction(this, file, {
      file: `telling/${file}`,
      functionName: `packleader-${file}`,
      roleName: tellingRole(file),
      description: 'Tells those who may approve a stage that a release waits for it.',
      timeout: Duration.minutes(3),
      wildcards: { '*': 'X-Ray has no resources.' },
      environment: { [TELL_ENVIRONMENT.approvers]: JSON.stringify(topics) },
    });
    tell.addToRolePolicy(
      new PolicyStatement({
        sid: 'TellApprovers',
        actions: ['sns:Publish'],
        resources: [...new Set(Object.values(topics))],
      }),
    );
    if (key && Object.values(stages).some(({ topicArn }) => topicArn === undefined))
      tell.addToRolePolicy(encryptWhatIsTold(key, region));
    keepFailures(tell, failed);
    new Rule(this, 'Rule', {
      ruleName: 'packleader-tell-approvers',
      description: 'Tells those who may approve a stage that a release waits for it.',
      eventPattern: {
        source: [NAMES.eventSource],
        detailType: TOLD_OF_APPROVALS.flatMap((word) => TOLD[word] ?? []),
        detail: { stage: Object.keys(stages) },
      },
      targets: [new LambdaFunction(tell, handOver(failed))],
    });
    for (const [stage, value] of Object.entries(topics))
      new CfnOutput(this, `TopicArn-${stage}`, {
        value,
        description: `Where those subscribe who approve ${stage}.`,
      });
  }
}
