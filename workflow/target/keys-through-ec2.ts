import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** What EC2 asks the keys of volumes and snapshots for, whenever it reads and encrypts them for whoever launches or copies. */
export function keysThroughEc2(
  resources: string[],
  sids: { readonly use: string; readonly grant: string },
): PolicyStatement[] {
  const throughEc2 = { 'kms:ViaService': 'ec2.*.amazonaws.com' };
  return [
    new PolicyStatement({
      sid: sids.use,
      actions: [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      resources,
      conditions: { StringLike: throughEc2 },
    }),
    new PolicyStatement({
      sid: sids.grant,
      actions: ['kms:CreateGrant'],
      resources,
      conditions: { StringLike: throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  ];
}
