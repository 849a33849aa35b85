/** Retires from outside: starts `packleader-retire`, waits for it and reads its report. */
import { randomUUID } from 'node:crypto';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { hasCode } from '../core/aws/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import { type RetireReport, type RetireRequest, retireReportSchema } from '../core/contract/retirements.ts';
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { messageIn } from '../core/releases/release-outcome.ts';
import { HubNotFound, ReleaseRefused, RetirementFailed, asClientError } from './errors.ts';
import { ExecutionHistory } from './history.ts';
import { type HubOptions, executionArn, hubOf, machineArn } from './hub.ts';
import { type Patience, pollUntilEnd } from './poll.ts';

export type RetireOptions = HubOptions & Patience;

export interface RetireResult extends RetireReport {
  readonly executionArn: string;
}

export interface Restoration {
  readonly executionArn: string;
  readonly releaseId: string;
  /** How many AMIs can be launched again, in all targets. */
  readonly restored: number;
}

const restoredSchema = z.looseObject({ releaseId: z.string(), restored: z.number() });

/**
 * Takes the steps that are due on the way out of versions that nothing uses, or in a dry run only says which, and waits for the report.
 * Safe to repeat: it looks at everything afresh.
 *  @throws ReleaseRefused (the request was wrong), RetirementFailed, WaitTimedOut (it goes on), HubNotFound (also where retiring is not
 *    switched on), HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export async function retireVersions(
  request: Omit<RetireRequest, 'undo' | 'Comment'>,
  options: RetireOptions,
): Promise<RetireResult> {
  const history = await run(request, options);
  const report = retireReportSchema.safeParse(history.outputs.get(STATE_NAMES.retireVersions));
  if (report.success) return { executionArn: history.arn, ...report.data };
  throw failure(history);
}

/**
 * Takes back in every account what was done to one version, as long as its AMIs are there, and waits until that is done. Safe to repeat.
 *  @param release `<image>@<version>`
 *  @throws the same as {@link retireVersions}; ReleaseRefused also when nothing is left of the version
 */
export async function restoreVersion(release: string, options: RetireOptions): Promise<Restoration> {
  const history = await run({ undo: release }, options);
  const restored = restoredSchema.safeParse(history.outputs.get(STATE_NAMES.restoreVersion));
  if (!restored.success) throw failure(history);
  const { releaseId, restored: count } = restored.data;
  return { executionArn: history.arn, releaseId, restored: count };
}

async function run(request: RetireRequest, options: RetireOptions): Promise<ExecutionHistory> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { target, client } = await hubOf(options);
  const name = `by-hand-${randomUUID()}`;
  const history = new ExecutionHistory(executionArn(target, NAMES.retireMachine, name));
  try {
    const stateMachineArn = machineArn(target, NAMES.retireMachine);
    const command = new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(request) });
    await client.send(command, signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    if (hasCode(error, 'StateMachineDoesNotExist'))
      throw new HubNotFound(
        `the hub has no ${NAMES.retireMachine}: set retire: true in packleader.config, a retention in the layers of your images, and deploy`,
        { cause: error },
      );
    throw asClientError(error, 'cannot start packleader-retire');
  }
  return pollUntilEnd(
    history.arn,
    options,
    async () => {
      const steps = await history.read(client, signal);
      return history.ending ? { end: history } : { news: steps.length > 0 };
    },
    { justStarted: true },
  );
}

function failure({ arn, ending }: ExecutionHistory): Error {
  const { name = 'Stopped', cause: told = 'it was stopped' } = ending?.error ?? {};
  const cause = messageIn({ name, cause: told });
  return name === 'InvalidRequest'
    ? new ReleaseRefused(cause)
    : new RetirementFailed(`${arn} did not come to its report: ${name}: ${cause}`);
}
