import {
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type HistoryEventType,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { ExecutionHistory } from '../../client/history.ts';

const ARN = 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release-image:base-1';
const sfn = mockClient(SFNClient);
beforeEach(() => {
  sfn.reset();
  sfn.rejects(new Error('a call that no test expects'));
});

type Told = Omit<HistoryEvent, 'id' | 'timestamp'>;
const entered = (type: 'Map' | 'Task', name: string, previousEventId: number): Told => ({
  type: `${type}StateEntered`,
  previousEventId,
  stateEnteredEventDetails: { name },
});
const exited = (type: 'Map' | 'Task', name: string, previousEventId: number, output: unknown = {}): Told => ({
  type: `${type}StateExited`,
  previousEventId,
  stateExitedEventDetails: { name, output: JSON.stringify(output) },
});
const iteration = (
  how: 'Started' | 'Succeeded' | 'Failed',
  index: number,
  previousEventId: number,
): Told => ({
  type: `MapIteration${how}`,
  previousEventId,
  [`mapIteration${how}EventDetails`]: { name: 'Bake dev AMIs', index },
});
const plain = (type: HistoryEventType, previousEventId: number, details: object = {}): Told => ({
  type,
  previousEventId,
  ...details,
});

/** Two iterations at the same time, whose events mix; the second batch is retried. */
const EVENTS: HistoryEvent[] = [
  plain('ExecutionStarted', 0, { executionStartedEventDetails: { input: '{"a":1}' } }),
  entered('Map', 'Bake dev AMIs', 0),
  plain('MapStateStarted', 2, { mapStateStartedEventDetails: { length: 2 } }),
  iteration('Started', 0, 3),
  entered('Task', 'Bake batch of dev AMIs', 4),
  iteration('Started', 1, 5), // AWS does not say what it follows.
  entered('Task', 'Bake batch of dev AMIs', 6),
  plain('TaskScheduled', 5),
  plain('TaskScheduled', 7),
  plain('TaskSubmitted', 8, { taskSubmittedEventDetails: { output: '{"ExecutionArn":"arn:child"}' } }),
  plain('TaskFailed', 9, { taskFailedEventDetails: { error: 'StepFunctions.ThrottlingException' } }),
  plain('TaskScheduled', 11),
  plain('TaskSucceeded', 10),
  exited('Task', 'Bake batch of dev AMIs', 13),
  iteration('Succeeded', 0, 14),
  plain('TaskSucceeded', 12),
  exited('Task', 'Bake batch of dev AMIs', 16),
  iteration('Succeeded', 1, 17),
  plain('MapStateSucceeded', 18),
  exited('Map', 'Bake dev AMIs', 18, { baked: true }),
  entered('Task', 'Check dev AMIs', 20),
  plain('LambdaFunctionScheduled', 21),
  plain('LambdaFunctionTimedOut', 22, { lambdaFunctionTimedOutEventDetails: { error: 'States.Timeout' } }),
  plain('LambdaFunctionScheduled', 23),
].map((told, index) => ({ ...told, id: index + 1, timestamp: new Date(index * 1_000) }));

const end = (told: Told): HistoryEvent => ({ ...told, id: EVENTS.length + 1, timestamp: new Date(60_000) });

test('only states at the top of the graph are told, however the iterations of a Map mix', async () => {
  sfn.on(GetExecutionHistoryCommand).resolves({ events: EVENTS });
  const history = new ExecutionHistory(ARN);
  const steps = await history.read(new SFNClient({ region: 'eu-west-1' }));
  expect(steps.map(({ phase, state, error = '' }) => `${phase} ${state} ${error}`.trim())).toEqual([
    'entered Bake dev AMIs',
    'retried Bake dev AMIs StepFunctions.ThrottlingException',
    'exited Bake dev AMIs',
    'entered Check dev AMIs',
    'retried Check dev AMIs States.Timeout',
  ]);
  expect(history.path).toEqual(['Bake dev AMIs', 'Check dev AMIs']);
  expect(history.outputs).toEqual(new Map([['Bake dev AMIs', { baked: true }]]));
  expect(history.children).toEqual(new Set(['arn:child']));
  expect(history.input).toEqual({ a: 1 });
  expect(history.startedAt).toEqual(new Date(0));
  expect(history.ending).toBeUndefined();
});

test('reads forwards at first, then from the end back to what it knows, and nothing after the end', async () => {
  const client = new SFNClient({ region: 'eu-west-1' });
  sfn.on(GetExecutionHistoryCommand, { maxResults: 1_000 }).resolves({ events: EVENTS.slice(0, 2) });
  const history = new ExecutionHistory(ARN);
  await history.read(client);
  const backwards = [...EVENTS, end(plain('ExecutionSucceeded', 24))].toReversed();
  const input = { executionArn: ARN, includeExecutionData: true, reverseOrder: true, maxResults: 50 };
  sfn
    .on(GetExecutionHistoryCommand, input)
    .resolves({ events: backwards.slice(0, 20), nextToken: 'more' })
    .on(GetExecutionHistoryCommand, { ...input, nextToken: 'more' })
    .resolves({ events: backwards.slice(20), nextToken: 'even more' });
  expect((await history.read(client)).map(({ state }) => state)).toEqual([
    'Bake dev AMIs',
    'Bake dev AMIs',
    'Check dev AMIs',
    'Check dev AMIs',
  ]);
  expect(history.ending?.status).toBe('succeeded');
  const calls = sfn.calls().length;
  expect(await history.read(client)).toEqual([]);
  expect(sfn.calls()).toHaveLength(calls);
});

test.each([
  [
    plain('ExecutionFailed', 24, { executionFailedEventDetails: { error: 'BakeFailed', cause: 'no' } }),
    { status: 'failed', error: { name: 'BakeFailed', cause: 'no' } },
  ],
  [
    plain('ExecutionAborted', 0, { executionAbortedEventDetails: {} }),
    { status: 'stopped', error: { name: 'Stopped', cause: 'The execution was stopped.' } },
  ],
  [
    plain('ExecutionTimedOut', 0),
    { status: 'stopped', error: { name: 'States.Timeout', cause: 'The execution ran out of time.' } },
  ],
])('understands how an execution ended: %j', async (told, ending) => {
  sfn.on(GetExecutionHistoryCommand).resolves({ events: [...EVENTS, end(told)] });
  const history = new ExecutionHistory(ARN);
  await history.read(new SFNClient({ region: 'eu-west-1' }));
  expect(history.ending).toMatchObject(ending);
});

test('a read that failed half way loses nothing: the next one begins where the last good one ended', async () => {
  const client = new SFNClient({ region: 'eu-west-1' });
  sfn
    .on(GetExecutionHistoryCommand)
    .resolvesOnce({ events: EVENTS.slice(0, 10), nextToken: 'more' })
    .rejectsOnce(Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' }))
    .resolvesOnce({ events: EVENTS });
  const history = new ExecutionHistory(ARN);
  await expect(history.read(client)).rejects.toMatchObject({ name: 'Throttled' });
  expect(history.path).toEqual([]);
  await history.read(client);
  expect(history.path).toEqual(['Bake dev AMIs', 'Check dev AMIs']);
});
