/** Sweeps from outside: starts `packleader-sweep`, waits for it and reads its report. */
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { randomUUID } from 'node:crypto';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { NAMES } from '../core/contract/names.ts';
import type { SweepRequest } from '../core/contract/requests.ts';
import { type SweepReport, sweepReportSchema } from '../core/contract/sweeps.ts';
import { lambdaMessage } from '../core/releases/release-outcome.ts';
import { type Clock, REAL_TIME, pause } from './clock.ts';
import {
  HubUnreachable,
  ReleaseNotFound,
  ReleaseRefused,
  SweepFailed,
  Throttled,
  WaitTimedOut,
  asClientError,
} from './errors.ts';
import { ExecutionHistory } from './history.ts';
import { type HubOptions, executionArn, hubOf, machineArn } from './hub.ts';

export interface SweepOptions extends HubOptions {
  /** By default the real time. */
  readonly clock?: Clock;
  /** How long to wait at most; for ever by default. A sweep itself ends after hours at the latest. */
  readonly timeoutMs?: number;
}

export interface SweepResult extends SweepReport {
  readonly executionArn: string;
}

const DELAY_MS = 5_000;
/** So many looks in a row may be throttled or lost. */
const LOST_LOOKS = 60;

const reportedSchema = z.looseObject({ report: sweepReportSchema });

/**
 * Sweeps, and waits for the report. Safe to repeat: a sweep finds what it removes by tag.
 *  @throws ReleaseRefused (the request was wrong), SweepFailed, WaitTimedOut (it goes on), HubNotFound, HubUnknown,
 *    AccessDenied, NoCredentials, Throttled, HubUnreachable
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export async function sweep(request: SweepRequest, options: SweepOptions): Promise<SweepResult> {
  const { signal, clock = REAL_TIME, timeoutMs } = options;
  signal?.throwIfAborted();
  const { target, client } = await hubOf(options);
  const name = `by-hand-${randomUUID()}`;
  const history = new ExecutionHistory(executionArn(target, NAMES.sweepMachine, name));
  try {
    const stateMachineArn = machineArn(target, NAMES.sweepMachine);
    const command = new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(request) });
    await client.send(command, signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, 'cannot start a sweep');
  }
  const deadline = timeoutMs === undefined ? Infinity : clock.now().getTime() + timeoutMs;
  for (let lost = 0; !history.ending;) {
    try {
      await history.read(client, signal);
      lost = 0;
    } catch (error) {
      // Just after the start an execution may not be seen yet.
      const passes = [Throttled, HubUnreachable, ReleaseNotFound].some((known) => error instanceof known);
      if (!passes || ++lost >= LOST_LOOKS) throw error;
    }
    if (history.ending) break;
    const left = deadline - clock.now().getTime();
    if (left <= 0)
      throw new WaitTimedOut(`${history.arn} still runs after ${(timeoutMs ?? 0) / 1000} s; it goes on`);
    await pause(clock, Math.min(left, DELAY_MS), signal);
  }
  return reportOf(history);
}

function reportOf({ arn, outputs, ending }: ExecutionHistory): SweepResult {
  const reported = reportedSchema.safeParse(outputs.get(STATE_NAMES.reportSweep));
  if (reported.success) return { executionArn: arn, ...reported.data.report };
  const { name = 'Stopped', cause: told = 'it was stopped' } = ending?.error ?? {};
  const cause = lambdaMessage(told);
  if (name === 'InvalidRequest') throw new ReleaseRefused(cause);
  throw new SweepFailed(`${arn} did not come to its report: ${name}: ${cause}`);
}
