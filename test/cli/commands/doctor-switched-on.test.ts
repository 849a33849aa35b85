import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type ExecutionListItem, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { examineAll } from '../../../cli/commands/doctor/finding.ts';
import { switchedOnChecks } from '../../../cli/commands/doctor/switched-on.ts';
import type { DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { named } from './doctor-world.ts';

const secrets = mockClient(SecretsManagerClient);
const sns = mockClient(SNSClient);
const sfn = mockClient(SFNClient);

const NOW = new Date('2026-11-21T09:30:00.000Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);
const ended = (status: 'SUCCEEDED' | 'FAILED', minutes: number) => ({
  executionArn: 'arn:aws:states:…',
  stateMachineArn: 'arn:aws:states:…',
  name: 'one',
  startDate: minutesAgo(minutes + 1),
  stopDate: minutesAgo(minutes),
  status,
});
const RUNNING = { ...ended('SUCCEEDED', 1), status: 'RUNNING' as const, stopDate: undefined };

async function examine(
  settings: DeploymentSettings,
  approvers: Parameters<typeof switchedOnChecks>[3] = {},
): Promise<string[]> {
  const checks = switchedOnChecks(HUB, { region: HUB.region }, settings, approvers, NOW);
  return (await examineAll('hub', checks)).map(({ check, outcome, why }) => `${outcome} ${check}: ${why}`);
}

beforeEach(() => {
  for (const service of [secrets, sns, sfn]) service.reset();
});

test('nothing that is not switched on is looked at', async () => {
  expect(await examine({})).toEqual([]);
});

describe('a secret', () => {
  const settings = { commitStatus: { provider: 'github', tokenSecret: 'packleader/status' } } as const;

  test('is there, and no value of it is asked for', async () => {
    secrets.on(DescribeSecretCommand, { SecretId: 'packleader/status' }).resolves({ ARN: 'arn:…:status' });
    expect(await examine(settings)).toEqual(['ok secret packleader/status: arn:…:status']);
    expect(secrets.calls()).toHaveLength(1);
  });

  test('of whatever setting fails when there is none', async () => {
    secrets.on(DescribeSecretCommand).rejects(named('ResourceNotFoundException'));
    const all = { ...settings, webhookSecret: 'packleader/webhook', repositoryTokenSecret: 'packleader/git' };
    expect(await examine(all)).toEqual([
      'failed secret packleader/git: there is no secret packleader/git',
      'failed secret packleader/webhook: there is no secret packleader/webhook',
      'failed secret packleader/status: there is no secret packleader/status',
    ]);
  });

  test('fails when it is about to be deleted', async () => {
    secrets.on(DescribeSecretCommand).resolves({ DeletedDate: NOW });
    expect(await examine(settings)).toEqual([
      'failed secret packleader/status: packleader/status is about to be deleted',
    ]);
  });

  test('is not checked where AWS does not tell', async () => {
    secrets.on(DescribeSecretCommand).rejects(named('AccessDeniedException', 'no'));
    expect(await examine(settings)).toEqual([
      'not checked secret packleader/status: AccessDeniedException: no',
    ]);
  });
});

describe('the topic', () => {
  const own = 'arn:aws:sns:eu-west-1:999999999999:packleader-releases';
  test.each([
    ['1', '0', `ok topic packleader-releases: 1 subscribed to ${own}`],
    ['0', '1', `failed topic packleader-releases: nobody has confirmed a subscription to ${own}`],
    ['0', '0', `failed topic packleader-releases: nobody is subscribed to ${own}`],
  ])('with %s subscriptions, and %s that nobody confirmed', async (confirmed, pending, found) => {
    sns.on(GetTopicAttributesCommand, { TopicArn: own }).resolves({
      Attributes: { SubscriptionsConfirmed: confirmed, SubscriptionsPending: pending },
    });
    expect(await examine({ notify: {} })).toEqual([found]);
  });

  test('of those who approve a stage is looked at as well', async () => {
    const topicArn = 'arn:aws:sns:eu-west-1:999999999999:packleader-approvals-prod';
    sns.on(GetTopicAttributesCommand, { TopicArn: topicArn }).resolves({ Attributes: {} });
    expect(await examine({}, { prod: {} })).toEqual([
      `failed topic packleader-approvals-prod: nobody is subscribed to ${topicArn}`,
    ]);
  });

  test('of one’s own fails when it is not there', async () => {
    const topicArn = 'arn:aws:sns:eu-west-1:999999999999:images';
    sns.on(GetTopicAttributesCommand, { TopicArn: topicArn }).rejects(named('NotFoundException'));
    expect(await examine({ notify: { topicArn } })).toEqual([
      `failed topic images: there is no topic ${topicArn}`,
    ]);
  });
});

describe('what retires', () => {
  const answers = (inventory: ExecutionListItem[], retirement: ExecutionListItem[]) => {
    const arn = (name: string) => `arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-${name}`;
    const asked = (name: string) => ({ stateMachineArn: arn(name), maxResults: 10 });
    sfn.on(ListExecutionsCommand, asked('inventory')).resolves({ executions: inventory });
    sfn.on(ListExecutionsCommand, asked('retire')).resolves({ executions: retirement });
  };

  test('has looked within the hour, and run within the day, while one may run now', async () => {
    answers([RUNNING, ended('SUCCEEDED', 21)], [ended('SUCCEEDED', 1_300)]);
    expect(await examine({ retire: true })).toEqual([
      'ok packleader-inventory: it ended well at 2026-11-21T09:09:00.000Z',
      'ok packleader-retire: it ended well at 2026-11-20T11:50:00.000Z',
    ]);
  });

  test('fails when it is late, did not end well, or never ran', async () => {
    answers([ended('SUCCEEDED', 61)], [ended('FAILED', 10), ended('SUCCEEDED', 20)]);
    expect(await examine({ retire: true })).toEqual([
      'failed packleader-inventory: it ended last at 2026-11-21T08:29:00.000Z',
      'failed packleader-retire: one ended as FAILED',
    ]);
    answers([RUNNING], []);
    expect(await examine({ retire: true })).toEqual([
      'failed packleader-inventory: it has not run to its end yet',
      'failed packleader-retire: it has not run to its end yet',
    ]);
  });

  test('fails when it was not deployed', async () => {
    sfn.on(ListExecutionsCommand).rejects(named('StateMachineDoesNotExist'));
    expect(await examine({ retire: true })).toEqual([
      expect.stringMatching(/^failed packleader-inventory: \S+ does not exist$/),
      expect.stringMatching(/^failed packleader-retire: \S+ does not exist$/),
    ]);
  });
});
