import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';

/** A key only for the objects of one bucket: with a bucket key, what S3 encrypts is the bucket. */
export function throughBucket(bucketName: string, region: string): Record<string, string> {
  return {
    'kms:ViaService': `s3.${region}.amazonaws.com`,
    'kms:EncryptionContext:aws:s3:arn': `arn:aws:s3:::${bucketName}`,
  };
}

/** What reading from, or writing to, a bucket with a key of its own needs besides; nothing for any other bucket. */
export function keyStatements(bucket: Bucket, use: 'read' | 'write'): PolicyStatement[] {
  if (!bucket.encryptionKey) return [];
  return [
    new PolicyStatement({
      actions: [use === 'read' ? 'kms:Decrypt' : 'kms:GenerateDataKey'],
      resources: [bucket.encryptionKey.keyArn],
      conditions: { StringEquals: throughBucket(bucket.bucketName, Stack.of(bucket).region) },
    }),
  ];
}
