/** Sweeps from outside: starts `packleader-sweep`, waits for it and reads its report. */
import { STATE_NAMES } from '../core/contract/state-names.ts';
import * as z from 'zod';
import { ERRORS } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import type { SweepRequest } from '../core/contract/requests.ts';
import { type SweepReport, sweepReportSchema } from '../core/contract/sweeps.ts';
import { ReleaseRefused, SweepFailed } from './errors.ts';
import type { HubOptions } from './hub.ts';
import type { Patience } from './poll.ts';
import { failureOf, runByHand } from './run-by-hand.ts';

export type SweepOptions = HubOptions & Patience;

export interface SweepResult extends SweepReport {
  readonly executionArn: string;
}

const reportedSchema = z.looseObject({ report: sweepReportSchema });

/**
 * Sweeps, and waits for the report. Safe to repeat: a sweep finds what it removes by tag.
 *  @throws ReleaseRefused (the request was wrong), SweepFailed, WaitTimedOut (it goes on), HubNotFound, HubUnknown,
 *    AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function sweep(request: SweepRequest, options: SweepOptions): Promise<SweepResult> {
  const history = await runByHand(NAMES.sweepMachine, request, options);
  const { arn, outputs } = history;
  const reported = reportedSchema.safeParse(outputs.get(STATE_NAMES.reportSweep));
  if (reported.success) return { executionArn: arn, ...reported.data.report };
  const { name, cause } = failureOf(history);
  if (name === ERRORS.invalidRequest) throw new ReleaseRefused(cause);
  throw new SweepFailed(`${arn} did not come to its report: ${name}: ${cause}`);
}
