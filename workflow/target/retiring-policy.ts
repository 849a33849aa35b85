import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { TAGS } from '../../core/contract/tags.ts';
import { ec2Arns, ofSomeRelease } from './target-arns.ts';

/** Of some release, and somebody has not taken the tag away that lets it go. */
const mayGo = { ...ofSomeRelease, StringEquals: { [`aws:ResourceTag/${TAGS.autoCleanup}`]: 'true' } };

/** What the steward may do besides where versions are retired. What it may do with an AMI that it removes it has from releases; how it
 *  brings one back stands there too, for a template has little room. */
export function retiringPolicy(accountId: string): PolicyStatement[] {
  const images = ec2Arns(accountId, 'image');
  return [
    new PolicyStatement({
      sid: 'RetireAmis',
      actions: ['ec2:DisableImage'],
      resources: images,
      conditions: mayGo,
    }),
    new PolicyStatement({
      sid: 'TagLife',
      actions: ['ec2:CreateTags'],
      resources: images,
      conditions: {
        ...ofSomeRelease,
        'ForAllValues:StringEquals': {
          'aws:TagKeys': [TAGS.lastUsed, TAGS.lastUsedRuntime, TAGS.retirement],
        },
      },
    }),
    new PolicyStatement({
      sid: 'ForgetRetirement',
      actions: ['ec2:DeleteTags'],
      resources: images,
      conditions: { ...ofSomeRelease, 'ForAllValues:StringEquals': { 'aws:TagKeys': [TAGS.retirement] } },
    }),
  ];
}
