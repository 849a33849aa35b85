/** Which versions could not come back from a Recycle Bin, once they are deregistered. */
import { DescribeSnapshotsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { ownImages, snapshotIdsOf, tagsOf } from '../amis/release-images.ts';
import { chunks } from '../aws/chunks.ts';
import { clientsFor } from '../aws/clients.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { groupedByTarget, targetName } from '../contract/targets.ts';
import { type BinRules, binRules, whyNotKept } from './bin-rules.ts';
import type { Verdict } from './decide.ts';
import type { SeenAmi } from './seen.ts';

/** As many as one call is asked for. */
const IDS_PER_CALL = 200;

/**
 * Why a version could not come back, by its release; a version that is not in it could, in every target.
 *  @throws PackleaderError AccessDenied, Throttled, ConnectionLost: what is not known must never be taken for kept
 */
export async function lostOf(verdicts: readonly Verdict[]): Promise<ReadonlyMap<string, string>> {
  const going = verdicts.flatMap(({ amis }) => amis);
  const found = await inEveryTarget(groupedByTarget(going), async ({ all: amis, ...target }) => {
    const { ec2 } = clientsFor(target);
    const rules = await binRules(ec2);
    const lost = await Promise.all(chunks(amis, IDS_PER_CALL).map(async (some) => lostIn(ec2, rules, some)));
    return lost.flat().map(([releaseId, why]) => [releaseId, `in ${targetName(target)} ${why}`] as const);
  });
  // What is told is the first target’s reason, whichever answered first.
  return new Map(found.flat().toReversed());
}

async function lostIn(
  ec2: EC2Client,
  rules: BinRules,
  amis: readonly SeenAmi[],
): Promise<(readonly [releaseId: string, why: string])[]> {
  const images = await ownImages(ec2, [{ Name: 'image-id', Values: amis.map(({ imageId }) => imageId) }]);
  const ids = images.flatMap((image) => snapshotIdsOf(image));
  const tags = new Map<string, ReadonlyMap<string, string>>();
  for (const SnapshotIds of chunks(ids, IDS_PER_CALL)) {
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds }));
    for (const snapshot of Snapshots) tags.set(snapshot.SnapshotId ?? '', tagsOf(snapshot));
  }
  return amis.flatMap(({ imageId, releaseId }) => {
    const image = images.find(({ ImageId }) => ImageId === imageId);
    // It is gone by now: nothing is left to lose.
    if (!image) return [];
    const snapshots = new Map(
      snapshotIdsOf(image).map((id) => [id, tags.get(id) ?? new Map<string, string>()]),
    );
    const why = whyNotKept(rules, { imageId, tags: tagsOf(image), snapshots });
    return why === undefined ? [] : [[releaseId, why] as const];
  });
}
