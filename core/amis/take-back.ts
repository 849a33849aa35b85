/** Takes back whatever a release gave of its AMIs, by the notes that it left. */
import { keys } from '../contract/keys.ts';
import type { Leftover } from '../contract/leftovers.ts';
import type { Release } from '../contract/releases.ts';
import type { Target } from '../contract/targets.ts';
import { leftInEveryTarget } from '../aws/undo-targets.ts';
import { listKeys } from '../releases/plan-store.ts';
import { givenIn, takeBackIn } from './consumers.ts';

/** Returns what could not be taken back, by the AMI. Safe to repeat; nothing was given where there is no note. */
export async function takeBackAll(bucket: string, release: Release): Promise<Leftover[]> {
  const targets = await notedTargets(bucket, release);
  return leftInEveryTarget(targets, release, async (target) => takeBackIn(bucket, release, target));
}

/** What others may still do with its AMIs because the release let them. Only looks. */
export async function givenAll(bucket: string, release: Release): Promise<Leftover[]> {
  const targets = await notedTargets(bucket, release);
  return leftInEveryTarget(targets, release, async (target) => givenIn(bucket, release, target));
}

/** Where it has given anything, now or before. */
async function notedTargets(bucket: string, { image, version }: Release): Promise<Target[]> {
  const prefix = keys.permissionsOf(image, version);
  return (await listKeys(bucket, prefix)).map((key) => {
    const [, accountId = '', region = ''] = /^(\d{12})-(.+)\.json$/.exec(key.slice(prefix.length)) ?? [];
    return { accountId, region };
  });
}
