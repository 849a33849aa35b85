import * as z from 'zod';
import { keys } from '../core/contract/keys.ts';
import { NAMES } from '../core/contract/names.ts';
import { type Plan, type ReleasedRecord, plannedReleaseSchema } from '../core/contract/releases.ts';
import { type Ami, amiSchema, targetName } from '../core/contract/targets.ts';
import { announce } from '../core/aws/events.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { readPlan, writeJson } from '../core/releases/plan-store.ts';

const eventSchema = plannedReleaseSchema.extend({ amis: z.record(z.string(), z.array(amiSchema)) });

/** Tells the world: writes the record that "what changed since the last release", and "is there a newer source AMI", are
 *  measured from, and puts one `Image Released` event on the bus. The record outlives the plan, so it says itself how each
 *  source AMI was found.
 *  In      { release, plan: { bucket, prefix }, amis: { dev: [{ accountId, region, imageId }], prod: … } }
 *  Out     { announced: true }
 *  Errors  AnnouncementFailed (EventBridge did not take the event)
 *  Repeat  safe for the record; an event may be put twice, with the same `releaseId`
 *  @see    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export async function handler(event: unknown): Promise<{ announced: true }> {
  const { release, plan, amis } = parseEvent(eventSchema, event);
  const images = Object.entries(amis).flatMap(([stage, list]) => list.map((ami) => ({ stage, ...ami })));
  if (!release.prerelease) {
    const planned = await readPlan({ bucket: plan.bucket, key: keys.plan(plan.prefix) });
    const { adopted } = planned;
    const record: ReleasedRecord = {
      ...release,
      ...(adopted && { adopted }),
      images: withSources(images, planned),
    };
    await writeJson({ bucket: plan.bucket, key: keys.released(release.image, release.version) }, record);
  }
  await announce(NAMES.released, { ...release, images });
  return { announced: true };
}

function withSources(
  images: readonly (Ami & { readonly stage: string })[],
  { stages }: Plan,
): ReleasedRecord['images'] {
  const planned = new Map(
    stages.flatMap(({ targets }) => targets).map((target) => [targetName(target), target]),
  );
  return images.map((image) => {
    const target = planned.get(targetName(image));
    return target ? { ...image, sourceAmi: target.sourceAmi, architecture: target.architecture } : image;
  });
}
