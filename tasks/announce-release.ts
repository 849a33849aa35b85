import * as z from 'zod';
import { NAMES, amiSchema, keys, plannedReleaseSchema } from './contract.ts';
import { putEvent } from './events.ts';
import { parseEvent } from './parse-event.ts';
import { writeJson } from './plan-store.ts';

const eventSchema = plannedReleaseSchema.extend({ amis: z.record(z.string(), z.array(amiSchema)) });

/** Tells the world: writes the record that "what changed since the last release", and "is there a newer source AMI", are
 *  measured from, and puts one `Image Released` event on the bus.
 *  In      { release, plan: { bucket, prefix }, amis: { dev: [{ accountId, region, imageId }], prod: … } }
 *  Out     { announced: true }
 *  Errors  AnnouncementFailed (EventBridge did not take the event)
 *  Repeat  safe for the record; an event may be put twice, with the same `releaseId`
 *  @see    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export async function handler(event: unknown): Promise<{ announced: true }> {
  const { release, plan, amis } = parseEvent(eventSchema, event);
  const images = Object.entries(amis).flatMap(([stage, list]) => list.map((ami) => ({ stage, ...ami })));
  const detail = { ...release, images };
  if (!release.prerelease) {
    const record = { ...detail, planPrefix: plan.prefix };
    await writeJson({ bucket: plan.bucket, key: keys.released(release.image, release.version) }, record);
  }
  await putEvent(NAMES.released, detail);
  return { announced: true };
}
