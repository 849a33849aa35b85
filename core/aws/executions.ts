import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  SFNClient,
  type ExecutionListItem,
  type ExecutionStatus,
  type HistoryEvent,
  ListExecutionsCommand,
  StopExecutionCommand,
  paginateGetExecutionHistory,
  paginateListExecutions,
} from '@aws-sdk/client-sfn';
import { asFact, hasCode } from './errors.ts';

const stepFunctions = new SFNClient({});

/** An execution, or undefined when Step Functions does not know it, or not any more: it forgets after 90 days.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export async function findExecution(
  executionArn: string,
): Promise<Omit<DescribeExecutionCommandOutput, '$metadata'> | undefined> {
  try {
    return await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  } catch (error) {
    if (hasCode(error, 'ExecutionDoesNotExist')) return undefined;
    throw asFact(error);
  }
}

/** Every event of an execution so far, in order. @param options.data whether with what its states were given, and handed on */
export async function eventsOf(
  executionArn: string,
  { data }: { readonly data: boolean },
): Promise<HistoryEvent[]> {
  const asked = { executionArn, includeExecutionData: data, maxResults: 1_000 };
  try {
    const pages = await Array.fromAsync(paginateGetExecutionHistory({ client: stepFunctions }, asked));
    return pages.flatMap(({ events = [] }) => events);
  } catch (error) {
    throw asFact(error);
  }
}

/** The names of the states an execution has entered, the last one first. */
export async function enteredStates(executionArn: string): Promise<string[]> {
  const names: string[] = [];
  const pages = paginateGetExecutionHistory(
    { client: stepFunctions },
    { executionArn, reverseOrder: true, includeExecutionData: false, maxResults: 1_000 },
  );
  try {
    for await (const { events = [] } of pages) {
      for (const { stateEnteredEventDetails: entered } of events) if (entered?.name) names.push(entered.name);
    }
  } catch (error) {
    throw asFact(error);
  }
  return names;
}

/** The state that an execution has entered last, and when; undefined before the first. */
export async function newestState(
  executionArn: string,
): Promise<{ readonly name: string; readonly at: Date } | undefined> {
  const pages = paginateGetExecutionHistory(
    { client: stepFunctions },
    { executionArn, reverseOrder: true, includeExecutionData: false, maxResults: 100 },
  );
  try {
    for await (const { events = [] } of pages)
      for (const { stateEnteredEventDetails: entered, timestamp } of events)
        if (entered?.name && timestamp) return { name: entered.name, at: timestamp };
    return undefined;
  } catch (error) {
    throw asFact(error);
  }
}

/** What a state of an execution handed on first, also when a Catch took its error; undefined when it never came to its end. */
export async function outputOf(executionArn: string, state: string): Promise<unknown> {
  const pages = paginateGetExecutionHistory({ client: stepFunctions }, { executionArn, maxResults: 100 });
  try {
    for await (const { events = [] } of pages) {
      for (const { stateExitedEventDetails: exited } of events)
        if (exited?.name === state) return JSON.parse(exited.output ?? 'null');
    }
    return undefined;
  } catch (error) {
    throw asFact(error);
  }
}

/** Stops an execution that still runs; one that has ended, or never began, is a success. */
export async function stopRunning(executionArn: string, cause: string): Promise<void> {
  const execution = await findExecution(executionArn);
  if (execution?.status !== 'RUNNING') return;
  try {
    await stepFunctions.send(new StopExecutionCommand({ executionArn, error: 'Swept', cause }));
  } catch (error) {
    throw asFact(error);
  }
}

/** The executions of a machine of the same hub that run. */
export async function runningExecutions(anotherArn: string, machine: string): Promise<ExecutionListItem[]> {
  const asked = { stateMachineArn: machineArn(anotherArn, machine), statusFilter: 'RUNNING' as const };
  try {
    const pages = await Array.fromAsync(paginateListExecutions({ client: stepFunctions }, asked));
    return pages.flatMap(({ executions = [] }) => executions);
  } catch (error) {
    throw asFact(error);
  }
}

/** The newest executions of a machine of the same hub that were stopped, or ran out of time. */
export async function endedAbruptly(anotherArn: string, machine: string): Promise<ExecutionListItem[]> {
  const list = async (statusFilter: ExecutionStatus) =>
    stepFunctions.send(
      new ListExecutionsCommand({ stateMachineArn: machineArn(anotherArn, machine), statusFilter }),
    );
  try {
    const pages = await Promise.all([list('ABORTED'), list('TIMED_OUT')]);
    return pages.flatMap(({ executions = [] }) => executions);
  } catch (error) {
    throw asFact(error);
  }
}

/** The ARN of another machine in the same account and region. */
function machineArn(anotherArn: string, machine: string): string {
  const [arn, partition, service, region, account] = anotherArn.split(':');
  return [arn, partition, service, region, account, 'stateMachine', machine].join(':');
}
