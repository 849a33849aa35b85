/** What the doctor looks at of what packleader.config has switched on in the hub. */
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { machineArn } from '../../../client/hub.ts';
import type { approversOf } from '../../../core/configuration/factory.ts';
import type { DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import { NAMES, STACKS, approversTopic } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { type Check, type Verdict, failed, ok, unlessAbsent } from './finding.ts';
import type { configOf } from './sessions.ts';

type Config = ReturnType<typeof configOf>;

/** An inventory that is older lets no version go. */
const FRESH_MS = 3_600_000;
/** A run comes every day; one may be late. */
const DAILY_MS = 25 * 3_600_000;

export function switchedOnChecks(
  hub: Target,
  config: Config,
  { notify, commitStatus, repositoryTokenSecret, webhookSecret, retire }: DeploymentSettings,
  approvers: ReturnType<typeof approversOf>,
  now: Date,
): Check[] {
  const secrets = [
    ['repositoryTokenSecret', repositoryTokenSecret],
    ['webhookSecret', webhookSecret],
    ['commitStatus.tokenSecret', commitStatus?.tokenSecret],
  ] as const;
  const own = (name: string) => `arn:aws:sns:${hub.region}:${hub.accountId}:${name}`;
  const topics = new Set([
    ...(notify ? [notify.topicArn ?? own(NAMES.releasesTopic)] : []),
    ...Object.entries(approvers).map(([stage, { topicArn }]) => topicArn ?? own(approversTopic(stage))),
  ]);
  const retiring = [
    [NAMES.inventoryMachine, FRESH_MS],
    [NAMES.retireMachine, DAILY_MS],
  ] as const;
  return [
    ...secrets.flatMap(([setting, name]): Check[] =>
      name === undefined
        ? []
        : [
            [
              `secret ${name}`,
              'secretsmanager:DescribeSecret',
              async () => secretExists(new SecretsManagerClient(config), name, setting),
            ],
          ],
    ),
    ...[...topics].map((topicArn): Check => [
      `topic ${topicArn.split(':').at(-1)}`,
      'sns:GetTopicAttributes',
      async () => somebodyListens(new SNSClient(config), topicArn),
    ]),
    ...(retire === true
      ? retiring.map(([name, mostMs]): Check => [
          name,
          'states:ListExecutions',
          async () => runsOf(new SFNClient(config), machineArn(hub, name), { name, mostMs, now }),
        ])
      : []),
  ];
}

/** No value is asked for. */
async function secretExists(secrets: SecretsManagerClient, name: string, setting: string): Promise<Verdict> {
  const found = await unlessAbsent(
    secrets.send(new DescribeSecretCommand({ SecretId: name })),
    'ResourceNotFoundException',
  );
  if (!found)
    return failed(`there is no secret ${name}`, `make it; packleader.config names it as ${setting}`);
  return found.DeletedDate === undefined
    ? ok(found.ARN ?? name)
    : failed(`${name} is about to be deleted`, 'restore it: aws secretsmanager restore-secret');
}

async function somebodyListens(sns: SNSClient, topicArn: string): Promise<Verdict> {
  const found = await unlessAbsent(
    sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn })),
    'NotFoundException',
    'NotFound',
  );
  if (!found) return failed(`there is no topic ${topicArn}`, `deploy the stack ${STACKS.hub}`);
  const { SubscriptionsConfirmed: confirmed = '0', SubscriptionsPending: pending = '0' } =
    found.Attributes ?? {};
  if (Number(confirmed) > 0) return ok(`${confirmed} subscribed to ${topicArn}`);
  return Number(pending) > 0
    ? failed(`nobody has confirmed a subscription to ${topicArn}`, 'follow the link in the mail of SNS')
    : failed(`nobody is subscribed to ${topicArn}`, 'subscribe an address, or a channel: docs/telling.md');
}

/** Whether the newest execution that has ended went well, and lately. */
async function runsOf(
  sfn: SFNClient,
  stateMachineArn: string,
  { name, mostMs, now }: { readonly name: string; readonly mostMs: number; readonly now: Date },
): Promise<Verdict> {
  const answer = await unlessAbsent(
    sfn.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 10 })),
    'StateMachineDoesNotExist',
  );
  if (!answer) return failed(`${stateMachineArn} does not exist`, `deploy the stack ${STACKS.hub}`);
  const last = answer.executions?.find(({ status }) => status !== 'RUNNING');
  if (!last) return failed('it has not run to its end yet', 'wait for its schedule');
  const { status, stopDate = now } = last;
  if (status !== 'SUCCEEDED')
    return failed(
      `${last.name} ended as ${status}`,
      `see why: packleader ${commandOf(name)}, and the runbook`,
    );
  const age = now.getTime() - stopDate.getTime();
  return age <= mostMs
    ? ok(`it ended well at ${stopDate.toISOString()}`)
    : failed(`it ended last at ${stopDate.toISOString()}`, 'see whether its schedule is enabled');
}

const commandOf = (name: string): string =>
  name === NAMES.retireMachine ? 'retire --dry-run' : 'why <ami-id>';
