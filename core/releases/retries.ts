/** When a release may be begun once more: docs/decisions/retries.md. */
import { sightingsIn } from '../amis/sightings.ts';
import { clientsFor } from '../aws/clients.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { endedAbruptly, findExecution, runningExecutions } from '../aws/executions.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { MOST_ATTEMPTS, RETRIED_DAYS, SETTLING_MINUTES } from '../contract/limits.ts';
import { NAMES } from '../contract/names.ts';
import type { Plan, Release } from '../contract/releases.ts';
import { batchesOf } from './batches.ts';
import { executionName } from './execution-name.ts';
import { attemptStatusOf, startOf } from './release-status.ts';

export interface Retry {
  readonly release: Release;
  readonly plan: Plan;
  /** The name and the ARN of the execution that retries. */
  readonly name: string;
  readonly arn: string;
  readonly startedAt: string;
}

/** Whether a release is not so old that Step Functions may forget its first attempt while it is retried. */
export const mayBeRetried = ({ version }: Pick<Release, 'version'>, at: Date): boolean =>
  at.getTime() - startOf(version) < RETRIED_DAYS * 86_400_000;

/** When nothing that an execution has left running can do anything any more. */
export const settledAfter = (endedAt: Date): Date => new Date(endedAt.getTime() + SETTLING_MINUTES * 60_000);

/**
 * Lets a retry begin only when every attempt before it is dead, and nothing of them is left or at work: then it is like a first one.
 *  @throws InvalidRequest (it can never begin), NotReadyYet (what is left may be swept, and who sweeps may end)
 */
export async function refuseHastyRetry(retry: Retry): Promise<void> {
  const earlier = await deadAttempts(retry);
  const batches = earlier.flatMap((name) => batchesOf(retry.arn, name, retry.plan));
  for (const arn of batches) {
    if ((await findExecution(arn))?.status === 'RUNNING') throw notReadyYet(`${arn} still bakes for it`);
  }
  const { release, plan } = retry;
  const targets = plan.stages.flatMap((stage) => stage.targets);
  await inEveryTarget(targets, async (target) => {
    const [first] = await sightingsIn(clientsFor(target), target, release.releaseId);
    if (first)
      throw notReadyYet(
        `${first.resourceId} of an earlier attempt is left: packleader sweep ${release.releaseId}`,
      );
  });
  await refuseBesideSweep(retry);
}

/** The names of the attempts before this one. */
async function deadAttempts({ release, name, arn, startedAt }: Retry): Promise<string[]> {
  if (!mayBeRetried(release, new Date(startedAt)))
    throw refused(release, `is older than ${RETRIED_DAYS} days`);
  const earlier: string[] = [];
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const one = executionName(release, attempt);
    if (one === name) return earlier;
    const status = await attemptStatusOf(arn, one);
    if (status?.is !== 'dead') throw refused(release, status?.why ?? `has no execution ${one}`);
    if (settledAfter(new Date(status.endedAt ?? startedAt)) > new Date(startedAt))
      throw refused(release, `ended less than ${SETTLING_MINUTES} minutes before, and may still be at work`);
    earlier.push(one);
  }
  throw refused(release, `was tried ${MOST_ATTEMPTS} times, or ${name} is none of its attempts`);
}

/**
 * A sweep that looked before this execution began took the release for dead, and may still be removing. One that looks later sees
 * that it runs. A sweep that was stopped leaves a function at work, like any execution.
 */
async function refuseBesideSweep({ arn, startedAt }: Retry): Promise<void> {
  const at = new Date(startedAt);
  const running = await runningExecutions(arn, NAMES.sweepMachine);
  const abrupt = await endedAbruptly(arn, NAMES.sweepMachine);
  const atWork = [
    ...running.filter(({ startDate }) => startDate === undefined || startDate <= at),
    ...abrupt.filter(({ stopDate }) => stopDate === undefined || settledAfter(stopDate) > at),
  ];
  const [one] = atWork;
  if (one) throw notReadyYet(`the sweep ${one.name} may still be at work`);
}

const refused = ({ releaseId }: Release, why: string): PackleaderError =>
  new PackleaderError(ERRORS.invalidRequest, `${releaseId} cannot be retried: ${why}`);

const notReadyYet = (why: string): PackleaderError => new PackleaderError(ERRORS.notReadyYet, why);
