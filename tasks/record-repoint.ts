import pMap from 'p-map';
import { announce } from '../core/aws/events.ts';
import { keys } from '../core/contract/keys.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { type Revocation, type RepointPlan, revocationSchema } from '../core/contract/repoints.ts';
import { readJsonIfThere, writeJson } from '../core/releases/plan-store.ts';
import { plannedRepointSchema, readRepointPlan } from '../core/repoints/read-plan.ts';
import { isRevoked } from '../core/repoints/revocations.ts';

/** Records written at the same time. */
const WRITES = 10;

/** Remembers, and tells the world, what every account shows by now: a record for each version that was revoked or restored, and an event
 *  for each; one more for each image whose `latest` has moved. Nothing is undone any more.
 *  In      { plan: { bucket, key } }
 *  Out     { recorded: 2 }, the number of versions
 *  Errors  AnnouncementFailed (EventBridge did not take an event), Throttled, ConnectionLost (retried)
 *  Repeat  safe for the records; an event may be put twice, with the same `executionArn`
 *  @see    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export async function handler(event: unknown): Promise<{ recorded: number }> {
  const { plan: place } = parseEvent(plannedRepointSchema, event);
  const plan = await readRepointPlan(place);
  const { executionArn, reason, action } = plan;
  await pMap(plan.versions, async (version) => record(place.bucket, plan, version), { concurrency: WRITES });
  for (const { releaseId, image, version, because, amis } of plan.versions)
    await announce(action === 'restore' ? NAMES.restored : NAMES.revoked, {
      releaseId,
      image,
      version,
      ...(action !== 'restore' && { by: action }),
      ...(reason !== undefined && { reason }),
      ...(because !== undefined && { because }),
      disabled: action !== 'restore' && amis.some(({ disable, was }) => disable === true || was.disabled),
      executionArn,
    });
  for (const { image, version, targets } of plan.latest)
    await announce(NAMES.repointed, {
      releaseId: version === null ? null : `${image}@${version}`,
      image,
      version,
      by: action,
      ...(reason !== undefined && { reason }),
      from: [...new Set(targets.map(({ was }) => was?.version ?? was?.imageId ?? null))],
      images: targets.map(({ stage, accountId, region, imageId }) => ({ stage, accountId, region, imageId })),
      executionArn,
    });
  return { recorded: plan.versions.length };
}

async function record(
  bucket: string,
  { action, reason, executionArn, startedAt: at }: RepointPlan,
  { releaseId, image, version, because, amis }: RepointPlan['versions'][number],
): Promise<void> {
  const place = { bucket, key: keys.revoked(image, version) };
  const found = await readJsonIfThere(place);
  const before = found === undefined ? undefined : revocationSchema.parse(found);
  if (action === 'restore') {
    // Without a record a revocation never came to its end: then there is nothing that must be taken back.
    if (!isRevoked(before)) return;
    const restored = { executionArn, at, ...(reason !== undefined && { reason }) };
    return writeJson(place, { ...before, restored });
  }
  const disabled = amis.flatMap(({ accountId, region, imageId, was: { sharedWith } }) =>
    sharedWith ? [{ accountId, region, imageId, sharedWith }] : [],
  );
  const earlier = isRevoked(before) ? (before.disabled ?? []) : [];
  const kept = earlier.filter((one) => !disabled.some(({ imageId }) => imageId === one.imageId));
  const all = [...kept, ...disabled];
  const revocation: Revocation = {
    schema: 1,
    releaseId,
    image,
    version,
    ...(isRevoked(before) && before.executionArn !== executionArn
      ? before
      : { by: action, executionArn, at, ...(because !== undefined && { because }) }),
    ...(reason !== undefined && { reason }),
    ...(all.length > 0 && { disabled: all }),
  };
  return writeJson(place, revocation);
}
