import pMap from 'p-map';
import { keys } from '../contract/keys.ts';
import { type Revocation, revocationSchema } from '../contract/repoints.ts';
import { listKeys, readJson } from '../releases/plan-store.ts';

/** Objects read at the same time. */
const READS = 25;

/** Whether a version is revoked now: one that was restored stands. */
export const isRevoked = (revocation: Revocation | undefined): revocation is Revocation =>
  revocation !== undefined && revocation.restored === undefined;

/** What was ever revoked, of one image or of all, by release id. */
export async function readRevocations(bucket: string, image?: string): Promise<Map<string, Revocation>> {
  const found = await listKeys(bucket, keys.revokedOf(image));
  const read = await pMap(found, async (key) => revocationSchema.parse(await readJson({ bucket, key })), {
    concurrency: READS,
  });
  return new Map(read.map((revocation) => [revocation.releaseId, revocation]));
}
