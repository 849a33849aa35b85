import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

export interface Notified {
  /** Told by packleader's own topic, once it has confirmed. */
  readonly email?: string;
  /** A topic that is there already, in the hub's account and region; packleader makes none then. It must let CloudWatch publish. */
  readonly topicArn?: string;
}

/**
 * Where alarms go. The key is a customer managed one, because the policy of AWS's own does not let CloudWatch use it.
 *  @see https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
export class AlarmTopic extends Construct {
  readonly topic: ITopic;

  constructor(scope: Construct, id: string, { email, topicArn }: Notified) {
    super(scope, id);
    if (topicArn !== undefined) {
      this.topic = Topic.fromTopicArn(this, 'Topic', topicArn);
      return;
    }
    const key = new Key(this, 'Key', {
      alias: 'packleader/alarms',
      description: 'Encrypts what the alarms of packleader say.',
      enableKeyRotation: true,
    });
    const topic = new Topic(this, 'Topic', {
      topicName: 'packleader-alarms',
      displayName: 'packleader',
      masterKey: key,
      enforceSSL: true,
    });
    const principals = [new ServicePrincipal('cloudwatch.amazonaws.com')];
    const conditions = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsUseIt',
        principals,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'], // This key.
        conditions,
      }),
    );
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsPublish',
        principals,
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions,
      }),
    );
    if (email !== undefined) topic.addSubscription(new EmailSubscription(email));
    this.topic = topic;
  }
}
