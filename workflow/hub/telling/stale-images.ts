import { Duration, Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { NAMES } from '../../../core/contract/names.ts';
import { keyStatements } from '../../constructs/bucket-key.ts';
import { tellingRole } from '../../constructs/role-names.ts';
import type { Wildcards } from '../../constructs/wildcards.ts';
import { type FailedTriggers, handOver, keepFailures } from '../failed-triggers.ts';
import { HubFunction } from '../hub-function.ts';

export interface StaleImagesProps {
  readonly bucket: Bucket;
  readonly images: readonly string[];
  readonly staleAfterDays: number;
  readonly failed: FailedTriggers;
}

const WILDCARDS: Wildcards = {
  '*': 'X-Ray has no resources.',
  '/released/*': 'One record for each version of each image.',
  '/revoked/*': 'One record for each version that was revoked.',
};

/** Tells every day of images that nobody has released for too long. */
export class StaleImages extends Construct {
  constructor(scope: Construct, id: string, { bucket, images, staleAfterDays, failed }: StaleImagesProps) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    const file = 'stale-images';
    const tell = new HubFunction(this, file, {
      file: `telling/${file}`,
      functionName: `packleader-${file}`,
      roleName: tellingRole(file),
      description: 'Tells of images that nobody has released for too long.',
      timeout: Duration.minutes(3),
      wildcards: WILDCARDS,
    });
    for (const statement of [
      new PolicyStatement({
        sid: 'ReadReleases',
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects('released/*'), bucket.arnForObjects('revoked/*')],
      }),
      ...keyStatements(bucket, 'read'),
      new PolicyStatement({
        sid: 'FindReleases',
        actions: ['s3:ListBucket'],
        resources: [bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': ['released/*', 'revoked/*'] } },
      }),
      new PolicyStatement({
        sid: 'TellOfStaleImages',
        actions: ['events:PutEvents'],
        resources: [`arn:aws:events:${region}:${account}:event-bus/default`],
        conditions: {
          StringEquals: { 'events:source': NAMES.eventSource, 'events:detail-type': NAMES.stale },
        },
      }),
    ])
      tell.addToRolePolicy(statement);
    keepFailures(tell, failed);
    new Rule(this, 'Rule', {
      ruleName: `packleader-${file}`,
      description: 'Looks every day for images that nobody has released for too long.',
      schedule: Schedule.rate(Duration.days(1)),
      targets: [
        new LambdaFunction(tell, {
          ...handOver(failed),
          event: RuleTargetInput.fromObject({
            bucket: bucket.bucketName,
            images: [...images],
            staleAfterDays,
            now: EventField.time,
          }),
        }),
      ],
    });
  }
}
