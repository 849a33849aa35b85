import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { keysThroughEc2 } from './keys-through-ec2.ts';
import type { Wildcards } from '../constructs/wildcards.ts';
import { shareSnapshots } from './share-snapshots.ts';
import { ec2Arns, NO_LAUNCH_PERMISSION, ofSomeRelease, RELEASE_TAG } from './target-arns.ts';

const IDS = 'EC2 makes the ids, and a factory chooses the region; ';

/** Why each pattern is as narrow as it can be. */
export const COPIER_WILDCARDS: Wildcards = {
  '*': 'Describe actions take no resource.',
  '::image/*': `${IDS}of an AMI in another account no tag is seen, and what is made is tagged only with packleader:release.`,
  '::snapshot/*': `${IDS}of a snapshot in another account no tag is seen, and what is made is tagged only with packleader:release.`,
  ':key/*':
    'The layers of the configuration name the keys, here and where the AMI is copied from, and the policy of each must admit this role; only through EC2.',
};

/** What copying an AMI of a release takes, in the account that it comes from and in the one that it goes to: nothing else is changed or removed.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html */
export function copierPolicy(accountId: string): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'Look',
      actions: ['ec2:DescribeImageAttribute', 'ec2:DescribeImages', 'ec2:DescribeSnapshots'],
      resources: ['*'], // Describe actions take no resource.
    }),
    new PolicyStatement({
      sid: 'ShareAmis',
      actions: ['ec2:ModifyImageAttribute'],
      resources: ec2Arns(accountId, 'image'),
      conditions: { ...ofSomeRelease, StringNotEquals: NO_LAUNCH_PERMISSION },
    }),
    shareSnapshots(accountId),
    new PolicyStatement({
      sid: 'Copy',
      actions: ['ec2:CopyImage'],
      resources: ec2Arns(accountId, 'image', 'snapshot'),
    }),
    new PolicyStatement({
      sid: 'TagCopies',
      actions: ['ec2:CreateTags'],
      resources: ec2Arns(accountId, 'image', 'snapshot'),
      conditions: {
        StringEquals: { 'ec2:CreateAction': 'CopyImage' },
        StringLike: { [`aws:RequestTag/${RELEASE_TAG}`]: '?*' },
      },
    }),
    ...keysThroughEc2(['arn:aws:kms:*:*:key/*'], { use: 'ReadAndEncrypt', grant: 'LetEbsUseTheKeys' }),
  ];
}
