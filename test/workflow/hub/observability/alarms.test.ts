import { Duration, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { METRICS } from '../../../../core/contract/metrics.ts';
import { statesOf } from '../../../../sandbox/engine/asl.ts';
import { Alarms, type AlarmsProps } from '../../../../workflow/hub/observability/alarms.ts';
import { machinesOf } from '../../../fixtures/machines.ts';
import { ownFactory, retentionOf } from '../../../fixtures/factories.ts';
import { Synthesised, hub } from '../../../fixtures/synthesised.ts';

const quiet = ownFactory();
const factory = {
  ...quiet,
  stages: quiet.stages.map((stage) =>
    stage.name === 'prod' ? { ...stage, approval: { timeoutHours: 1 } } : stage,
  ),
};
const withAlarms = (alarms: AlarmsProps = {}) => hub(factory, { alarms, retention: retentionOf(factory) });
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
function alarmNamed(name: string, stack = theHub) {
  const found = alarmsOf(stack).find(({ AlarmName }) => AlarmName === `packleader-${name}`);
  if (!found) throw new Error(`there is no alarm ${name}`);
  return found;
}

const filterSchema = z.looseObject({
  LogGroupName: z.string(),
  FilterPattern: z.string(),
  MetricTransformations: z.array(z.unknown()),
});
const filtersOf = (groups: string) =>
  theHub
    .ofType('AWS::Logs::MetricFilter')
    .map(({ is }) => filterSchema.parse(is))
    .filter(({ LogGroupName }) => LogGroupName.startsWith(groups));

/** What lies below the heading "Alarms", by the anchors that a browser jumps to. */
function headingsOfAlarms(): string[] {
  const runbook = readFileSync(new URL('../../../../docs/runbook.md', import.meta.url), 'utf8');
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

describe('an end that no task can count', () => {
  it('is counted by the line that Step Functions logs when it enters the Fail state', () => {
    const filters = filtersOf('/aws/vendedlogs/states/').map(({ LogGroupName, FilterPattern, ...rest }) => {
      const [transformation] = rest.MetricTransformations;
      return [LogGroupName, FilterPattern, transformation];
    });
    const line = (state: string) => `{ ($.type = "FailStateEntered") && ($.details.name = "${state}") }`;
    const counts = (MetricName: string) => ({ MetricNamespace: 'packleader', MetricName, MetricValue: '1' });
    const releaseImage = '/aws/vendedlogs/states/packleader-release-image';
    const repoint = '/aws/vendedlogs/states/packleader-repoint';
    const inventory = '/aws/vendedlogs/states/packleader-inventory';
    expect(filters).toEqual([
      [releaseImage, line('Rollback not verified'), counts(METRICS.rollbackIncomplete)],
      [releaseImage, line('Released without announcement'), counts(METRICS.unannounced)],
      ['/aws/vendedlogs/states/packleader-release', line('Not released'), counts(METRICS.notReleased)],
      ['/aws/vendedlogs/states/packleader-sweep', line('Not swept'), counts(METRICS.notSwept)],
      [repoint, line('Everything put back'), counts(METRICS.repointPutBack)],
      [repoint, line('Not everything put back'), counts(METRICS.repointIncomplete)],
      [repoint, line('Putting back not verified'), counts(METRICS.repointIncomplete)],
      [repoint, line('Repointed without record'), counts(METRICS.repointIncomplete)],
      [inventory, line('Inventory incomplete'), counts(METRICS.inventoryIncomplete)],
      [inventory, line('No inventory'), counts(METRICS.inventoryIncomplete)],
      ['/aws/vendedlogs/states/packleader-retire', line('Not retired'), counts(METRICS.notRetired)],
    ]);
  });

  it('is a Fail state of its machine, whose every step is logged', () => {
    const machines = machinesOf(factory);
    for (const { LogGroupName, FilterPattern } of filtersOf('/aws/vendedlogs/states/')) {
      const fails = machines
        .filter(({ name }) => LogGroupName === `/aws/vendedlogs/states/${name}`)
        .flatMap(({ graph }) => statesOf(graph))
        .filter(({ state }) => state.Type === 'Fail')
        .map(({ name }) => name);
      expect(fails).toContain(/details\.name = "(.+)"/.exec(FilterPattern)?.[1]);
    }
    for (const { is } of theHub.ofType('AWS::StepFunctions::StateMachine'))
      expect(is['LoggingConfiguration']).toMatchObject({ Level: 'ALL' });
  });

  it.each([
    ['rollback-incomplete', METRICS.rollbackIncomplete],
    ['not-released', METRICS.notReleased],
    ['not-announced', METRICS.unannounced],
  ])('raises the alarm %s', (name, metric) => {
    expect(alarmNamed(name)).toMatchObject({ Namespace: 'packleader', MetricName: metric, Threshold: 0 });
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
    const filters = filtersOf('/aws/lambda/');
    const groups = theHub
      .ofType('AWS::Lambda::Function')
      .map(({ is }) => `/aws/lambda/${z.string().parse(is['FunctionName'])}`);
    expect(filters.map(({ LogGroupName }) => LogGroupName).toSorted()).toEqual(groups.toSorted());
    for (const { FilterPattern, MetricTransformations } of filters) {
      expect(FilterPattern).toBe(
        '{ ($.type = "platform.report") && (($.record.status = "timeout") || ($.record.status = "error")) }',
      );
      expect(MetricTransformations).toEqual([
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
    expect(widgets).toHaveLength(13);
    expect(body).toContain("SEARCH('{AWS/Lambda,FunctionName} MetricName=");
  });
});
