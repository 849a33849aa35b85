/** Releases that wait until somebody approves them. */
import {
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type SFNClient,
  paginateListExecutions,
} from '@aws-sdk/client-sfn';
import pMap from 'p-map';
import { type AskedApproval, askedIn, waitsUntil } from '../core/contract/approvals.ts';
import { NAMES } from '../core/contract/names.ts';
import { asClientError } from './errors.ts';
import { type HubOptions, hubOf, machineArn } from './hub.ts';

/** What a release waits for. */
export interface WaitingFor {
  /** What is baked once it is approved. */
  readonly stage: string;
  /** When it is rolled back unless somebody approves, ISO 8601. */
  readonly until: string;
  /** Whether whoever started it may not approve it. */
  readonly fourEyes: boolean;
}

export interface WaitingRelease extends WaitingFor {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  /** Of `packleader-release-image`. */
  readonly executionArn: string;
}

/** Executions whose last events are read at the same time. */
const READS = 5;
/** Of a Task that waits, the last event but one or two tells what it has asked. */
const NEWEST = 10;

/**
 * Every release that waits for approval, oldest first.
 *  @throws HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function waitingReleases(options: HubOptions = {}): Promise<WaitingRelease[]> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { target, client } = await hubOf(options);
  const stateMachineArn = machineArn(target, NAMES.releaseImageMachine);
  try {
    const pages = await Array.fromAsync(
      paginateListExecutions({ client }, { stateMachineArn, statusFilter: 'RUNNING' }),
    );
    const running = pages.flatMap(({ executions = [] }) => executions).toReversed();
    const found = await pMap(
      running,
      async ({ executionArn = '' }) => waitingOf(client, executionArn, signal),
      { concurrency: READS },
    );
    return found.filter((one) => one !== undefined);
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot tell what waits in ${stateMachineArn}`);
  }
}

async function waitingOf(
  client: SFNClient,
  executionArn: string,
  signal: AbortSignal | undefined,
): Promise<WaitingRelease | undefined> {
  const command = new GetExecutionHistoryCommand({
    executionArn,
    reverseOrder: true,
    includeExecutionData: true,
    maxResults: NEWEST,
  });
  const { events = [] } = await client.send(command, signal ? { abortSignal: signal } : {});
  for (const event of events) {
    const asked = askedIn(event);
    if (asked) {
      const { releaseId, image, version } = asked.release;
      return { releaseId, image, version, executionArn, ...waitingFor(asked) };
    }
    if (!isWaiting(event)) return undefined;
  }
  return undefined;
}

/** Whether an event of a Task leaves it waiting. */
const isWaiting = ({ type }: HistoryEvent): boolean => type === 'TaskStarted' || type === 'TaskSubmitted';

export const waitingFor = (asked: AskedApproval): WaitingFor => ({
  stage: asked.stage,
  until: waitsUntil(asked).toISOString(),
  fourEyes: asked.approval.fourEyes === true,
});
