/** Whether the keys that AMIs are baked under let the accounts read them that copy those AMIs: docs/copying.md. */
import { DescribeKeyCommand, GetKeyPolicyCommand, type KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import { type Verdict, failed, ok } from './finding.ts';

/** What EC2 asks the key of an AMI for whoever copies it. @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html */
const ASKED = [
  'kms:CreateGrant',
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

const listed = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.looseObject({
  Effect: z.string(),
  Action: listed.default([]),
  Principal: z
    .union([z.string(), z.looseObject({ AWS: listed.default([]) })])
    .optional()
    .transform((principal) => (typeof principal === 'string' ? [principal] : (principal?.AWS ?? []))),
});
const policySchema = z.looseObject({
  Statement: z.union([statementSchema, z.array(statementSchema)]).transform((value) => [value].flat()),
});

/** Reads the policy as far as its statements name whom they are for: what their conditions leave of that, a copy finds out. */
export async function admitsCopiers(
  kms: KMSClient,
  keyId: string,
  accountIds: readonly string[],
): Promise<Verdict> {
  // The policy is not to be had by an alias.
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyId.replace(/^key\//, '') }));
  const KeyId = KeyMetadata?.KeyId ?? keyId;
  const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
  const { Statement: statements } = policySchema.parse(JSON.parse(Policy));
  const allowing = statements.filter(({ Effect }) => Effect === 'Allow');
  const closed = accountIds.flatMap((accountId) => {
    const theirs = allowing.filter(({ Principal }) => Principal.some((one) => isOf(one, accountId)));
    const allowed = theirs.flatMap(({ Action }) => Action);
    const missing = ASKED.filter((action) => !allowed.some((pattern) => matches(action, pattern)));
    return missing.length === 0 ? [] : [`${accountId} to ${missing.join(', ')}`];
  });
  return closed.length === 0
    ? ok(`lets ${NAMES.copierRole} of ${accountIds.join(', ')} read what it encrypts`)
    : failed(
        `its policy does not admit ${NAMES.copierRole} of ${closed.join('; of ')}`,
        'add the statements of docs/copying.md to the policy of the key',
      );
}

const isOf = (principal: string, accountId: string): boolean =>
  ['*', accountId, `arn:aws:iam::${accountId}:root`, roleArn(accountId, NAMES.copierRole)].includes(
    principal,
  );

function matches(action: string, pattern: string): boolean {
  const expression = pattern.replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 'i').test(action);
}
