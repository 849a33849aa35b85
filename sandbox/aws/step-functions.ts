/** Step Functions as its clients see it: what an engine runs can be started, looked at and stopped from outside. */
import type { LookupEventsCommandInput } from '@aws-sdk/client-cloudtrail';
import type {
  DescribeExecutionCommandInput,
  DescribeExecutionCommandOutput,
  DescribeStateMachineCommandInput,
  DescribeStateMachineCommandOutput,
  ExecutionListItem,
  ExecutionStatus,
  GetExecutionHistoryCommandInput,
  GetExecutionHistoryCommandOutput,
  HistoryEvent,
  ListExecutionsCommandInput,
  ListExecutionsCommandOutput,
  SendTaskFailureCommandInput,
  SendTaskSuccessCommandInput,
  StartExecutionCommandInput,
  StartExecutionCommandOutput,
  StopExecutionCommandInput,
  StopExecutionCommandOutput,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { roleArn } from '../../core/contract/names.ts';
import type { Caller, Done, Output, StepFunctions } from './context.ts';
import type { Engine, Execution } from '../engine/engine.ts';
import { Trail } from './cloudtrail.ts';
import { awsError } from './errors.ts';
import { page } from './page.ts';
import { HUB_ROLES } from './hub-roles.ts';
import { StatesError } from '../engine/states-error.ts';

const INPUT_BYTES = 262_144;
/** What CloudWatch Logs and Step Functions both take: a dot is allowed, white space and most other signs are not.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html */
const NAME = /^[\w.-]{1,80}$/;
const PAGE = 100;
const LARGEST_PAGE = 1_000;

/**
 * What the Step Functions client is answered; put it into `sandbox.stepFunctions`. GetExecutionHistory with execution data needs
 * an engine that keeps it.
 */
export function stepFunctionsOf(engine: Engine): StepFunctions {
  const trail = new Trail(engine);
  return {
    LookupEvents: (_caller: Caller, input: LookupEventsCommandInput) => trail.lookUp(input),
    StartExecution: (caller: Caller, input: StartExecutionCommandInput) => {
      const started = startExecution(engine, input);
      trail.started(started.executionArn ?? '', caller);
      return started;
    },
    DescribeExecution: (_caller: Caller, input: DescribeExecutionCommandInput) =>
      describe(executionOf(engine, input.executionArn)),
    GetExecutionHistory: (_caller: Caller, input: GetExecutionHistoryCommandInput) =>
      getHistory(executionOf(engine, input.executionArn), input),
    ListExecutions: (_caller: Caller, input: ListExecutionsCommandInput) => listExecutions(engine, input),
    StopExecution: (_caller: Caller, input: StopExecutionCommandInput) => stopExecution(engine, input),
    DescribeStateMachine: (caller: Caller, input: DescribeStateMachineCommandInput) =>
      describeStateMachine(engine, caller, input),
    SendTaskSuccess: (_caller: Caller, { taskToken = '', output = '' }: SendTaskSuccessCommandInput): Done =>
      answer(() => engine.tokens.succeed(taskToken, output)),
    SendTaskFailure: (_caller: Caller, { taskToken = '', error, cause }: SendTaskFailureCommandInput): Done =>
      answer(() => engine.tokens.fail(taskToken, error, cause)),
  };
}

function startExecution(
  engine: Engine,
  input: StartExecutionCommandInput,
): Output<StartExecutionCommandOutput> {
  const {
    stateMachineArn = '',
    name = `made-up-${engine.executions.length + 1}`,
    input: text = '{}',
  } = input;
  if (!NAME.test(name)) throw awsError('sfn', 'InvalidName', `Invalid Name: '${name}'`);
  try {
    const { arn, startedAt } = engine.start(stateMachineArn, name, documentOf(text));
    return { executionArn: arn, startDate: new Date(startedAt) };
  } catch (error) {
    throw asAwsError(error);
  }
}

function asAwsError(error: unknown): unknown {
  if (!(error instanceof StatesError)) return error;
  const exception = /^StepFunctions\.(.+?)(Exception)?$/.exec(error.name)?.[1] ?? error.name;
  return awsError('sfn', exception, error.message);
}

function answer(settle: () => void): Done {
  try {
    settle();
    return {};
  } catch (error) {
    throw asAwsError(error);
  }
}

function documentOf(text: string): unknown {
  if (Buffer.byteLength(text) > INPUT_BYTES)
    throw awsError('sfn', 'InvalidExecutionInput', 'The input is larger than 262144 bytes.');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw awsError('sfn', 'InvalidExecutionInput', 'Invalid State Machine Execution Input: not JSON');
  }
}

function executionOf(engine: Engine, executionArn = ''): Execution {
  if (!/^arn:aws:states:[^:]+:\d{12}:execution:[^:]+:[^:]+$/.test(executionArn))
    throw awsError('sfn', 'InvalidArn', `Invalid Arn: '${executionArn}'`);
  const found = engine.executions.find(({ arn }) => arn === executionArn);
  if (!found) throw awsError('sfn', 'ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
  return found;
}

function describe(execution: Execution): Output<DescribeExecutionCommandOutput> {
  const { ending } = execution.history;
  const outcome = ending?.outcome;
  return {
    ...itemOf(execution),
    input: JSON.stringify(execution.input),
    inputDetails: { included: true },
    ...(outcome?.status === 'SUCCEEDED' && {
      output: JSON.stringify(outcome.output),
      outputDetails: { included: true },
    }),
    ...(outcome?.status === 'FAILED' && { error: outcome.error, cause: outcome.cause }),
    ...(outcome?.status === 'ABORTED' && stoppedWhy(execution)),
  };
}

function stoppedWhy({ history }: Execution): { error?: string; cause?: string } {
  const { error, cause } = history.record.events.at(-1)?.executionAbortedEventDetails ?? {};
  return { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
}

function itemOf({ arn, name, machine, startedAt, history }: Execution): ExecutionListItem {
  const { ending } = history;
  return {
    executionArn: arn,
    stateMachineArn: machine.arn,
    name,
    status: statusOf(ending?.outcome.status),
    startDate: new Date(startedAt),
    ...(ending && { stopDate: new Date(ending.at) }),
  };
}

const statusOf = (ended: ExecutionStatus | undefined): ExecutionStatus => ended ?? 'RUNNING';

function getHistory(
  { history }: Execution,
  {
    executionArn,
    maxResults = PAGE,
    nextToken,
    reverseOrder = false,
    includeExecutionData = true,
  }: GetExecutionHistoryCommandInput,
): Output<GetExecutionHistoryCommandOutput> {
  const { events: all, withData } = history.record;
  if (includeExecutionData && !withData)
    throw new Error('This engine keeps no data of its events; create it with `keepsData: true`.');
  const events = includeExecutionData ? all : all.map(withoutData);
  const found = page(
    reverseOrder ? events.toReversed() : events,
    Math.min(maxResults || PAGE, LARGEST_PAGE),
    nextToken,
    { executionArn, reverseOrder },
    invalidToken,
  );
  return { events: found.items, ...(found.nextToken !== undefined && { nextToken: found.nextToken }) };
}

function listExecutions(
  engine: Engine,
  { stateMachineArn = '', statusFilter, maxResults = PAGE, nextToken }: ListExecutionsCommandInput,
): Output<ListExecutionsCommandOutput> {
  machineOf(engine, stateMachineArn);
  const all = engine.executions
    .filter(({ machine }) => machine.arn === stateMachineArn)
    .toReversed()
    .map(itemOf)
    .filter(({ status }) => statusFilter === undefined || status === statusFilter);
  const found = page(
    all,
    Math.min(maxResults || PAGE, LARGEST_PAGE),
    nextToken,
    { stateMachineArn, statusFilter },
    invalidToken,
  );
  return { executions: found.items, ...(found.nextToken !== undefined && { nextToken: found.nextToken }) };
}

/** As its caller asks for it who wants no inputs and outputs. */
function withoutData(event: HistoryEvent): HistoryEvent {
  const {
    executionStartedEventDetails: started,
    executionSucceededEventDetails: succeeded,
    stateEnteredEventDetails: entered,
    stateExitedEventDetails: exited,
    taskSubmittedEventDetails: submitted,
  } = event;
  return {
    ...event,
    ...(started && { executionStartedEventDetails: {} }),
    ...(succeeded && { executionSucceededEventDetails: {} }),
    ...(entered && { stateEnteredEventDetails: { name: entered.name } }),
    ...(exited && { stateExitedEventDetails: { name: exited.name } }),
    ...(submitted && {
      taskSubmittedEventDetails: { resourceType: submitted.resourceType, resource: submitted.resource },
    }),
  };
}

const invalidToken = (): Error => awsError('sfn', 'InvalidToken', 'Invalid Token: not given by this request');

/**
 * Stops an execution, and the executions that its Tasks wait for, as Step Functions tries to. Builds run on: stopping them
 * is tried as well in AWS, but not promised.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
 */
function stopExecution(
  engine: Engine,
  { executionArn, error, cause }: StopExecutionCommandInput,
): Output<StopExecutionCommandOutput> {
  const execution = executionOf(engine, executionArn);
  stop(engine, execution, { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) });
  return { stopDate: new Date(execution.history.ending?.at ?? 0) };
}

function stop(engine: Engine, execution: Execution, why: { error?: string; cause?: string }): void {
  if (execution.history.ended) return;
  execution.stop(why);
  for (const child of engine.executions) {
    const parent = childSchema.safeParse(child.input);
    if (parent.success && parent.data.AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID === execution.arn)
      stop(engine, child, {});
  }
}

const childSchema = z.looseObject({ AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.string() });

function describeStateMachine(
  engine: Engine,
  { accountId }: Caller,
  { stateMachineArn = '' }: DescribeStateMachineCommandInput,
): Output<DescribeStateMachineCommandOutput> {
  const { name, arn, definition } = machineOf(engine, stateMachineArn);
  return {
    stateMachineArn: arn,
    name,
    status: 'ACTIVE',
    type: 'STANDARD',
    definition: JSON.stringify(definition),
    roleArn: roleArn(accountId, HUB_ROLES.stateMachine),
    creationDate: new Date(0),
  };
}

function machineOf(engine: Engine, stateMachineArn: string) {
  const found = engine.machines.find(({ arn }) => arn === stateMachineArn);
  if (!found)
    throw awsError('sfn', 'StateMachineDoesNotExist', `State Machine Does Not Exist: '${stateMachineArn}'`);
  return found;
}
