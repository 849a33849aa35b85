import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import { handler as gitPush } from '../../triggers/git-push.ts';
import { handler as scheduledRebuild } from '../../triggers/scheduled-rebuild.ts';
import { HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { ownFactory } from '../fixtures/factories.ts';
import { hub } from '../fixtures/synthesised.ts';
import { post } from './requests.ts';

const aws = useAws();
const MACHINE = 'arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release';

const lineSchema = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
      }),
    ),
  }),
});
let written: string[] = [];
beforeEach(() => {
  written = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => written.push(String(line)) > 0);
});
afterEach(() => void vi.restoreAllMocks());

/** Every metric that CloudWatch makes of what was written: its namespace, its name, and its dimensions. */
const counted = () =>
  written
    .map((line) => lineSchema.parse(JSON.parse(line)))
    .flatMap((line) =>
      line['_aws'].CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
        Metrics.flatMap(({ Name }) =>
          Dimensions.map((names) => ({
            Namespace,
            MetricName: Name,
            value: line[Name],
            dimensions: names.map((name) => [name, line[name]]),
          })),
        ),
      ),
    );

const alarms = hub(ownFactory(), { webhookSecret: 'packleader/webhook' }).ofType('AWS::CloudWatch::Alarm');
const alarmSchema = z.object({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
});

/** What an alarm looks at, in the same words. */
function watchedBy(name: string) {
  const alarm = alarms.find(({ is }) => is['AlarmName'] === `packleader-${name}`);
  const { Namespace, MetricName, Dimensions } = alarmSchema.parse(alarm?.is);
  return {
    Namespace,
    MetricName,
    value: 1,
    dimensions: Dimensions.map(({ Name, Value }) => [Name, Value]),
  };
}

describe('the alarm', () => {
  it('on rejected requests looks at what the webhook counts', async () => {
    expect(await gitPush(post({}, '{}'))).toMatchObject({ statusCode: 401 });
    expect(counted()).toEqual([watchedBy('webhook-rejects')]);
  });

  it('on paused rebuilds looks at what a schedule counts, of whichever image', async () => {
    process.env[TRIGGER_ENVIRONMENT.releaseMachine] = MACHINE;
    process.env[TRIGGER_ENVIRONMENT.bucket] = 'hub';
    aws.on(HUB, new GetParameterCommand({ Name: '/packleader/triggers' }), awsError('ParameterNotFound'));
    aws.on(
      HUB,
      new GetParameterCommand({ Name: '/packleader/triggers/resumed/base' }),
      awsError('ParameterNotFound'),
    );
    aws.on(HUB, new ListObjectsV2Command({ Bucket: 'hub', Prefix: 'released/base/' }), {});
    const executions = ['03', '02', '01'].map((day) => ({
      executionArn: `rebuild-base-202611${day}040000`,
      stateMachineArn: MACHINE,
      name: `rebuild-base-202611${day}040000`,
      status: 'FAILED' as const,
      startDate: new Date(`2026-11-${day}T04:00:00Z`),
    }));
    aws.on(HUB, new ListExecutionsCommand({ stateMachineArn: MACHINE, maxResults: 1000 }), { executions });
    const due = { image: 'base', when: 'always', scheduledAt: '2026-11-04T04:00:00Z' };
    expect(await scheduledRebuild(due)).toEqual({ outcome: 'paused' });
    expect(counted()).toContainEqual(watchedBy('rebuilds-paused'));
  });
});
