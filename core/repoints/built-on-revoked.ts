import type { Configuration } from '../configuration/configuration.ts';
import { baseImages } from '../configuration/tiers.ts';
import { Lineages } from '../releases/built-on.ts';
import { newestRecords } from '../releases/read-records.ts';
import { isRevoked, readRevocations } from './revocations.ts';

/** The images of a factory whose newest release was built on one that is revoked by now: as if they had changed. */
export async function builtOnRevoked(bucket: string, configuration: Configuration): Promise<string[]> {
  const { images } = configuration.factory;
  const built = images.map(({ name }) => name).filter((name) => baseImages(configuration, name).length > 0);
  if (built.length === 0) return [];
  const revocations = await readRevocations(bucket);
  if (![...revocations.values()].some(isRevoked)) return [];
  const records = await newestRecords(bucket, built);
  const lineages = new Lineages(records);
  return records
    .filter((record) => [...lineages.basesOf(record.images)].some((base) => isRevoked(revocations.get(base))))
    .map(({ image }) => image);
}
