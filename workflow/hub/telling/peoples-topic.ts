import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Alias, type Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** A topic that people subscribe to. */
export class PeoplesTopic extends Topic {
  constructor(scope: Construct, id: string, topicName: string, key: Key | undefined) {
    super(scope, id, {
      topicName,
      displayName: 'packleader',
      masterKey: key ?? Alias.fromAliasName(scope, `${id}-key`, 'alias/aws/sns'),
      enforceSSL: true,
    });
  }
}

/** What publishing on a topic takes that a key of the customer's encrypts. */
export const encryptWhatIsTold = (key: Key, region: string): PolicyStatement =>
  new PolicyStatement({
    sid: 'EncryptWhatIsTold',
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: [key.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `sns.${region}.amazonaws.com` } },
  });
