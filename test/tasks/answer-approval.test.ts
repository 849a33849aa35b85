import { LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import {
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../tasks/answer-approval.ts';
import { PLANNED, RELEASE_ARN, describeExecution, unknownExecution } from '../fixtures/aws/executions.ts';
import { HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../fixtures/releases.ts';

const aws = useAws();

const ID = 'arn:aws:states:eu-central-1:999999999999:execution:packleader-approval:x';
const ALICE = 'arn:aws:sts::999999999999:assumed-role/approver/alice';
const startedAt = '2026-11-21T12:00:00.000Z';
const approve = { approve: [RELEASE.releaseId], reason: 'tested' };
const ask = (request: object = approve) => handler({ request, execution: { id: ID, startedAt } });

const trail = (at = startedAt, NextToken?: string) =>
  new LookupEventsCommand({
    LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'StartExecution' }],
    StartTime: new Date(Date.parse(at) - 300_000),
    EndTime: new Date(Date.parse(at) + 300_000),
    NextToken,
  });
const started = (arn: string, executionArn = ID) => ({
  CloudTrailEvent: JSON.stringify({ userIdentity: { arn }, responseElements: { executionArn } }),
});
const asked = (stage = 'prod', enteredAt = '2026-11-21T10:00:00.000Z'): HistoryEvent => ({
  id: 10,
  timestamp: new Date(enteredAt),
  type: 'TaskScheduled',
  taskScheduledEventDetails: {
    resourceType: 'lambda',
    resource: 'invoke.waitForTaskToken',
    region: 'eu-central-1',
    parameters: JSON.stringify({
      FunctionName: 'x',
      Payload: {
        release: RELEASE,
        token: `token-of-${stage}`,
        stage,
        approval: { timeoutHours: 24 },
        enteredAt,
      },
    }),
  },
});
const event = (type: 'TaskStarted' | 'TaskSubmitted' | 'TaskTimedOut' | 'ExecutionAborted') =>
  ({ id: 11, timestamp: new Date(0), type }) satisfies HistoryEvent;
const exited = (output: object): HistoryEvent => ({
  id: 12,
  timestamp: new Date(0),
  type: 'TaskStateExited',
  stateExitedEventDetails: { name: 'Approve prod', output: JSON.stringify(output) },
});
const history = (...replies: readonly (readonly HistoryEvent[])[]) =>
  aws.on(
    HUB,
    new GetExecutionHistoryCommand({
      executionArn: RELEASE_ARN,
      reverseOrder: true,
      includeExecutionData: true,
      maxResults: 100,
    }),
    ...replies.map((events) => ({ events: [...events] })),
  );
const WAITS = [event('TaskSubmitted'), event('TaskStarted'), asked()];
const given = { by: ALICE, at: startedAt, reason: 'tested', answeredIn: ID };
const success = new SendTaskSuccessCommand({ taskToken: 'token-of-prod', output: JSON.stringify(given) });

beforeEach(() => {
  aws.on(HUB, trail(), { Events: [started('somebody else', `${ID}-2`)], NextToken: 'more' });
  aws.on(HUB, trail(startedAt, 'more'), { Events: [started(ALICE)] });
  aws.on(HUB, describeExecution(RELEASE_ARN), { status: 'RUNNING', input: JSON.stringify(PLANNED) });
  unknownExecution(aws, `${RELEASE_ARN}-r2`);
  aws.expects(HUB, ({ command }) => command === 'PutEvents');
});

const told = () => aws.sent.filter(({ command }) => command === 'PutEvents').length;

describe('answering an approval', () => {
  it('answers the token that the history of the release holds, in the name of whoever asks, and tells it', async () => {
    history(WAITS);
    aws.accepts(HUB, success);
    expect(await ask()).toEqual({
      complete: true,
      by: ALICE,
      answers: [{ releaseId: RELEASE.releaseId, stage: 'prod', outcome: 'approved' }],
      cause: '',
    });
    expect(told()).toBe(1);
  });

  it('rejects with who and why, and tells nothing: the rollback does', async () => {
    history(WAITS);
    aws.accepts(
      HUB,
      new SendTaskFailureCommand({
        taskToken: 'token-of-prod',
        error: 'ReleaseRejected',
        cause: `${ALICE} rejected it for prod: too new\n(${ID})`,
      }),
    );
    const answers = await ask({ reject: [RELEASE.releaseId], reason: 'too new' });
    expect(answers).toMatchObject({ complete: true, answers: [{ outcome: 'rejected' }] });
    expect(told()).toBe(0);
  });

  it('finds its own answer when the reply was lost, and tells it again', async () => {
    history(WAITS, [exited({ approved: { prod: given } }), ...WAITS]);
    aws.on(HUB, success, awsError('TaskTimedOut'));
    expect((await ask()).complete).toBe(true);
    expect((await ask()).complete).toBe(true);
    expect(told()).toBe(2);
    expect(aws.commands.filter((command) => command.startsWith('SendTask'))).toHaveLength(1);
  });

  it('does not answer what was asked after it had been started', async () => {
    const later = asked('prod-2', '2026-11-21T12:00:01.000Z');
    history([event('TaskStarted'), later, exited({ approved: { prod: given } }), ...WAITS]);
    expect(await ask()).toMatchObject({ complete: true, answers: [{ stage: 'prod' }] });
    expect(aws.commands).not.toContain('SendTaskSuccess');
  });

  it.each<[string, HistoryEvent[]]>([
    [
      'was answered by somebody else',
      [exited({ approved: { prod: { ...given, answeredIn: 'y' } } }), ...WAITS],
    ],
    ['ran out of time', [exited({}), event('TaskTimedOut'), ...WAITS]],
    ['was stopped', [event('ExecutionAborted'), ...WAITS]],
  ])('says of a release that %s that it has its answer', async (_, events) => {
    history(events);
    expect(await ask()).toMatchObject({
      complete: false,
      answers: [{ outcome: 'refused', why: 'it has its answer for prod already' }],
      cause: `${RELEASE.releaseId}: it has its answer for prod already`,
    });
    expect(told()).toBe(0);
  });

  it('says of a release that asks nobody what it is', async () => {
    history([exited({})]);
    expect((await ask()).cause).toBe(`${RELEASE.releaseId}: it waits for no approval: it is RUNNING`);
  });

  it('fails with NotReadyYet while an answer that came before does not show', async () => {
    history(WAITS);
    aws.on(HUB, success, awsError('TaskTimedOut'));
    await expect(ask()).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it('fails with NotReadyYet until CloudTrail shows who started it', async () => {
    aws.on(HUB, trail(), { Events: [] });
    await expect(ask()).rejects.toMatchObject({ name: 'NotReadyYet' });
  });

  it('fails when several people started one execution, and when whoever did is of another account', async () => {
    aws.on(HUB, trail(), { Events: [started(ALICE), started('arn:aws:iam::999999999999:user/bob')] });
    await expect(ask()).rejects.toThrow('Several people started this execution');
    aws.on(HUB, trail(), { Events: [started('arn:aws:iam::111111111111:user/alice')] });
    await expect(ask()).rejects.toThrow('is of another account than the hub');
  });

  it('fails when Step Functions refuses, with the fact', async () => {
    history(WAITS);
    aws.on(HUB, success, awsError('AccessDeniedException'));
    await expect(ask()).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('fails on an event that is none', async () => {
    await expect(handler({})).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
