/** Takes back whatever a release gave of its AMIs, by the notes that it left. */
import { clientsFor } from '../aws/clients.ts';
import { asFact } from '../aws/errors.ts';
import { keys } from '../contract/keys.ts';
import type { Leftover } from '../contract/leftovers.ts';
import type { Release } from '../contract/releases.ts';
import type { Target } from '../contract/targets.ts';
import { leftInEveryTarget } from '../aws/undo-targets.ts';
import { listKeys } from '../releases/plan-store.ts';
import { namesIn, noteAt, stillGiven, takeBackPermissions } from './permissions.ts';

/** Returns what could not be taken back, by the AMI. Safe to repeat; nothing was given where there is no note. */
export async function takeBackAll(bucket: string, release: Release): Promise<Leftover[]> {
  const targets = await notedTargets(bucket, release);
  return leftInEveryTarget(targets, release, async (target) => {
    const note = { bucket, key: keys.permissions(release.image, release.version, target) };
    try {
      await takeBackPermissions(clientsFor(target), note);
      return [];
    } catch (error) {
      const resourceId = (await noteAt(note))?.imageId ?? release.releaseId;
      return [{ ...target, resourceId, why: asFact(error).message }];
    }
  });
}

/** What others may still do with its AMIs because the release let them. Only looks. */
export async function givenAll(bucket: string, release: Release): Promise<Leftover[]> {
  const targets = await notedTargets(bucket, release);
  return leftInEveryTarget(targets, release, async (target) => {
    const note = await noteAt({ bucket, key: keys.permissions(release.image, release.version, target) });
    const names = note ? namesIn(await stillGiven(clientsFor(target), note)) : [];
    return note && names.length > 0
      ? [
          {
            ...target,
            resourceId: note.imageId,
            why: `it is still shared with ${names.slice(0, NAMED).join(', ')}`,
          },
        ]
      : [];
  });
}

/** How many accounts a sentence names. */
const NAMED = 5;

/** Where it has given anything, now or before. */
async function notedTargets(bucket: string, { image, version }: Release): Promise<Target[]> {
  const prefix = keys.permissionsOf(image, version);
  return (await listKeys(bucket, prefix)).map((key) => {
    const [, accountId = '', region = ''] = /^(\d{12})-(.+)\.json$/.exec(key.slice(prefix.length)) ?? [];
    return { accountId, region };
  });
}
