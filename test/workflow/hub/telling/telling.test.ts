import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { NAMES } from '../../../../core/contract/names.ts';
import { TOLD_WORDS } from '../../../../core/contract/telling.ts';
import { ownFactory } from '../../../fixtures/factories.ts';
import { type Synthesised, hub, inWords } from '../../../fixtures/synthesised.ts';

const BUCKET = 'arn:aws:s3:::packleader-999999999999-eu-west-1';
const factory = ownFactory();
const commitStatus = { provider: 'gitlab', tokenSecret: 'packleader/status' } as const;
const telling = hub(factory, { notify: {}, commitStatus });

const may = (stack: Synthesised, name: string) =>
  stack
    .roles()
    .find((role) => role.name === name)
    ?.statements.map(inWords)
    .filter((line) => !/logs:|xray:/.test(line));

function environmentOf(stack: Synthesised, name: string) {
  const found = stack.ofType('AWS::Lambda::Function').find(({ is }) => is['FunctionName'] === name);
  return z.object({ Variables: z.record(z.string(), z.string()) }).parse(found?.is['Environment']).Variables;
}

const rules = (stack: Synthesised) =>
  stack
    .ofType('AWS::Events::Rule')
    .filter(({ is }) => /^packleader-(tell|on-commit)/.test(String(is['Name'])))
    .map(({ is }) => z.object({ Name: z.string(), EventPattern: z.looseObject({}) }).parse(is));

describe('a hub that tells nobody', () => {
  it('has nothing that could', () => {
    const silent = hub(factory);
    expect(rules(silent)).toEqual([]);
    expect(silent.roles().filter(({ name }) => name.startsWith('packleader-telling'))).toEqual([]);
    const topics = silent.ofType('AWS::SNS::Topic').map(({ is }) => is['TopicName']);
    expect(topics).not.toContain(NAMES.releasesTopic);
  });
});

describe('what tells those who may approve a stage', () => {
  const topicArn = 'arn:aws:sns:eu-west-1:999999999999:own';
  const made = 'arn:aws:sns:eu-west-1:999999999999:packleader-approvals-prod';
  const asking = (notify?: { topicArn?: string }) =>
    hub({
      ...factory,
      stages: factory.stages.map((stage) =>
        stage.name === 'prod'
          ? { ...stage, approval: { timeoutHours: 1, ...(notify && { notify }) } }
          : stage,
      ),
    });

  it('publishes on the topic of that stage, and may do nothing else', () => {
    const stack = asking({});
    expect(may(stack, 'packleader-telling-tell-approvers')).toEqual([
      `TellApprovers: Allow sns:Publish on ${made}`,
      'KeepWhatFailed: Allow sqs:SendMessage on queue packleader-failed-triggers',
    ]);
    expect(environmentOf(stack, 'packleader-tell-approvers')).toMatchObject({
      PACKLEADER_APPROVERS: JSON.stringify({ prod: made }),
    });
    expect(rules(stack)).toEqual([
      {
        Name: 'packleader-tell-approvers',
        EventPattern: {
          source: ['packleader'],
          'detail-type': ['Approval Requested', 'Release Approved'],
          detail: { stage: ['prod'] },
        },
      },
    ]);
    expect(stack.ofType('AWS::SNS::Topic').map(({ is }) => is['TopicName'])).toContain(
      'packleader-approvals-prod',
    );
  });

  it('makes no topic where one is named, and is not there where nobody is to be told', () => {
    const own = asking({ topicArn });
    expect(environmentOf(own, 'packleader-tell-approvers')).toMatchObject({
      PACKLEADER_APPROVERS: JSON.stringify({ prod: topicArn }),
    });
    for (const stack of [own, asking()])
      expect(stack.ofType('AWS::SNS::Topic').map(({ is }) => is['TopicName'])).not.toContain(
        'packleader-approvals-prod',
      );
    expect(
      asking()
        .roles()
        .map(({ name }) => name),
    ).not.toContain('packleader-telling-tell-approvers');
  });
});

describe('what tells of releases', () => {
  it('may publish on one topic, see releases, and nothing else', () => {
    expect(may(telling, 'packleader-telling-notify')).toEqual([
      'SeeReleases: Allow states:DescribeExecution on arn:aws:states:eu-west-1:999999999999:execution:packleader-release-image:*',
      'KeepWhatFailed: Allow sqs:SendMessage on queue packleader-failed-triggers',
      'TellPeople: Allow sns:Publish on arn:aws:sns:eu-west-1:999999999999:packleader-releases',
    ]);
  });

  it('may read one token, see releases, and nothing else', () => {
    expect(may(telling, 'packleader-telling-commit-status')).toEqual([
      'SeeReleases: Allow states:DescribeExecution on arn:aws:states:eu-west-1:999999999999:execution:packleader-release-image:* arn:aws:states:eu-west-1:999999999999:execution:packleader-release:*',
      'KeepWhatFailed: Allow sqs:SendMessage on queue packleader-failed-triggers',
      'ReadToken: Allow secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:999999999999:secret:packleader/status-??????',
    ]);
  });

  it('knows where the repository is, and the name of the token, never the token', () => {
    expect(environmentOf(telling, 'packleader-commit-status')).toMatchObject({
      PACKLEADER_STATUS_PROVIDER: 'gitlab',
      PACKLEADER_STATUS_API: 'https://gitlab.com/api/v4',
      PACKLEADER_STATUS_REPOSITORY: 'example/images',
      PACKLEADER_STATUS_TOKEN_SECRET: 'packleader/status',
    });
    const own = hub(factory, { commitStatus: { ...commitStatus, apiUrl: 'https://git.example.com/api/v4' } });
    expect(environmentOf(own, 'packleader-commit-status')).toMatchObject({
      PACKLEADER_STATUS_API: 'https://git.example.com/api/v4',
    });
  });

  it('hears what it is to tell by default: no beginnings, and nothing that grows old', () => {
    const [events, executions, commit] = ['events', 'executions']
      .map((name) => rules(telling).find(({ Name }) => Name === `packleader-tell-${name}`))
      .concat(rules(telling).find(({ Name }) => Name === 'packleader-on-commit'));
    expect(events?.EventPattern).toEqual({
      source: ['packleader'],
      'detail-type': [
        'Image Released',
        'Image Rolled Back',
        'Image Repointed',
        'Image Revoked',
        'Image Restored',
      ],
    });
    const machine = (name: string) => `arn:aws:states:eu-west-1:999999999999:stateMachine:${name}`;
    expect(executions?.EventPattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [machine('packleader-release-image')], status: ['ABORTED', 'TIMED_OUT'] },
    });
    expect(commit?.EventPattern['detail']).toEqual({
      stateMachineArn: [machine('packleader-release'), machine('packleader-release-image')],
    });
  });

  it('hears what was asked for, and publishes on a topic that is there', () => {
    const topicArn = 'arn:aws:sns:eu-west-1:999999999999:mine';
    const own = hub(factory, { notify: { topicArn, events: ['released'], stages: ['prod'] } });
    expect(rules(own)).toMatchObject([
      { Name: 'packleader-tell-events', EventPattern: { 'detail-type': ['Image Released'] } },
    ]);
    expect(environmentOf(own, 'packleader-notify')).toMatchObject({
      PACKLEADER_TOPIC: topicArn,
      PACKLEADER_TELL_STAGES: '["prod"]',
    });
    const topics = own.ofType('AWS::SNS::Topic').map(({ is }) => is['TopicName']);
    expect(topics).not.toContain(NAMES.releasesTopic);
    const all = hub(factory, { notify: { events: [...TOLD_WORDS] } });
    expect(rules(all)).toHaveLength(2);
  });

  it('looks for stale images every day where that was asked for, and hears of them by default', () => {
    const looking = hub(factory, { notify: {}, staleAfterDays: 30 });
    expect(may(looking, 'packleader-telling-stale-images')).toEqual([
      `ReadReleases: Allow s3:GetObject on ${BUCKET}/released/* ${BUCKET}/revoked/*`,
      `FindReleases: Allow s3:ListBucket on ${BUCKET} if {"StringLike":{"s3:prefix":["released/*","revoked/*"]}}`,
      'TellOfStaleImages: Allow events:PutEvents on arn:aws:events:eu-west-1:999999999999:event-bus/default if {"StringEquals":{"events:source":"packleader","events:detail-type":"Image Stale"}}',
      'KeepWhatFailed: Allow sqs:SendMessage on queue packleader-failed-triggers',
    ]);
    const rule = looking
      .ofType('AWS::Events::Rule')
      .find(({ is }) => is['Name'] === 'packleader-stale-images');
    expect(rule?.is['ScheduleExpression']).toBe('rate(1 day)');
    expect(rules(looking)[0]?.EventPattern['detail-type']).toContain('Image Stale');
    expect(may(telling, 'packleader-telling-stale-images')).toBeUndefined();
  });

  it('may decrypt executions and encrypt what it tells where a key of the customer’s does', () => {
    const withKey = hub(factory, { notify: {}, commitStatus, customerKey: true });
    const keyed = (name: string) => may(withKey, name)?.filter((line) => line.includes('kms:'));
    expect(keyed('packleader-telling-notify')?.map((line) => line.split(' ')[0])).toEqual([
      'DecryptExecutions:',
      'EncryptWhatFailed:',
      'EncryptWhatIsTold:',
    ]);
    expect(keyed('packleader-telling-commit-status')?.map((line) => line.split(' ')[0])).toEqual([
      'DecryptExecutions:',
      'EncryptWhatFailed:',
    ]);
  });

  it('repeats what failed, keeps what it gives up, and lets no release wait', () => {
    const configs = telling
      .ofType('AWS::Lambda::EventInvokeConfig')
      .filter(({ is }) => /(notify|commit-status)$/.test(String(is['FunctionName'])));
    expect(configs).toHaveLength(2);
    for (const { is } of configs)
      expect(is).toMatchObject({
        MaximumRetryAttempts: 2,
        DestinationConfig: { OnFailure: { Destination: 'queue packleader-failed-triggers' } },
      });
  });
});
