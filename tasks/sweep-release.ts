import * as z from 'zod';
import { announcedReleases } from '../core/releases/announced-releases.ts';
import { consumersOf, takeBackIn } from '../core/amis/consumers.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { keys } from '../core/contract/keys.ts';
import { type Leftover, LeftoversRemain } from '../core/contract/leftovers.ts';
import { stopRunning } from '../core/aws/executions.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { readJson, writeJson } from '../core/releases/plan-store.ts';
import { releaseStatusOf } from '../core/releases/release-status.ts';
import { type DeadRelease, findingsSchema, type SweptRelease } from '../core/releases/sweep-findings.ts';
import { keptAfter, sparesNone } from '../core/amis/kept-builders.ts';
import { takeBackAll } from '../core/amis/take-back.ts';
import { undoBake } from '../core/amis/undo-bake.ts';
import { undoPublication } from '../core/publication/undo-publication.ts';
import { leftInEveryTarget } from '../core/aws/undo-targets.ts';

const eventSchema = z.object({
  releaseId: z.string(),
  bucket: z.string(),
  sweep: z.string(),
  execution: z.object({ id: z.string(), startedAt: z.string() }),
  /** Whether other accounts may have been let launch its AMIs, or copy them. */
  shares: z.literal(true).optional(),
});

/** Removes everything of one dead release from every target: stops its bakes, takes it out of consumers' sight everywhere,
 *  then removes what was made, in the order AWS demands. What something uses is quarantined; a builder that is kept stays
 *  until its time is over, or somebody asked for the release by its name.
 *  In      { releaseId, bucket, sweep, execution: { id, startedAt }, shares? }
 *  Out     { releaseId, leftovers: 0 }; the list is in the bucket, and also what was spared, and why
 *  Errors  LeftoversRemain (retried, then the sweep is incomplete), Throttled, ConnectionLost (retried)
 *  Repeat  safe: finds by tag and name, absent is success
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html */
export async function handler(event: unknown): Promise<{ releaseId: string; leftovers: number }> {
  const { releaseId, bucket, sweep, execution, shares } = parseEvent(eventSchema, event);
  const { releases } = findingsSchema.parse(await readJson({ bucket, key: keys.findings(sweep) }));
  const dead = releases.find(({ release }) => release.releaseId === releaseId);
  if (!dead) throw new Error(`${releaseId} is not among the findings of ${sweep}`);
  const conclude = async (result: SweptRelease) =>
    writeJson({ bucket, key: keys.swept(sweep, releaseId) }, result);
  // Somebody may have redriven the execution since it was found dead: only what is dead now is removed.
  const status = await releaseStatusOf({
    releaseId,
    executions: new Set(),
    states: new Set(),
    published: false,
    recorded: await announcedReleases(bucket, dead.release.image),
    sweepArn: execution.id,
    now: execution.startedAt,
  });
  if (status.is !== 'dead') {
    await conclude({ spared: { releaseId, is: status.is, why: status.why }, leftovers: [] });
    return { releaseId, leftovers: 0 };
  }
  for (const arn of dead.batches) await stopRunning(arn, `${releaseId} is swept: ${dead.why}`);
  // Whoever was let copy its AMIs would otherwise be taken for somebody who uses them.
  const shared = shares ? await takeBackAll(bucket, dead.release) : [];
  const { leftovers: made, quarantined } = await remove(dead, execution.startedAt, shares && bucket);
  const leftovers = [...shared, ...made];
  const all = [...leftovers, ...quarantined];
  await conclude({ spared: null, leftovers: all });
  if (leftovers.length > 0) throw new LeftoversRemain(leftovers);
  return { releaseId, leftovers: all.length };
}

/** Nothing is deregistered anywhere before consumers have stopped finding it everywhere. */
async function remove(
  { release, targets, evenKept }: DeadRelease,
  startedAt: string,
  /** Where it is written down who else may launch its AMIs. */
  bucket?: string,
): Promise<{ leftovers: Leftover[]; quarantined: Leftover[] }> {
  const spares = evenKept ? sparesNone : keptAfter(startedAt);
  const quarantined: Leftover[] = [];
  const visible = await leftInEveryTarget(targets, release, async (target) => [
    ...(bucket === undefined ? [] : await takeBackIn(bucket, release, target)),
    ...(await undoPublication(clientsFor(target), target, release)),
  ]);
  const made = await leftInEveryTarget(targets, release, async (target) => {
    const given = bucket === undefined ? undefined : await consumersOf(bucket, release, target);
    const undone = await undoBake(clientsFor(target), release, target, spares, given);
    quarantined.push(...undone.quarantined);
    return undone.leftovers;
  });
  const named = new Set(made.map(nameOf));
  return { leftovers: [...made, ...visible.filter((one) => !named.has(nameOf(one)))], quarantined };
}

const nameOf = ({ accountId, region, resourceId }: Leftover): string =>
  `${accountId}/${region} ${resourceId}`;
