import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ec2Arns, ofSomeRelease } from './target-arns.ts';

/** Says who may copy the snapshots of releases, and takes it back; never everybody. */
export const shareSnapshots = (accountId: string): PolicyStatement =>
  new PolicyStatement({
    sid: 'ShareSnapshots',
    actions: ['ec2:DescribeSnapshotAttribute', 'ec2:ModifySnapshotAttribute'],
    resources: ec2Arns(accountId, 'snapshot'),
    conditions: { ...ofSomeRelease, StringNotEquals: { 'ec2:Add/group': 'all' } },
  });
