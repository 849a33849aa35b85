/** Who may use the AMIs of a release besides the accounts that hold them. */
import { clientsFor } from '../aws/clients.ts';
import { asFact } from '../aws/errors.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { keys } from '../contract/keys.ts';
import type { Leftover } from '../contract/leftovers.ts';
import { consumerPlanSchema, launchPermissions } from '../contract/permissions.ts';
import type { PlannedRelease, Release } from '../contract/releases.ts';
import { type Ami, type Target, targetName } from '../contract/targets.ts';
import { type Place, readJson } from '../releases/plan-store.ts';
import { grantPermissions, namesIn, noteAt, stillGiven, takeBackPermissions } from './permissions.ts';

type Named = Pick<Release, 'image' | 'version'>;

const noteOf = (bucket: string, { image, version }: Named, target: Target): Place => ({
  bucket,
  key: keys.permissions(image, version, target),
});

/**
 * Lets the consumers of every AMI launch it, as the plan says; returns how many they are, each counted once. A launch of a shared AMI
 * needs no permission on its snapshots. Safe to repeat.
 *  @throws PackleaderError NotReadyYet, and what EC2 refuses
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
 */
export async function letConsumersLaunch(
  { bucket, prefix }: PlannedRelease['plan'],
  release: Named,
  amis: readonly Ami[],
): Promise<number> {
  const { consumers } = consumerPlanSchema.parse(await readJson({ bucket, key: keys.consumers(prefix) }));
  const names = new Set<string>();
  await inEveryTarget(amis, async (ami) => {
    const theirs = consumers.find(({ targets }) => targets.includes(targetName(ami)));
    if (!theirs) return;
    const launch = launchPermissions(theirs);
    await grantPermissions(
      clientsFor(ami),
      noteOf(bucket, release, ami),
      { imageId: ami.imageId, snapshotIds: [] },
      { launch, volumes: [] },
    );
    for (const name of namesIn({ launch, volumes: {} })) names.add(name);
  });
  return names.size;
}

/** Takes back in one target what was given, and says of what it could not: an undo goes on in any case. */
export async function takeBackIn(bucket: string, release: Named, target: Target): Promise<Leftover[]> {
  const place = noteOf(bucket, release, target);
  let imageId: string | undefined;
  try {
    imageId = (await noteAt(place))?.imageId;
    if (imageId !== undefined) await takeBackPermissions(clientsFor(target), place);
    return [];
  } catch (error) {
    return [sharedStill(target, imageId ?? place.key, asFact(error).message)];
  }
}

/** Whom the release itself has let launch its AMI in one target: no use of it by anybody else. */
export async function consumersOf(
  bucket: string,
  release: Named,
  target: Target,
): Promise<ReadonlySet<string>> {
  const note = await noteAt(noteOf(bucket, release, target));
  return new Set(note ? namesIn(note.given) : []);
}

/** What a release has given in one target, and EC2 still shows. */
export async function givenIn(bucket: string, release: Named, target: Target): Promise<Leftover[]> {
  const note = await noteAt(noteOf(bucket, release, target));
  const names = note ? namesIn(await stillGiven(clientsFor(target), note)) : [];
  return note && names.length > 0
    ? [sharedStill(target, note.imageId, `it is still shared with ${told(names)}`)]
    : [];
}

/** How many consumers a reason names; the others are counted. */
const TOLD = 3;

const told = (names: readonly string[]): string =>
  [...names.slice(0, TOLD), ...(names.length > TOLD ? [`${names.length - TOLD} more`] : [])].join(', ');

const sharedStill = ({ accountId, region }: Target, resourceId: string, why: string): Leftover => ({
  accountId,
  region,
  resourceId,
  why,
});
