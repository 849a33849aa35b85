/** When a release may be begun once more: docs/decisions/retries.md. */
import { isDeepStrictEqual } from 'node:util';
import { findReleaseImages, snapshotIdsOf } from '../amis/release-images.ts';
import { sightingsIn } from '../amis/sightings.ts';
import { clientsFor } from '../aws/clients.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { endedAbruptly, findExecution, newestState, outputOf, runningExecutions } from '../aws/executions.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { type Leftover, LeftoversRemain } from '../contract/leftovers.ts';
import { MOST_ATTEMPTS, RETRIED_DAYS, SETTLING_MINUTES } from '../contract/limits.ts';
import { NAMES } from '../contract/names.ts';
import { parseJson } from '../contract/parse-json.ts';
import {
  type Plan,
  type PlannedRelease,
  type Release,
  clearedSchema,
  plannedReleaseSchema,
  resolvedSchema,
} from '../contract/releases.ts';
import { STATE_NAMES } from '../contract/state-names.ts';
import { type Target, amiSchema, targetName } from '../contract/targets.ts';
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
  /** Whether it can go on with the AMIs of an attempt that waits for it. */
  readonly takesOver: boolean;
}

/** What a retry takes from the attempts before it. */
export interface Begun {
  readonly pins: Pins;
  /** The stages whose AMIs it keeps. */
  readonly kept: ReadonlySet<string>;
}

/** The ARNs of the other executions of a release, whether or not there are any, in their order. */
export function attemptsAround(
  release: Pick<Release, 'image' | 'version'>,
  executionArn: string,
): { readonly earlier: string[]; readonly later: string[] } {
  const all = Array.from({ length: MOST_ATTEMPTS }, (_, index) =>
    releaseExecutionArn(executionArn, executionName(release, index + 1)),
  );
  const own = all.indexOf(executionArn);
  if (own < 0) throw new Error(`${executionArn} is no attempt of ${release.image} ${release.version}`);
  return { earlier: all.slice(0, own), later: all.slice(own + 1) };
}

/** By target, `<account>/<region>`: the AMI that its bake starts from, whatever is newer. */
export type Pins = ReadonlyMap<string, string>;

/** Whether a release is not so old that Step Functions may forget its first attempt while it is retried. */
export const mayBeRetried = ({ version }: Pick<Release, 'version'>, at: Date): boolean =>
  at.getTime() - startOf(version) < RETRIED_DAYS * 86_400_000;

/**
 * Lets a retry begin only when every attempt before it is dead, and nothing of them is left or at work: then it is like a first one. Or
 * when one waits for it, and there is nothing but what that keeps.
 * Returns the source AMIs that the first attempt to get so far has found, none when no attempt did; and what it keeps.
 *  @throws InvalidRequest (it can never begin), LeftoversRemain (which may be swept), NotReadyYet (who sweeps may end)
 */
export async function beginRetry(retry: Retry): Promise<Begun> {
  const { attempts, kept } = await attemptsBefore(retry);
  const left = [...(await runningBatches(retry, attempts)), ...(await leftInTargets(retry, kept))];
  if (left.length > 0) throw new LeftoversRemain(left);
  await refuseBesideSweep(retry);
  return { pins: await pinsOf(retry.arn, attempts), kept: new Set(kept?.keys()) };
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

/** By stage, and in it by target: the AMI that an attempt before has kept. */
type Kept = ReadonlyMap<string, ReadonlyMap<string, string>>;

async function leftInTargets({ planned, plan }: Retry, keeps: Kept | undefined): Promise<Leftover[]> {
  const targets = plan.stages.flatMap(({ name, targets: own }) =>
    own.map((target) => ({ ...target, stage: name })),
  );
  const left = await inEveryTarget(targets, async (target) => {
    const { accountId, region, stage } = target;
    const expected = new Set(
      keeps?.has(stage)
        ? await keptIn(target, planned.release, keeps.get(stage)?.get(targetName(target)))
        : [],
    );
    const sightings = await sightingsIn(clientsFor(target), target, planned.release.releaseId);
    return sightings
      .filter((one) => !expected.has(one.resourceId))
      .map(({ resourceId, kept, releaseId }) => ({
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

/** The AMI that a target is to have kept, with its snapshots. */
async function keptIn(target: Target, release: Release, imageId: string | undefined): Promise<string[]> {
  const images = await findReleaseImages(clientsFor(target).ec2, release);
  const image = images.find(({ ImageId, State }) => ImageId === imageId && State === 'available');
  if (imageId === undefined || !image)
    throw refused(
      release,
      `${imageId ?? 'an AMI'}, which it would go on with, is not in ${targetName(target)} any more`,
    );
  return [imageId, ...snapshotIdsOf(image)];
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

interface Before {
  /** Names. */
  readonly attempts: readonly string[];
  /** Undefined where all of them are dead. */
  readonly kept: Kept | undefined;
}

/** The attempts before this one; each was told the same, but for its name. All are dead, but for one that may wait for this one. */
async function attemptsBefore({ planned, plan, arn, startedAt, takesOver }: Retry): Promise<Before> {
  const { release, executionName: name } = planned;
  if (!mayBeRetried(release, new Date(startedAt)))
    throw refused(release, `is older than ${RETRIED_DAYS} days`);
  const earlier: string[] = [];
  let kept: Kept | undefined;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const one = executionName(release, attempt);
    if (one === name) return { attempts: earlier, kept };
    const status = await attemptStatusOf(arn, one);
    const waiting =
      takesOver && status?.is === 'running' ? await waitingAttempt(releaseExecutionArn(arn, one)) : undefined;
    const before = waiting ?? (status?.is === 'dead' ? status : undefined);
    if (!before) throw refused(release, status?.why ?? `has no execution ${one}`);
    if (settledAfter(new Date(before.endedAt ?? startedAt)) > new Date(startedAt))
      throw refused(release, `ended less than ${SETTLING_MINUTES} minutes before, and may still be at work`);
    if (!isDeepStrictEqual(before.planned, { ...planned, executionName: one }))
      throw refused(release, `was told something else as ${one}: a retry takes the same source and plan`);
    if (waiting) kept = keptBefore(waiting.document, plan);
    earlier.push(one);
  }
  throw refused(release, `was tried ${MOST_ATTEMPTS} times, or ${name} is none of its attempts`);
}

const waitingSchema = z.object({ amis: z.record(z.string(), z.array(amiSchema)), cleared: clearedSchema });

/** An attempt that has undone the stage it failed in, and waits: since when, what it was told, and what it has kept. */
async function waitingAttempt(arn: string) {
  const newest = await newestState(arn);
  if (newest?.name !== STATE_NAMES.awaitRetry) return undefined;
  const document = waitingSchema.parse(await outputOf(arn, STATE_NAMES.clearFailedStage));
  const input = (await findExecution(arn))?.input ?? 'null';
  return { endedAt: newest.at, document, planned: plannedReleaseSchema.safeParse(parseJson(input)).data };
}

/** The AMIs of the stages before the one that failed. */
function keptBefore({ amis, cleared }: z.infer<typeof waitingSchema>, { stages }: Plan): Kept {
  const failed = stages.findIndex(({ name }) => name === cleared.stage);
  return new Map(
    stages
      .slice(0, Math.max(0, failed))
      .map(({ name }) => [name, new Map((amis[name] ?? []).map((ami) => [targetName(ami), ami.imageId]))]),
  );
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
