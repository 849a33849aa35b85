import { DescribeKeyCommand, GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { examinedTargets } from '../../../cli/commands/doctor/bakes/planned-bakes.ts';
import { examineAll } from '../../../cli/commands/doctor/finding.ts';
import { admitsCopiers } from '../../../cli/commands/doctor/key-policies.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { filesOf } from '../../fixtures/factories.ts';

const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/k';
const kms = mockClient(KMSClient);
beforeEach(() => {
  kms.reset();
  kms.onAnyCommand().rejects(new Error('an unexpected call'));
  kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { KeyId: 'k', Arn: KEY } });
});

/** As docs/copying.md has people write it, for 222222222222. */
const page = readFileSync(new URL('../../../docs/copying.md', import.meta.url), 'utf8');
const [, stated = ''] = /```json\n([^]*?)\n```/.exec(page) ?? [];
const documented = z
  .array(z.looseObject({ Sid: z.string() }))
  .min(2)
  .parse(JSON.parse(stated));
const OWN = {
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::111111111111:root' },
  Action: 'kms:*',
  Resource: '*',
};

async function look(statements: readonly object[], ...accountIds: string[]) {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [OWN, ...statements] });
  kms.on(GetKeyPolicyCommand, { KeyId: 'k' }).resolves({ Policy });
  const client = new KMSClient({ region: 'eu-west-1' });
  const [found] = await examineAll('dev', [
    ['policy', 'kms:GetKeyPolicy', async () => admitsCopiers(client, 'alias/packleader', accountIds)],
  ]);
  return found;
}

describe('the policy of a key whose AMIs are copied', () => {
  it('admits an account as the documentation says', async () => {
    expect(await look(documented, '222222222222')).toMatchObject({ outcome: 'ok' });
  });

  it.each([
    ['the whole account', { AWS: 'arn:aws:iam::222222222222:root' }],
    ['the account by its id', { AWS: ['222222222222'] }],
    ['everybody, by what the condition says', '*'],
  ])('may admit %s', async (_, Principal) => {
    const statement = { Effect: 'Allow', Principal, Action: ['kms:*'], Resource: '*' };
    expect(await look([statement], '222222222222')).toMatchObject({ outcome: 'ok' });
  });

  it('fails for whom it does not admit, and for what', async () => {
    const [first = {}] = documented;
    expect(await look([first], '222222222222', '333333333333')).toMatchObject({
      outcome: 'failed',
      why: 'its policy does not admit packleader-copier of 222222222222 to kms:CreateGrant; of 333333333333 to kms:CreateGrant, kms:Decrypt, kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncryptFrom, kms:ReEncryptTo',
      todo: 'add the statements of docs/copying.md to the policy of the key',
    });
  });

  it('is not checked when nobody may read it', async () => {
    const refused = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    kms.on(GetKeyPolicyCommand).rejects(refused);
    const client = new KMSClient({ region: 'eu-west-1' });
    const [found] = await examineAll('dev', [
      ['policy', 'kms:GetKeyPolicy', async () => admitsCopiers(client, KEY, ['222222222222'])],
    ]);
    expect(found).toMatchObject({ outcome: 'not checked', why: expect.stringContaining('no') });
  });
});

describe('what is looked at in a factory that copies', () => {
  const [dev] = targetsIn(0, 1);
  const [prod] = targetsIn(1, 1);
  if (!dev || !prod) throw new Error('there are targets');
  const elsewhere = { ...dev, region: 'us-east-1' };
  const files = filesOf({
    stages: { dev: [dev], prod: [prod, elsewhere] },
    copies: { prod: 'strategy: copy' },
  });
  const [baking, copying, own] = examinedTargets(loadConfiguration(files));

  it('is of the account that is copied from, who reads its key', () => {
    expect([...(baking?.copiedBy ?? [])]).toEqual([['alias/packleader', [prod.accountId]]]);
    expect(baking?.bakes).toHaveLength(1);
  });

  it('is of those that copy their own keys, and nothing that a builder needs', () => {
    for (const target of [copying, own]) {
      expect(target?.bakes).toEqual([]);
      expect(target?.copies).toEqual([{ kmsKeyId: 'alias/packleader' }]);
      expect(target?.copiedBy.size).toBe(0);
    }
  });
});
