import pMap from 'p-map';
import { versionStartedAt } from '../configuration/version.ts';
import { keys } from '../contract/keys.ts';
import { type ReleasedRecord, releasedRecordSchema } from '../contract/releases.ts';
import { listKeys, readJson } from './plan-store.ts';

/** Objects read at the same time. */
const READS = 25;

/** The key of a record, taken apart; undefined for any other key. */
export function readRecordKey(key: string): { image: string; version: string; startedAt: Date } | undefined {
  const [, image = '', version = ''] = /^released\/([^/]+)\/([^/]+)\.json$/.exec(key) ?? [];
  const startedAt = versionStartedAt(version);
  return startedAt && { image, version, startedAt };
}

/** The records of all releases. */
export async function readRecords(bucket: string): Promise<ReleasedRecord[]> {
  return readRecordsAt(bucket, await recordKeys(bucket));
}

/**
 * The record of each image's newest release by time; of these images.
 *  @param counts which of their releases are looked at, by release id; by default all, whether or not they stand
 */
export async function newestRecords(
  bucket: string,
  images: readonly string[],
  counts: (releaseId: string) => boolean = () => true,
): Promise<ReleasedRecord[]> {
  const newest = new Map<string, { key: string; startedAt: Date }>();
  for (const key of await recordKeys(bucket)) {
    const record = readRecordKey(key);
    if (!record || !images.includes(record.image) || !counts(`${record.image}@${record.version}`)) continue;
    const known = newest.get(record.image);
    if (!known || known.startedAt < record.startedAt)
      newest.set(record.image, { key, startedAt: record.startedAt });
  }
  return readRecordsAt(
    bucket,
    [...newest.values()].map(({ key }) => key),
  );
}

const recordKeys = async (bucket: string): Promise<string[]> =>
  (await listKeys(bucket, keys.releasedOf())).filter((key) => readRecordKey(key) !== undefined);

const readRecordsAt = async (bucket: string, found: readonly string[]): Promise<ReleasedRecord[]> =>
  pMap(found, async (key) => releasedRecordSchema.parse(await readJson({ bucket, key })), {
    concurrency: READS,
  });
