/** Every AWS call of what tells of releases: a notification, and the status of a commit. */
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { TELL_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { handler as commitStatus } from '../../../telling/commit-status.ts';
import { NAMES, approversTopic } from '../../../core/contract/names.ts';
import { handler as notify } from '../../../telling/notify.ts';
import { handler as tellApprovers } from '../../../telling/tell-approvers.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { RELEASE } from '../../fixtures/releases.ts';
import { IMAGE_ARN, INPUT, PUSH_ARN, changed } from '../../telling/executions.ts';
import { ProviderServer } from '../../telling/provider-server.ts';
import type { Recorded } from './recording.ts';
import { type Things, requestsOf } from './requests.ts';

/** None of its calls is about a thing in an account. */
const NOTHING: Things = {
  tagsOf: () => new Map(),
  keyPair: () => undefined,
  snapshotsOf: () => [],
  launchTemplate: () => undefined,
};

export const TOKEN_SECRET = 'packleader-status';

export async function callsOfTelling(): Promise<Recorded[]> {
  const mocks = {
    sfn: mockClient(SFNClient),
    secretsmanager: mockClient(SecretsManagerClient),
    sns: mockClient(SNSClient),
  };
  for (const mock of Object.values(mocks)) mock.rejects('unexpected call');
  mocks.sfn.on(DescribeExecutionCommand).resolves({ status: 'SUCCEEDED', input: JSON.stringify(INPUT) });
  mocks.sfn
    .on(DescribeExecutionCommand, { executionArn: PUSH_ARN })
    .resolves({ status: 'SUCCEEDED', input: JSON.stringify({ ref: 'a'.repeat(40) }) });
  mocks.secretsmanager.on(GetSecretValueCommand).resolves({ SecretString: 'token-0123456789' });
  mocks.sns.on(PublishCommand).resolves({});
  const server = new ProviderServer();
  const recorded: Recorded[] = [];
  const as = async (by: string, run: () => Promise<unknown>) => {
    for (const mock of Object.values(mocks)) mock.resetHistory();
    await run();
    for (const [service, mock] of Object.entries(mocks))
      for (const { args } of mock.calls()) {
        const [command] = args;
        const operation = command.constructor.name.replace(/Command$/, '');
        const asked = { ...HUB, service, operation, input: command.input };
        for (const request of requestsOf(asked, NOTHING))
          recorded.push({ accountId: HUB.accountId, by, state: 'outside any state', request });
      }
  };
  try {
    process.env[TELL_ENVIRONMENT.topicArn] = `arn:aws:sns:${HUB.region}:${HUB.accountId}:packleader-releases`;
    process.env[TELL_ENVIRONMENT.provider] = 'github';
    process.env[TELL_ENVIRONMENT.apiUrl] = await server.listen();
    process.env[TELL_ENVIRONMENT.repository] = 'example/images';
    process.env[TELL_ENVIRONMENT.tokenSecret] = TOKEN_SECRET;
    process.env[TELL_ENVIRONMENT.approvers] = JSON.stringify({
      prod: `arn:aws:sns:${HUB.region}:${HUB.accountId}:${approversTopic('prod')}`,
    });
    const approved = {
      ...RELEASE,
      schema: 1,
      stage: 'prod',
      by: 'alice',
      reason: 'well',
      executionArn: IMAGE_ARN,
    };
    await as('packleader-tell-approvers', async () =>
      tellApprovers({ source: NAMES.eventSource, 'detail-type': NAMES.approved, detail: approved }),
    );
    await as('packleader-notify', async () => notify(changed(IMAGE_ARN)));
    for (const arn of [IMAGE_ARN, PUSH_ARN])
      await as('packleader-commit-status', async () => commitStatus(changed(arn)));
  } finally {
    server.close();
    for (const mock of Object.values(mocks)) mock.restore();
    for (const name of Object.values(TELL_ENVIRONMENT)) delete process.env[name];
  }
  return recorded;
}
