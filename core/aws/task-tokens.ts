/** Approvals that wait, as the history of their execution tells: the one place where a token is kept, for as long as it is of use. */
import {
  type HistoryEvent,
  SFNClient,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  paginateGetExecutionHistory,
} from '@aws-sdk/client-sfn';
import { type AskedApproval, askedIn } from '../contract/approvals.ts';
import { hasCode, asFact } from './errors.ts';

const stepFunctions = new SFNClient({});

/** The newest approval that an execution asked for. */
export interface ApprovalAsked extends AskedApproval {
  /** What it was answered, as Step Functions tells it; undefined while it waits. */
  readonly answered: string | undefined;
}

/**
 * Looks back from the newest event, past what was asked for later. What follows an answer is told as well, so that one whose reply was
 * lost is not given twice.
 *  @throws PackleaderError AccessDenied, Throttled, ConnectionLost, AwsCallFailed
 */
export async function approvalIn(executionArn: string, until: Date): Promise<ApprovalAsked | undefined> {
  const pages = paginateGetExecutionHistory(
    { client: stepFunctions },
    { executionArn, reverseOrder: true, includeExecutionData: true, maxResults: 100 },
  );
  let answered: string | undefined;
  try {
    for await (const { events = [] } of pages) {
      for (const event of events) {
        const asked = askedIn(event);
        if (asked && Date.parse(asked.enteredAt) <= until.getTime()) return { ...asked, answered };
        answered = asked ? undefined : (endOf(event) ?? answered);
      }
    }
    return undefined;
  } catch (error) {
    if (hasCode(error, 'ExecutionDoesNotExist')) return undefined;
    throw asFact(error);
  }
}

/** That a Task, or the whole execution, is over, and what is said of it. */
function endOf({
  type,
  stateExitedEventDetails: exited,
  taskFailedEventDetails: failed,
}: HistoryEvent): string | undefined {
  if (exited) return exited.output ?? '';
  if (failed) return failed.cause ?? '';
  return type !== undefined && ENDS.test(type) ? '' : undefined;
}

const ENDS = /^TaskTimedOut$|^Execution(Failed|Aborted|TimedOut|Succeeded)$/;

/** @throws the error of Step Functions as it is: who answers knows what it means */
export async function answerToken(
  taskToken: string,
  answer: { readonly output: unknown } | { readonly error: string; readonly cause: string },
): Promise<void> {
  if ('output' in answer)
    await stepFunctions.send(
      new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(answer.output) }),
    );
  else await stepFunctions.send(new SendTaskFailureCommand({ taskToken, ...answer }));
}
