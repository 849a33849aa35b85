/** Keeps an attempt from going on beside a later one of the same release: docs/decisions/retries.md. */
import * as z from 'zod';
import { findExecution } from '../aws/executions.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { MOST_ATTEMPTS } from '../contract/limits.ts';
import type { Release } from '../contract/releases.ts';
import { executionName, releaseExecutionArn } from './execution-name.ts';

/** What a task of a release is told of the execution that calls it. A machine that was deployed before tells nothing. */
export const runSchema = z
  .object({
    executionArn: z.string(),
    /** How often somebody had the execution go on after it had ended. */
    redriveCount: z.number().int(),
  })
  .optional();
export type Run = z.infer<typeof runSchema>;

/**
 * Refuses an execution that was redriven although its release was retried: what it does, and undoes, would be the retry's. One that was
 * not redriven asks nothing: a retry begins only when every attempt before it has ended.
 *  @throws ReleaseRetried, for which no state tries again
 */
export async function refuseBesideRetry(release: Release, run: Run): Promise<void> {
  if (run === undefined || run.redriveCount === 0) return;
  const { executionArn } = run;
  const attempts = Array.from({ length: MOST_ATTEMPTS }, (_, index) => executionName(release, index + 1));
  const own = attempts.findIndex((name) => releaseExecutionArn(executionArn, name) === executionArn);
  const next = attempts[own + 1];
  if (next === undefined || !(await findExecution(releaseExecutionArn(executionArn, next)))) return;
  throw new PackleaderError(
    ERRORS.releaseRetried,
    `${release.releaseId} was retried as ${next}: this earlier attempt must not be redriven, and does nothing any more`,
  );
}
