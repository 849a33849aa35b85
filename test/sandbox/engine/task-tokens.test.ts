import {
  GetExecutionHistoryCommand,
  SFNClient,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
} from '@aws-sdk/client-sfn';
import { expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { STARTED_AT } from '../../fixtures/releases.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { stepFunctionsOf } from '../../../sandbox/aws/step-functions.ts';
import { bindSandbox } from '../../../sandbox/bind.ts';
import { stateGraphSchema } from '../../../sandbox/engine/asl.ts';
import { Engine } from '../../../sandbox/engine/engine.ts';
import { StatesError } from '../../../sandbox/engine/states-error.ts';
import { createSandbox } from '../../../sandbox/rehearsal/seed.ts';

const FUNCTION = 'arn:aws:lambda:eu-west-1:999999999999:function:ask';
const MACHINE = 'arn:aws:states:eu-west-1:999999999999:stateMachine:asks';

const ASK = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Parameters: {
    FunctionName: FUNCTION,
    Payload: { 'token.$': '$$.Task.Token', 'attempt.$': '$$.State.RetryCount', 'what.$': '$.what' },
  },
  TimeoutSeconds: 3_600,
  Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 60, MaxAttempts: 1 }],
  Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.failure', Next: 'Refused' }],
  ResultPath: '$.answer',
  Next: 'Agreed',
};
const STATES = { Ask: ASK, Agreed: { Type: 'Succeed' }, Refused: { Type: 'Pass', End: true } };

const askedSchema = z.object({ token: z.string(), attempt: z.number() });
type Asked = z.infer<typeof askedSchema>;

/** A machine that asks and waits, on the sandbox; what asks is a function of the test. */
async function asking(ask: (asked: Asked) => Promise<unknown> | undefined, states: object = STATES) {
  const { clock, ...sandbox } = await sandboxed();
  const engine = await Engine.create({
    machines: [
      { name: 'asks', arn: MACHINE, definition: stateGraphSchema.parse({ StartAt: 'Ask', States: states }) },
    ],
    integrationOf: async (worker) =>
      worker === FUNCTION ? async ({ parameters }) => ask(askedSchema.parse(parameters)) : undefined,
    now: () => clock.now(),
    sleep: async (ms, signal) => clock.sleep(ms, signal),
    keepsData: true,
  });
  sandbox.sandbox.stepFunctions = stepFunctionsOf(engine);
  const execution = engine.start(MACHINE, 'one', { what: 'a release' });
  const client = new SFNClient({});
  return { clock, engine, execution, client };
}

async function sandboxed() {
  const sandbox = createSandbox({
    hub: { ...HUB, bucket: 'a-bucket' },
    targets: [],
    startAt: STARTED_AT,
    checkOut: () => ({ commit: '', branch: 'main', files: new Map(), changes: {} }),
  });
  onTestFinished(bindSandbox(sandbox));
  return { sandbox, clock: sandbox.clock };
}

const MINUTE = 60_000;

test('a Task that waits goes on with what its token was answered, in the place of its result', async () => {
  const asked: Asked[] = [];
  const { clock, client, execution } = await asking(async (one) => asked.push(one));
  await clock.sleep(20 * MINUTE);
  expect(execution.history.ended).toBe(false);
  await client.send(new SendTaskSuccessCommand({ taskToken: asked[0]?.token, output: '{"by":"somebody"}' }));
  expect(await execution.outcome).toEqual({
    status: 'SUCCEEDED',
    output: { what: 'a release', answer: { by: 'somebody' } },
  });
  expect(execution.history.path).toEqual(['Ask', 'Agreed']);
  // Its time limit does not move the clock any more.
  expect(clock.milliseconds() - STARTED_AT.getTime()).toBe(20 * MINUTE);
});

test('it fails with the error and cause of SendTaskFailure', async () => {
  const asked: Asked[] = [];
  const { clock, client, execution } = await asking(async (one) => asked.push(one));
  await clock.sleep(MINUTE);
  await client.send(
    new SendTaskFailureCommand({ taskToken: asked[0]?.token, error: 'No', cause: 'not today' }),
  );
  expect(await execution.outcome).toMatchObject({
    output: { failure: { Error: 'No', Cause: 'not today' } },
  });
});

test('it fails with States.Timeout when nobody answers in time, and not before', async () => {
  const { clock, execution } = await asking(async () => null);
  await clock.sleep(59 * MINUTE);
  expect(execution.history.ended).toBe(false);
  expect(await execution.outcome).toMatchObject({ output: { failure: { Error: 'States.Timeout' } } });
  expect(clock.milliseconds() - STARTED_AT.getTime()).toBe(60 * MINUTE);
});

test('an answer counts that comes before its function has ended, and whatever becomes of that', async () => {
  const { execution } = await asking(async ({ token }) => {
    await new SFNClient({}).send(new SendTaskSuccessCommand({ taskToken: token, output: '1' }));
    throw new StatesError('TooLate', 'it was answered');
  });
  expect(await execution.outcome).toMatchObject({ status: 'SUCCEEDED', output: { answer: 1 } });
});

test('a function that fails fails the Task; its retry has a token of its own, and the first is closed', async () => {
  const asked: Asked[] = [];
  const { clock, client, execution } = await asking(async (one) => {
    asked.push(one);
    if (one.attempt === 0) throw new StatesError('Busy', '');
  });
  await clock.sleep(2 * MINUTE);
  const [first, second] = asked.map(({ token }) => token);
  expect(asked.map(({ attempt }) => attempt)).toEqual([0, 1]);
  expect(second).not.toBe(first);
  await expect(
    client.send(new SendTaskSuccessCommand({ taskToken: first, output: '{}' })),
  ).rejects.toMatchObject({ name: 'TaskTimedOut' });
  await client.send(new SendTaskSuccessCommand({ taskToken: second, output: '{}' }));
  expect(await execution.outcome).toMatchObject({ status: 'SUCCEEDED' });
});

test('fails a second answer, one after the time limit, and one for an execution that was stopped', async () => {
  const asked: Asked[] = [];
  const { clock, client, engine, execution } = await asking(async (one) => asked.push(one));
  const answer = async (which: number) =>
    client.send(new SendTaskSuccessCommand({ taskToken: asked[which]?.token, output: '{}' }));
  await clock.sleep(MINUTE);
  await answer(0);
  await expect(answer(0)).rejects.toMatchObject({ name: 'TaskTimedOut' });
  await execution.outcome;

  await engine.start(MACHINE, 'two', { what: 'too slow' }).outcome;
  await expect(answer(1)).rejects.toMatchObject({ name: 'TaskTimedOut' });

  const stopped = engine.start(MACHINE, 'three', { what: 'stopped' });
  await clock.sleep(MINUTE);
  const before = clock.milliseconds();
  stopped.stop();
  expect(await stopped.outcome).toEqual({ status: 'ABORTED' });
  await expect(answer(2)).rejects.toMatchObject({ name: 'TaskTimedOut' });
  expect(clock.milliseconds()).toBe(before);
});

test('fails a token that was never given, an output that is no JSON, and one that is too large', async () => {
  const asked: Asked[] = [];
  const { clock, client, execution } = await asking(async (one) => asked.push(one));
  await clock.sleep(MINUTE);
  const taskToken = asked[0]?.token;
  for (const [input, name] of [
    [{ taskToken: 'made-up', output: '{}' }, 'InvalidToken'],
    [{ taskToken, output: '{' }, 'InvalidOutput'],
    [{ taskToken, output: JSON.stringify('x'.repeat(262_144)) }, 'InvalidOutput'],
  ] as const)
    await expect(client.send(new SendTaskSuccessCommand(input))).rejects.toMatchObject({ name });
  expect(execution.history.ended).toBe(false);
  execution.stop();
});

test('its history tells what was passed on, token and all, and that it was handed over', async () => {
  const asked: Asked[] = [];
  const { clock, client, execution } = await asking(async (one) => asked.push(one));
  await clock.sleep(MINUTE);
  const history = async () => {
    const { events = [] } = await client.send(
      new GetExecutionHistoryCommand({ executionArn: execution.arn }),
    );
    return events;
  };
  const [, , scheduled, , submitted] = await history();
  expect(JSON.parse(scheduled?.taskScheduledEventDetails?.parameters ?? '')).toMatchObject({
    FunctionName: FUNCTION,
    Payload: { token: asked[0]?.token },
  });
  expect(submitted?.taskSubmittedEventDetails).toMatchObject({
    resourceType: 'lambda',
    resource: 'invoke.waitForTaskToken',
  });
  await client.send(new SendTaskSuccessCommand({ taskToken: asked[0]?.token, output: '{}' }));
  await execution.outcome;
  expect((await history()).map(({ type }) => type)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSubmitted',
    'TaskSucceeded',
    'TaskStateExited',
    'SucceedStateEntered',
    'SucceedStateExited',
    'ExecutionSucceeded',
  ]);
});

test('fails to run a Task that waits and passes its token to nobody, and one that passes a token it has not', async () => {
  const ask = async () => null;
  const silent = { ...ASK, Parameters: { FunctionName: FUNCTION, Payload: {} } };
  await expect(asking(ask, { ...STATES, Ask: silent })).rejects.toThrow('passes its token to nobody');
  const tokenless = { ...ASK, Resource: FUNCTION };
  await expect(asking(ask, { ...STATES, Ask: tokenless })).rejects.toThrow('has no token to pass on');
});
