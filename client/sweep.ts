/** Sweeps from outside: starts `packleader-sweep`, waits for it and reads its report. */
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { randomUUID } from 'node:crypto';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { NAMES } from '../core/contract/names.ts';
import type { SweepRequest } from '../core/contract/requests.ts';
import { type SweepReport, sweepReportSchema } from '../core/contract/sweeps.ts';
import { messageIn } from '../core/releases/release-outcome.ts';
import { type Patience, pollUntilEnd } from './poll.ts';
import { ReleaseRefused, SweepFailed, asClientError } from './errors.ts';
import { ExecutionHistory } from './history.ts';
import { type HubOptions, executionArn, hubOf, machineArn } from './hub.ts';

export type SweepOptions = HubOptions & Patience;

export interface SweepResult extends SweepReport {
  readonly executionArn: string;
}

const reportedSchema = z.looseObject({ report: sweepReportSchema });

/**
 * Sweeps, and waits for the report. Safe to repeat: a sweep finds what it removes by tag.
 *  @throws ReleaseRefused (the request was wrong), SweepFailed, WaitTimedOut (it goes on), HubNotFound, HubUnknown,
 *    AccessDenied, NoCredentials, Throttled, HubUnreachable
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export async function sweep(request: SweepRequest, options: SweepOptions): Promise<SweepResult> {
  const { signal } = options;
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
  return pollUntilEnd(
    history.arn,
    options,
    async () => {
      const steps = await history.read(client, signal);
      return history.ending ? { end: reportOf(history) } : { news: steps.length > 0 };
    },
    { justStarted: true },
  );
}

function reportOf({ arn, outputs, ending }: ExecutionHistory): SweepResult {
  const reported = reportedSchema.safeParse(outputs.get(STATE_NAMES.reportSweep));
  if (reported.success) return { executionArn: arn, ...reported.data.report };
  const { name = 'Stopped', cause: told = 'it was stopped' } = ending?.error ?? {};
  const cause = messageIn({ name, cause: told });
  if (name === 'InvalidRequest') throw new ReleaseRefused(cause);
  throw new SweepFailed(`${arn} did not come to its report: ${name}: ${cause}`);
}
