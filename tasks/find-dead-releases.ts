import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { asFact } from '../core/aws/errors.ts';
import { ERRORS } from '../core/contract/errors.ts';
import { invalidRequest } from '../core/contract/invalid-request.ts';
import { keys } from '../core/contract/keys.ts';
import type { Leftover } from '../core/contract/leftovers.ts';
import { SETTLING_MINUTES } from '../core/contract/limits.ts';
import { type Plan, type Release, planSchema, plannedReleaseSchema } from '../core/contract/releases.ts';
import { type SweepRequest, sweepRequestSchema } from '../core/contract/requests.ts';
import type { KeptRelease } from '../core/contract/sweeps.ts';
import { type Target, deployedSchema, targetName, targetsOf } from '../core/contract/targets.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { batchesOf } from '../core/releases/batches.ts';
import { executionName, releaseExecutionArn } from '../core/releases/execution-name.ts';
import { findExecution } from '../core/aws/executions.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { announcedReleases } from '../core/releases/announced-releases.ts';
import { readJsonIfThere, writeJson } from '../core/releases/plan-store.ts';
import { type Dead, releaseStatusOf, readReleaseId } from '../core/releases/release-status.ts';
import { keptAfter, tellKept } from '../core/amis/kept-builders.ts';
import { type Sighting, sightingsIn } from '../core/amis/sightings.ts';
import type { DeadRelease, Findings } from '../core/releases/sweep-findings.ts';

const eventSchema = z.object({
  /** What was asked for; a person may have typed it, so it is judged on its own. */
  request: z.unknown(),
  execution: z.object({ id: z.string(), name: z.string(), startedAt: z.string() }),
  bucket: z.string(),
  deployed: deployedSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
});
type Event = z.infer<typeof eventSchema>;

/** What the next states need; the rest is in the bucket. */
interface Found {
  readonly bucket: string;
  readonly sweep: string;
  readonly dryRun: boolean;
  readonly releases: readonly { readonly releaseId: string; readonly settledAt: string }[];
}

/** What the state machine's document has room for, many times over; the rest is for the next sweep. */
const RELEASES_PER_SWEEP = 100;
/** How often a target that could not be looked at is looked at again, before it is only reported. */
const LOOKS = 4;

/** Finds by tag, in every target, the releases that something is left of although they can never be released any more.
 *  In      { request: {} | { olderThanMinutes } | { release } | { execution } (and dryRun), execution: { id, name, startedAt }, bucket, deployed, attempt }
 *  Out     { bucket, sweep, dryRun, releases: [{ releaseId, settledAt }] }; the findings are in the bucket
 *  Errors  InvalidRequest, Throttled, ConnectionLost (retried); a target that may not be looked at is a leftover
 *  Repeat  safe: only reads, and writes the same object again
 *  @see    https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html */
export async function handler(event: unknown): Promise<Found> {
  const told = parseEvent(eventSchema, event);
  const { bucket, execution, deployed } = told;
  const request = parseSweepRequest(told.request);
  const { dryRun = false, olderThanMinutes = 0 } = request;
  const only = request.release ?? (request.execution && (await releaseOf(request.execution)));
  const nothing = request.execution !== undefined && only === undefined;
  const planned = only === undefined ? undefined : await plannedTargets(told, only);
  const { sightings, leftovers } = nothing
    ? { sightings: [], leftovers: [] }
    : await lookEverywhere(planned ?? targetsOf(deployed), only, told.attempt);
  const seen = Map.groupBy(sightings, ({ releaseId }) => releaseId);
  if (only !== undefined && !seen.has(only)) seen.set(only, []);
  const recorded = await announcedReleases(bucket);
  const findings: { releases: DeadRelease[]; kept: KeptRelease[]; leftovers: Leftover[] } = {
    releases: [],
    kept: [],
    leftovers,
  };
  // Who asks for a release by its name wants nothing of it to be left.
  const evenKept = request.release !== undefined;
  const spares = evenKept ? () => false : keptAfter(execution.startedAt);
  for (const [releaseId, all] of seen) {
    const isKept = ({ kept }: Seen) => kept !== undefined && spares(kept.until);
    const found = all.filter((one) => !isKept(one));
    const status = await releaseStatusOf({
      releaseId,
      executions: valuesOf(all, 'execution'),
      states: valuesOf(all, 'state'),
      published: found.some(({ published }) => published),
      recorded,
      sweepArn: execution.id,
      now: execution.startedAt,
    });
    const leave = (why: string) => findings.leftovers.push(...found.map((one) => left(one, why)));
    const keep = (is: KeptRelease['is'], why: string) => findings.kept.push({ releaseId, is, why });
    if (status.is !== 'dead') {
      // Of what was released nobody wants a list, unless it was asked for by name.
      if (status.is === 'unclear') leave(status.why);
      if (status.is === 'running' || only !== undefined) keep(status.is, status.why);
    } else if (only === undefined && isYoung(status, execution.startedAt, olderThanMinutes)) {
      keep('recent', `${status.why} less than ${olderThanMinutes} minutes ago`);
    } else if (findings.releases.length >= RELEASES_PER_SWEEP) {
      leave('this sweep has enough; the next one removes it');
    } else {
      const builders = new Map(all.filter(isKept).map((one) => [one.kept?.instanceId, one]));
      for (const { kept: builder, ...target } of builders.values())
        if (builder) keep('kept', tellKept(builder, target, releaseId));
      // What is named is swept at any rate: a bake of it may be about to begin.
      if (found.length > 0 || builders.size === 0 || only !== undefined)
        findings.releases.push({
          ...(await deadRelease(told, releaseId, status, found)),
          ...(evenKept && { evenKept }),
        });
    }
  }
  await writeJson({ bucket, key: keys.findings(execution.name) }, findings satisfies Findings);
  return {
    bucket,
    sweep: execution.name,
    dryRun,
    releases: findings.releases.map(({ release, settledAt }) => ({
      releaseId: release.releaseId,
      settledAt,
    })),
  };
}

type Seen = Sighting & Target;

/** Understands what a person, an event or a schedule asked for. */
function parseSweepRequest(asked: unknown): SweepRequest {
  const parsed = sweepRequestSchema.safeParse(asked);
  if (parsed.success && !(parsed.data.release !== undefined && parsed.data.execution !== undefined)) {
    const { release } = parsed.data;
    if (release === undefined || readReleaseId(release)) return parsed.data;
  }
  const issues = parsed.success ? [] : parsed.error.issues.map(({ message }) => message);
  throw invalidRequest(
    issues,
    '{} (everything), { "dryRun": true } and { "release": "linux-base@1.4.20261121093000" }',
  );
}

/** The release of an execution that an event told of; undefined when it was never told what to release. */
async function releaseOf(arn: string): Promise<string | undefined> {
  const execution = await findExecution(arn);
  const input = plannedReleaseSchema.safeParse(JSON.parse(execution?.input ?? 'null'));
  return input.success ? input.data.release.releaseId : undefined;
}

/** Where a release was to be baked, as its own plan says: that need not be what is deployed now. */
async function plannedTargets({ execution }: Event, releaseId: string): Promise<Target[] | undefined> {
  const identity = readReleaseId(releaseId);
  const found = identity && (await findExecution(releaseExecutionArn(execution.id, executionName(identity))));
  const input = plannedReleaseSchema.safeParse(JSON.parse(found?.input ?? 'null'));
  if (!input.success) return undefined;
  const plan = await planAt(input.data.plan);
  return plan?.stages.flatMap(({ targets }) => targets);
}

async function planAt({ bucket, prefix }: { bucket: string; prefix: string }): Promise<Plan | undefined> {
  const document = await readJsonIfThere({ bucket, key: keys.plan(prefix) });
  return document === undefined ? undefined : planSchema.parse(document);
}

/** One target that cannot be looked at keeps nobody from looking at the others. */
async function lookEverywhere(
  targets: readonly Target[],
  only: string | undefined,
  attempt: number,
): Promise<{ sightings: Seen[]; leftovers: Leftover[] }> {
  const leftovers: Leftover[] = [];
  const sightings = await inEveryTarget(targets, async ({ accountId, region }) => {
    const target = { accountId, region };
    try {
      const seen = await sightingsIn(clientsFor(target), target, only);
      return seen.map((sighting) => ({ ...sighting, ...target }));
    } catch (error) {
      const { name, message } = asFact(error);
      if (attempt < LOOKS && (name === ERRORS.throttled || name === ERRORS.connectionLost)) throw error;
      leftovers.push({
        ...target,
        resourceId: only ?? 'anything',
        why: `could not be looked at: ${name}: ${message}`,
      });
      return [];
    }
  });
  return { sightings: sightings.flat(), leftovers };
}

function valuesOf(found: readonly Sighting[], field: 'execution' | 'state'): Set<string> {
  return new Set(found.flatMap((one) => one[field] ?? []));
}

function left({ accountId, region, resourceId, releaseId }: Seen, why: string): Leftover {
  return { accountId, region, resourceId, why: `of ${releaseId}: ${why}` };
}

function isYoung({ endedAt }: Dead, now: string, olderThanMinutes: number): boolean {
  return endedAt !== undefined && Date.parse(now) - Date.parse(endedAt) < olderThanMinutes * 60_000;
}

async function deadRelease(
  { execution }: Event,
  releaseId: string,
  { why, endedAt, publishing, planned, attempts }: Dead,
  found: readonly Seen[],
): Promise<DeadRelease> {
  const plan = planned && (await planAt(planned.plan));
  const targets = new Map(
    [...(plan?.stages.flatMap((stage) => stage.targets) ?? []), ...found].map(({ accountId, region }) => [
      targetName({ accountId, region }),
      { accountId, region },
    ]),
  );
  const ended = endedAt === undefined ? 0 : Date.parse(endedAt);
  return {
    release: planned?.release ?? releaseSeen(releaseId, found),
    why,
    settledAt: new Date(publishing ? ended + SETTLING_MINUTES * 60_000 : ended).toISOString(),
    batches: plan ? attempts.flatMap((name) => batchesOf(execution.id, name, plan)) : [],
    targets: [...targets.values()].map((target) => ({
      ...target,
      resourceIds: found
        .filter((one) => targetName(one) === targetName(target))
        .map(({ resourceId }) => resourceId),
    })),
  };
}

/** As much of a forgotten release as its tags tell. */
function releaseSeen(releaseId: string, found: readonly Sighting[]): Release {
  const { image = '', version = '' } = readReleaseId(releaseId) ?? {};
  return {
    releaseId,
    image,
    version,
    commit: found.find(({ commit }) => commit !== undefined)?.commit ?? '',
    repository: found.find(({ repository }) => repository !== undefined)?.repository ?? '',
    prerelease: version.includes('-'),
  };
}
