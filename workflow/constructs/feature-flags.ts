import type { Stack } from 'aws-cdk-lib';

/** What a new CDK app chooses, as far as it changes a stack of packleader's. */
const FLAGS = {
  '@aws-cdk/aws-iam:minimizePolicies': true,
  '@aws-cdk/aws-iam:standardizedServicePrincipals': true,
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/core:target-partitions': ['aws'],
} as const;

/** A stack is the same in every app, whatever that one's cdk.json says, or where there is none: what was measured is what is deployed.
 *  Before anything is made in it. */
export function setFeatureFlags({ node }: Stack): void {
  for (const [flag, value] of Object.entries(FLAGS)) node.setContext(flag, value);
}
