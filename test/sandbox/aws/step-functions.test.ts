import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  paginateGetExecutionHistory,
  paginateListExecutions,
} from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import {
  type HubOptions,
  type OperatedHub,
  RELEASE_MACHINE,
  machineArn,
  openHub,
} from '../../fixtures/sandbox/hub.ts';

let hub: OperatedHub;
async function open(options?: HubOptions) {
  hub = await openHub(options);
  return hub.operator.client;
}

async function start(client: SFNClient, name: string, input = '{}') {
  return client.send(new StartExecutionCommand({ stateMachineArn: RELEASE_MACHINE, name, input }));
}

test('an execution is started, described while it runs and when it has ended', async () => {
  const client = await open();
  const { executionArn = '' } = await start(client, 'first', '{"images":["base"]}');
  const running = await client.send(new DescribeExecutionCommand({ executionArn }));
  expect(running).toMatchObject({
    name: 'first',
    status: 'RUNNING',
    input: '{"images":["base"]}',
    stateMachineArn: RELEASE_MACHINE,
  });
  expect(running.stopDate).toBeUndefined();
  await hub.engine.executions[0]?.outcome;
  const ended = await client.send(new DescribeExecutionCommand({ executionArn }));
  expect(ended.status).toBe('SUCCEEDED');
  expect(JSON.parse(ended.output ?? '')).toMatchObject({ released: ['base@1.4.20261121093000'] });
  expect(Number(ended.stopDate)).toBeGreaterThan(Number(ended.startDate));
});

test('the same name and input while it runs is the same execution; another input is refused', async () => {
  const client = await open();
  const { executionArn } = await start(client, 'first');
  expect((await start(client, 'first')).executionArn).toBe(executionArn);
  await expect(start(client, 'first', '{"images":["base"]}')).rejects.toMatchObject({
    name: 'ExecutionAlreadyExists',
  });
  await hub.engine.executions[0]?.outcome;
  await expect(start(client, 'first')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
});

test.each([
  ['a name with a space', { name: 'a b' }, 'InvalidName'],
  ['an input that is no JSON', { input: '{' }, 'InvalidExecutionInput'],
  ['no such state machine', { stateMachineArn: machineArn('other') }, 'StateMachineDoesNotExist'],
])('fails for %s', async (_, wrong, name) => {
  const client = await open();
  await expect(
    client.send(new StartExecutionCommand({ stateMachineArn: RELEASE_MACHINE, name: 'x', ...wrong })),
  ).rejects.toMatchObject({ name });
});

test('fails for an execution that does not exist, and for an ARN that is none', async () => {
  const client = await open();
  const executionArn = RELEASE_MACHINE.replace('stateMachine', 'execution') + ':none';
  await expect(client.send(new DescribeExecutionCommand({ executionArn }))).rejects.toMatchObject({
    name: 'ExecutionDoesNotExist',
  });
  await expect(client.send(new DescribeExecutionCommand({ executionArn: 'none' }))).rejects.toMatchObject({
    name: 'InvalidArn',
  });
});

test('a history has numbered events in pages, each following an earlier one, forwards and backwards', async () => {
  const client = await open();
  const { executionArn } = await start(client, 'first');
  await hub.engine.executions[0]?.outcome;
  const pages = await Array.fromAsync(
    paginateGetExecutionHistory({ client, pageSize: 4 }, { executionArn, includeExecutionData: true }),
  );
  const events = pages.flatMap((page) => page.events ?? []);
  expect(pages.length).toBeGreaterThan(3);
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
  expect(events.every(({ id = 0, previousEventId = 0 }) => previousEventId < id)).toBe(true);
  expect(events.map(({ type }) => type)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSucceeded',
    'TaskStateExited',
    'TaskStateEntered',
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionSucceeded',
    'TaskStateExited',
    'ChoiceStateEntered',
    'ChoiceStateExited',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSucceeded',
    'TaskStateExited',
    'MapStateEntered',
    'MapStateStarted',
    'MapIterationStarted',
    'MapStateEntered',
    'MapStateStarted',
    'MapIterationStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSubmitted',
    'TaskSucceeded',
    'TaskStateExited',
    'MapIterationSucceeded',
    'MapStateSucceeded',
    'MapStateExited',
    'MapIterationSucceeded',
    'MapStateSucceeded',
    'MapStateExited',
    'TaskStateEntered',
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionSucceeded',
    'TaskStateExited',
    'ChoiceStateEntered',
    'ChoiceStateExited',
    'SucceedStateEntered',
    'SucceedStateExited',
    'ExecutionSucceeded',
  ]);
  const submitted = events.find(({ type }) => type === 'TaskSubmitted')?.taskSubmittedEventDetails;
  expect(JSON.parse(submitted?.output ?? '')).toMatchObject({ ExecutionArn: hub.engine.executions[1]?.arn });
  const backwards = await client.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 2 }),
  );
  expect(backwards.events?.map(({ type }) => type)).toEqual(['ExecutionSucceeded', 'SucceedStateExited']);
});

test('a history tells of attempts that failed and were retried', async () => {
  const client = await open({ faults: [{ state: 'Apply version tags', kind: 'throttled' }] });
  await start(client, 'first');
  await hub.engine.executions[0]?.outcome;
  const executionArn = hub.engine.executions[1]?.arn;
  const { events = [] } = await client.send(
    new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }),
  );
  const failed = events.filter(({ type }) => type === 'LambdaFunctionFailed');
  expect(failed.map((event) => event.lambdaFunctionFailedEventDetails?.error)).toContain('Throttled');
  expect(events.at(-1)?.type).toBe('ExecutionSucceeded');
});

test('stopping ends an execution and those it waits for; nothing of them runs on', async () => {
  const client = await open();
  const { executionArn } = await start(client, 'first');
  await hub.sandbox.clock.sleep(5 * 60_000);
  await client.send(new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'by hand' }));
  expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
    status: 'ABORTED',
    error: 'Cancelled',
    cause: 'by hand',
  });
  expect(hub.engine.executions.length).toBeGreaterThan(2);
  const outcomes = await Promise.all(hub.engine.executions.map(async ({ outcome }) => outcome));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['ABORTED']));
  const paths = hub.engine.executions.map(({ history }) => history.path.length);
  await hub.sandbox.clock.sleep(120 * 60_000);
  expect(hub.engine.executions.map(({ history }) => history.path.length)).toEqual(paths);
  const { events = [] } = await client.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true }),
  );
  expect(events[0]).toMatchObject({
    type: 'ExecutionAborted',
    executionAbortedEventDetails: { error: 'Cancelled', cause: 'by hand' },
  });
});

test('executions are listed newest first, in pages, by status', async () => {
  const client = await open();
  await start(client, 'first');
  await hub.engine.executions[0]?.outcome;
  await start(client, 'second');
  const list = async (statusFilter?: 'RUNNING') => {
    const pages = await Array.fromAsync(
      paginateListExecutions(
        { client, pageSize: 1 },
        { stateMachineArn: RELEASE_MACHINE, ...(statusFilter && { statusFilter }) },
      ),
    );
    return pages.flatMap(({ executions = [] }) => executions.map(({ name, status }) => [name, status]));
  };
  expect(await list()).toEqual([
    ['second', 'RUNNING'],
    ['first', 'SUCCEEDED'],
  ]);
  expect(await list('RUNNING')).toEqual([['second', 'RUNNING']]);
});

test('a state machine is described; one that does not exist is not', async () => {
  const client = await open();
  const described = await client.send(new DescribeStateMachineCommand({ stateMachineArn: RELEASE_MACHINE }));
  expect(described).toMatchObject({ name: 'packleader-release', status: 'ACTIVE' });
  await expect(
    client.send(new DescribeStateMachineCommand({ stateMachineArn: machineArn('other') })),
  ).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
});

test('fails when the caller may not', async () => {
  const client = await open({ allows: /^sts:/ });
  await expect(start(client, 'first')).rejects.toMatchObject({ name: 'AccessDeniedException' });
});
