import { Duration, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { METRICS } from '../../tasks/contract.ts';
import { Alarms, type AlarmsProps } from '../../workflow/alarms.ts';
import { Synthesised, hub, ownFactory } from './synthesised.ts';

const factory = ownFactory();
const withAlarms = (alarms: AlarmsProps = {}) => hub(factory, { alarms });
const theHub = withAlarms();

const alarmSchema = z.looseObject({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.string()),
  TreatMissingData: z.string(),
  Threshold: z.number(),
  Metrics: z.array(z.looseObject({ Expression: z.string().optional() })).optional(),
});
const alarmsOf = (stack = theHub) =>
  stack.ofType('AWS::CloudWatch::Alarm').map(({ is }) => alarmSchema.parse(is));
const alarmNamed = (name: string, stack = theHub) => {
  const found = alarmsOf(stack).find(({ AlarmName }) => AlarmName === `packleader-${name}`);
  if (!found) throw new Error(`there is no alarm ${name}`);
  return found;
};

/** What lies below the heading "Alarms", by the anchors that a browser jumps to. */
function headingsOfAlarms(): string[] {
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const [, alarms = ''] = runbook.split(/^# Alarms$/m);
  const [own = ''] = alarms.split(/^# /m);
  return [...own.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'));
}

describe('every alarm', () => {
  it('leads to its own heading in the runbook, and every heading there is of an alarm', () => {
    const names = alarmsOf().map(({ AlarmName }) => AlarmName.replace('packleader-', ''));
    expect(names.toSorted()).toEqual(headingsOfAlarms().toSorted());
    for (const { AlarmName, AlarmDescription } of alarmsOf())
      expect(AlarmDescription).toContain(`docs/runbook.md#${AlarmName.replace('packleader-', '')}`);
  });

  it('tells somebody, and is quiet as long as nothing is counted', () => {
    for (const { AlarmActions, TreatMissingData } of alarmsOf()) {
      expect(AlarmActions).toEqual(['packleader-alarms']);
      expect(TreatMissingData).toBe('notBreaching');
    }
  });
});

describe('an incomplete rollback', () => {
  it('raises the alarm by what the task counts, and by what Step Functions says when the task cannot run', () => {
    const [rule] = theHub
      .ofType('AWS::Events::Rule')
      .filter(({ is }) => is['Name'] === 'packleader-rollback-incomplete');
    expect(rule?.is['EventPattern']).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: {
        stateMachineArn: ['arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image'],
        status: ['FAILED'],
        error: ['RollbackIncomplete'],
      },
    });
    expect(alarmNamed('rollback-incomplete').Metrics).toMatchObject([
      { Expression: 'FILL(m0, 0) + FILL(m1, 0)' },
      { MetricStat: { Metric: { Namespace: 'packleader', MetricName: METRICS.rollbackIncomplete } } },
      {
        MetricStat: {
          Metric: {
            Namespace: 'AWS/Events',
            MetricName: 'TriggeredRules',
            Dimensions: [{ Name: 'RuleName', Value: 'packleader-rollback-incomplete' }],
          },
        },
      },
    ]);
  });
});

describe('a slow release', () => {
  it('is one of more than three hours, or of more than what is usual here', () => {
    expect(alarmNamed('release-slow').Threshold).toBe(180);
    expect(alarmNamed('release-slow', withAlarms({ usualTime: Duration.minutes(90) })).Threshold).toBe(90);
  });
});

describe('a task that cannot count itself', () => {
  it('is counted by the lines that Lambda writes, for every function there is', () => {
    const filters = theHub.ofType('AWS::Logs::MetricFilter');
    const groups = theHub
      .ofType('AWS::Lambda::Function')
      .map(({ is }) => `/aws/lambda/${z.string().parse(is['FunctionName'])}`);
    expect(filters.map(({ is }) => z.string().parse(is['LogGroupName'])).toSorted()).toEqual(
      groups.toSorted(),
    );
    for (const { is } of filters) {
      expect(is['FilterPattern']).toBe(
        '{ ($.type = "platform.report") && (($.record.status = "timeout") || ($.record.status = "error")) }',
      );
      expect(is['MetricTransformations']).toEqual([
        { MetricNamespace: 'packleader', MetricName: METRICS.taskCrashed, MetricValue: '1' },
      ]);
    }
  });
});

describe('a queue', () => {
  it('of triggers that failed is watched in the hub itself', () => {
    expect(alarmNamed('dead-letters').Metrics).toMatchObject([
      { Expression: 'FILL(m0, 0)' },
      {
        MetricStat: {
          Metric: {
            Namespace: 'AWS/SQS',
            MetricName: 'ApproximateNumberOfMessagesVisible',
            Dimensions: [{ Name: 'QueueName', Value: 'queue packleader-failed-triggers' }],
          },
          Stat: 'Maximum',
        },
      },
    ]);
  });

  it('of what could not be handed over is watched, wherever in the stack it is', () => {
    const stack = new Synthesised((app) => {
      const made = new Stack(app, 'hub', { env: { account: '999999999999', region: 'eu-west-1' } });
      // oxlint-disable-next-line no-new -- a construct adds itself to its scope
      new Queue(made, 'Failed', { queueName: 'packleader-failed-triggers' });
      // oxlint-disable-next-line no-new -- a construct adds itself to its scope
      new Alarms(made, 'Alarms');
      return made;
    });
    expect(alarmNamed('dead-letters', stack).Metrics).toMatchObject([
      { Expression: 'FILL(m0, 0)' },
      { MetricStat: { Metric: { MetricName: 'ApproximateNumberOfMessagesVisible' }, Stat: 'Maximum' } },
    ]);
  });
});

describe('the topic', () => {
  it('is encrypted, and taken from over TLS and from CloudWatch in this account only', () => {
    const [topic] = theHub.ofType('AWS::SNS::Topic');
    expect(topic?.is).toMatchObject({ KmsMasterKeyId: expect.stringContaining('Key') });
    const [policy] = theHub.ofType('AWS::SNS::TopicPolicy');
    expect(policy?.is['PolicyDocument']).toMatchObject({
      Statement: [
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 'sns:Publish',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        {
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Action: 'sns:Publish',
          Condition: { StringEquals: { 'aws:SourceAccount': '999999999999' } },
        },
      ],
    });
  });

  it('lets CloudWatch, and nobody but this account besides, use its key', () => {
    const [key] = theHub.ofType('AWS::KMS::Key');
    expect(key?.is).toMatchObject({
      EnableKeyRotation: true,
      KeyPolicy: {
        Statement: [
          { Principal: { AWS: 'arn:aws:iam::999999999999:root' } },
          {
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Condition: { StringEquals: { 'aws:SourceAccount': '999999999999' } },
          },
        ],
      },
    });
  });

  it('has a subscriber when one is configured', () => {
    const stack = withAlarms({ notify: { email: 'images@example.com' } });
    expect(stack.ofType('AWS::SNS::Subscription').map(({ is }) => [is['Protocol'], is['Endpoint']])).toEqual([
      ['email', 'images@example.com'],
    ]);
    expect(theHub.ofType('AWS::SNS::Subscription')).toEqual([]);
  });

  it('is another one when that is configured', () => {
    const topicArn = 'arn:aws:sns:eu-west-1:999999999999:on-call';
    const stack = withAlarms({ notify: { topicArn } });
    expect(stack.ofType('AWS::SNS::Topic')).toEqual([]);
    for (const { AlarmActions } of alarmsOf(stack)) expect(AlarmActions).toEqual([topicArn]);
  });
});

describe('the dashboard', () => {
  const [dashboard] = theHub.ofType('AWS::CloudWatch::Dashboard');
  const body = z.string().parse(dashboard?.is['DashboardBody']);

  it('shows every metric of packleader', () => {
    for (const [key, name] of Object.entries(METRICS))
      if (key !== 'namespace' && key !== 'releaseMinutes') expect(body, key).toContain(`"${name}"`);
  });

  it('is well-formed, and finds functions by their name', () => {
    const { widgets } = z.object({ widgets: z.array(z.unknown()) }).parse(JSON.parse(body));
    expect(widgets).toHaveLength(10);
    expect(body).toContain("SEARCH('{AWS/Lambda,FunctionName} MetricName=");
  });
});
