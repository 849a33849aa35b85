import type * as z from 'zod';
import { keys } from '../../core/contract/keys.ts';
import { versionStartedAt } from '../../core/configuration/version.ts';
import { releasedRecordSchema } from '../../core/contract/releases.ts';
import { listKeys, readJson } from '../../core/releases/plan-store.ts';

/** Records are kept for ever, so no more of one is read than is needed. */
const recordSchema = releasedRecordSchema.pick({ version: true, images: true });

export interface LatestRelease extends z.infer<typeof recordSchema> {
  /** When the execution that released it started. */
  readonly startedAt: Date;
}

/**
 * The newest release of an image by its time, as `Fetch source` finds it too: a hotfix of 1.9 that was released after 1.10
 * is what the image was last released as. Undefined when it was never released from the default branch.
 */
export async function latestRelease(bucket: string, image: string): Promise<LatestRelease | undefined> {
  const [newest] = (await listKeys(bucket, keys.releasedOf(image)))
    .flatMap((key) => {
      const [, version = ''] = /^released\/[^/]+\/([\d.]+)\.json$/.exec(key) ?? [];
      const startedAt = versionStartedAt(version);
      return startedAt === undefined ? [] : [{ key, startedAt }];
    })
    .toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  if (newest === undefined) return undefined;
  const record = recordSchema.parse(await readJson({ bucket, key: newest.key }));
  return { ...record, startedAt: newest.startedAt };
}
