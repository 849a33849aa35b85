import { S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { asFact } from '../tasks/aws-errors.ts';
import { targetSchema } from '../tasks/contract.ts';
import { readJson } from '../tasks/plan-store.ts';

const s3 = new S3Client({});

/** What `Announce release` has written down, as far as a schedule needs it. */
const recordSchema = z.object({
  version: z.string(),
  images: z.array(targetSchema.extend({ stage: z.string(), imageId: z.string() })),
  /** Where its plan is; missing in the records of older deployments. */
  planPrefix: z.string().optional(),
});

export interface LatestRelease extends z.infer<typeof recordSchema> {
  /** When the execution that released it started. */
  readonly startedAt: Date;
}

/**
 * The newest release of an image by its time, as `Fetch source` finds it too: a hotfix of 1.9 that was released after 1.10
 * is what the image was last released as. Undefined when it was never released from the default branch.
 */
export async function latestRelease(bucket: string, image: string): Promise<LatestRelease | undefined> {
  const Prefix = `released/${image}/`;
  const pages = await Array.fromAsync(
    paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix }),
  ).catch((error: unknown) => {
    throw asFact(error);
  });
  const keys = pages.flatMap(({ Contents = [] }) => Contents.map(({ Key = '' }) => Key));
  const [newest] = keys
    .flatMap((key) => {
      const [, time] = /^released\/[^/]+\/\d+\.\d+\.(\d{14})\.json$/.exec(key) ?? [];
      return time === undefined ? [] : [{ key, time }];
    })
    .toSorted((a, b) => b.time.localeCompare(a.time));
  if (newest === undefined) return undefined;
  const record = recordSchema.parse(await readJson({ bucket, key: newest.key }));
  return { ...record, startedAt: instant(newest.time) };
}

/** `20261121093000` as an instant. */
function instant(time: string): Date {
  const [year = '', ...parts] = time.match(/^\d{4}|\d{2}/g) ?? [];
  const [month, day, hours, minutes, seconds] = parts;
  return new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
}
