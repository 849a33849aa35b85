/** Retires from outside: starts `packleader-retire`, waits for it and reads its report. */
import * as z from 'zod';
import { ERRORS } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import { type RetireReport, type RetireRequest, retireReportSchema } from '../core/contract/retirements.ts';
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { HubNotFound, ReleaseRefused, RetirementFailed } from './errors.ts';
import type { ExecutionHistory } from './history.ts';
import type { HubOptions } from './hub.ts';
import type { Patience } from './poll.ts';
import { failureOf, runByHand } from './run-by-hand.ts';

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
  try {
    return await runByHand(NAMES.retireMachine, request, options);
  } catch (error) {
    if (!(error instanceof HubNotFound)) throw error;
    throw new HubNotFound(
      `the hub has no ${NAMES.retireMachine}: set retire: true in packleader.config, a retention in the layers of your images, and deploy`,
      { cause: error },
    );
  }
}

function failure(history: ExecutionHistory): Error {
  const { name, cause } = failureOf(history);
  return name === ERRORS.invalidRequest
    ? new ReleaseRefused(cause)
    : new RetirementFailed(`${history.arn} did not come to its report: ${name}: ${cause}`);
}
