/** When a release may be begun once more: docs/decisions/retries.md. */
import { isDeepStrictEqual } from 'node:util';
import { sightingsIn } from '../amis/sightings.ts';
import { clientsFor } from '../aws/clients.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { endedAbruptly, findExecution, outputOf, runningExecutions } from '../aws/executions.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { type Leftover, LeftoversRemain } from '../contract/leftovers.ts';
import { MOST_ATTEMPTS, RETRIED_DAYS, SETTLING_MINUTES } from '../contract/limits.ts';
import { NAMES } from '../contract/names.ts';
import { type Plan, type PlannedRelease, type Release, resolvedSchema } from '../contract/releases.ts';
import { STATE_NAMES } from '../contract/state-names.ts';
import { targetName } from '../contract/targets.ts';
import * as z from 'zod';
import { batchesOf } from './batches.ts';
import { executionName, releaseExecutionArn } from './execution-name.ts';
import { attemptStatusOf, startOf } from './release-status.ts';
import { settledAfter } from './settling.ts';

export interface Retry {
  /** What it was told to release; its name is that of the execution that retries. */
  readonly planned: PlannedRelease;
  readonly plan: Plan;
  readonly arn: string;
  readonly startedAt: string;
}

/** By target, `<account>/<region>`: the AMI that its bake starts from, whatever is newer. */
export type Pins = ReadonlyMap<string, string>;

/** Whether a release is not so old that Step Functions may forget its first attempt while it is retried. */
export const mayBeRetried = ({ version }: Pick<Release, 'version'>, at: Date): boolean =>
  at.getTime() - startOf(version) < RETRIED_DAYS * 86_400_000;

/**
 * Lets a retry begin only when every attempt before it is dead, and nothing of them is left or at work: then it is like a first one.
 * Returns the source AMIs that the first attempt to get so far has found; none when no attempt did.
 *  @throws InvalidRequest (it can never begin), LeftoversRemain (which may be swept), NotReadyYet (who sweeps may end)
 */
export async function beginRetry(retry: Retry): Promise<Pins> {
  const earlier = await deadAttempts(retry);
  const left = [...(await runningBatches(retry, earlier)), ...(await leftInTargets(retry))];
  if (left.length > 0) throw new LeftoversRemain(left);
  await refuseBesideSweep(retry);
  return pinsOf(retry.arn, earlier);
}

/** What still bakes for an earlier attempt may make something at any time. */
async function runningBatches({ arn, plan }: Retry, attempts: readonly string[]): Promise<Leftover[]> {
  const running: Leftover[] = [];
  for (const resourceId of attempts.flatMap((name) => batchesOf(arn, name, plan))) {
    if ((await findExecution(resourceId))?.status !== 'RUNNING') continue;
    const [, , , region = '', accountId = ''] = arn.split(':');
    running.push({ accountId, region, resourceId, why: 'it still bakes for an earlier attempt' });
  }
  return running;
}

async function leftInTargets({ planned, plan }: Retry): Promise<Leftover[]> {
  const targets = plan.stages.flatMap((stage) => stage.targets);
  const left = await inEveryTarget(targets, async (target) => {
    const { accountId, region } = target;
    const sightings = await sightingsIn(clientsFor(target), target, planned.release.releaseId);
    return sightings.map(({ resourceId, kept, releaseId }) => ({
      accountId,
      region,
      resourceId,
      why: kept
        ? `it is kept until ${kept.until}, or packleader sweep ${releaseId}`
        : 'it is of an earlier attempt',
    }));
  });
  return left.flat();
}

const documentSchema = z.object({ resolved: resolvedSchema });

/** All attempts start from the same AMIs: those of the first one that found any. */
async function pinsOf(arn: string, attempts: readonly string[]): Promise<Pins> {
  for (const name of attempts) {
    const output = await outputOf(releaseExecutionArn(arn, name), STATE_NAMES.resolveSourceAmis);
    // One that failed hands on its document without them.
    if (output === undefined || !Object.hasOwn(Object(output), 'resolved')) continue;
    const stages = Object.values(documentSchema.parse(output).resolved);
    const bakes = stages.flatMap(({ batches }) => batches.flatMap(({ targets }) => targets));
    return new Map(bakes.map((bake) => [targetName(bake), bake.sourceImageId]));
  }
  return new Map();
}

/** The names of the attempts before this one; each was told the same, but for its name. */
async function deadAttempts({ planned, arn, startedAt }: Retry): Promise<string[]> {
  const { release, executionName: name } = planned;
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
    if (!isDeepStrictEqual(status.planned, { ...planned, executionName: one }))
      throw refused(release, `was told something else as ${one}: a retry takes the same source and plan`);
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
