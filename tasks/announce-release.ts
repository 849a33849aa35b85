import * as z from 'zod';
import { keys } from '../core/contract/keys.ts';
import { NAMES } from '../core/contract/names.ts';
import { bakedBatchesSchema, plannedReleaseSchema, resolvedSchema } from '../core/contract/releases.ts';
import { amiSchema, targetName } from '../core/contract/targets.ts';
import { announce } from '../core/aws/events.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { buildersOf } from '../core/releases/builders.ts';
import { readPlan, writeJson } from '../core/releases/plan-store.ts';
import { releasedRecord } from '../core/releases/released-record.ts';

const eventSchema = plannedReleaseSchema.extend({
  amis: z.record(z.string(), z.array(amiSchema)),
  /** Missing in executions that a state machine of an older deployment runs, as are those below. */
  resolved: resolvedSchema.optional(),
  baked: z.record(z.string(), bakedBatchesSchema).optional(),
  executionArn: z.string().optional(),
  startedAt: z.string().optional(),
  announcedAt: z.string().optional(),
});

/** Tells the world: writes the record that "what changed since the last release", and "is there a newer source AMI", are
 *  measured from, and puts one `Image Released` event on the bus. The record outlives the plan and the execution, so
 *  it holds what both know of the release.
 *  In      { release, plan: { bucket, prefix }, amis: { dev: [{ accountId, region, imageId }], prod: … }, resolved: { dev: { batches,
 *            bases } }, baked: { dev: [{ bakes: [{ builder: ['m7i.large'] }] }] }, executionArn, startedAt, announcedAt }
 *  Out     { announced: true }
 *  Errors  AnnouncementFailed (EventBridge did not take the event)
 *  Repeat  safe for the record; an event may be put twice, with the same `releaseId`
 *  @see    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export async function handler(event: unknown): Promise<{ announced: true }> {
  const { release, plan, amis, baked, ...execution } = parseEvent(eventSchema, event);
  const builders = buildersOf(execution.resolved ?? {}, baked ?? {});
  const images = Object.entries(amis).flatMap(([stage, list]) =>
    list.map((ami) => ({ stage, ...ami, ...builders.get(targetName(ami)) })),
  );
  if (!release.prerelease) {
    const planned = await readPlan({ bucket: plan.bucket, key: keys.plan(plan.prefix) });
    const record = releasedRecord(planned, images, execution);
    await writeJson({ bucket: plan.bucket, key: keys.released(release.image, release.version) }, record);
  }
  const { executionArn } = execution;
  await announce(NAMES.released, { ...release, ...(executionArn !== undefined && { executionArn }), images });
  return { announced: true };
}
