/** What an import of AMIs that were there before packleader would do: no call, no clock. */
import type { Image, Snapshot } from '@aws-sdk/client-ec2';
import { snapshotIdsOf, tagsOf } from '../amis/release-images.ts';
import { STATES, TAGS } from '../contract/tags.ts';
import { type Target, targetName } from '../contract/targets.ts';

/** An AMI that a filter found, in its target, with those of its snapshots that could be seen. */
export interface FoundForImport {
  readonly target: Target & { readonly stage: string };
  readonly image: Image;
  readonly snapshots: readonly Snapshot[];
}

/** What becomes of one AMI. */
export interface PlannedImport extends Target {
  readonly stage: string;
  readonly imageId: string;
  readonly name: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** `0.0.` and when the first AMI of that name was made. */
  readonly version: string;
  /** The AMI and its snapshots, as far as they have yet to be tagged, or untagged. */
  readonly resourceIds: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Tags of others that say who looks after an AMI, and who that is. */
const KEEPERS: readonly (readonly [RegExp, string])[] = [
  [/^(CreatedBy=EC2 Image Builder$|Ec2ImageBuilderArn=)/, 'EC2 Image Builder'],
  [/^aws:backup:/, 'AWS Backup'],
  [/^(aws:dlm:|dlm:managed=)/, 'Amazon Data Lifecycle Manager'],
];

/** What the execution of something imported is called. A hub that does not know the state leaves it alone for this: it is another's. */
export const NO_EXECUTION = 'none: imported';

/** The keys that an import writes. */
const WRITTEN: readonly string[] = [
  TAGS.release,
  TAGS.image,
  TAGS.version,
  TAGS.stage,
  TAGS.execution,
  TAGS.state,
  TAGS.autoCleanup,
  TAGS.lastUsed,
];

/** The keys that are there because of an import: also what the inventory has written since. */
export const UNDONE: readonly string[] = [...WRITTEN, TAGS.lastUsedRuntime];

/**
 * The AMIs with what they would be tagged with, or every reason why none may be.
 *  @param now ISO 8601: nobody has looked who uses them, so all count as used now
 */
export function planImport(
  imageName: string,
  found: readonly FoundForImport[],
  now: string,
): { readonly planned: readonly PlannedImport[]; readonly refused: readonly string[] } {
  const refused = found.flatMap((one) => refusalOf(imageName, one) ?? []);
  const planned: PlannedImport[] = [];
  for (const [name, all] of Map.groupBy(found, ({ image }) => image.Name ?? '')) {
    const versions = new Set(all.filter(isImported).map(({ image }) => tagsOf(image).get(TAGS.version)));
    if (versions.size > 1) refused.push(`the AMIs named ${name} were imported as several versions`);
    const [first = ''] = all.map(({ image }) => image.CreationDate ?? '').toSorted();
    const version = [...versions][0] ?? `0.0.${first.replace(/\D/g, '').slice(0, 14)}`;
    for (const one of all) planned.push(plannedImport(imageName, one, version, now));
  }
  for (const all of Map.groupBy(planned, (one) => `${one.version} in ${targetName(one)}`).entries()) {
    const [where, [one, other]] = all;
    if (one && other)
      refused.push(
        `${one.imageId} and ${other.imageId} would both be version ${where}, and a target has one AMI of a version: narrow the filter`,
      );
  }
  return { planned, refused };
}

function plannedImport(
  imageName: string,
  { target: { accountId, region, stage }, image, snapshots }: FoundForImport,
  version: string,
  now: string,
): PlannedImport {
  const { ImageId = '', Name = '', CreationDate = '' } = image;
  const isTagged = (tagged: Image | Snapshot | undefined): boolean =>
    tagged !== undefined && tagsOf(tagged).get(TAGS.state) === STATES.imported;
  const untagged = [
    ...(isTagged(image) ? [] : [ImageId]),
    ...snapshotIdsOf(image).filter((id) => !isTagged(snapshots.find(({ SnapshotId }) => SnapshotId === id))),
  ];
  return {
    accountId,
    region,
    stage,
    imageId: ImageId,
    name: Name,
    createdAt: CreationDate,
    version,
    resourceIds: untagged,
    tags: {
      [TAGS.release]: `${imageName}@${version}`,
      [TAGS.image]: imageName,
      [TAGS.version]: version,
      [TAGS.stage]: stage,
      [TAGS.execution]: NO_EXECUTION,
      [TAGS.state]: STATES.imported,
      [TAGS.autoCleanup]: 'true',
      [TAGS.lastUsed]: now,
    },
  };
}

/** The AMIs of an image whose import is taken back, with what is to be untagged. */
export function planUndo(
  imageName: string,
  found: readonly FoundForImport[],
): { readonly planned: readonly PlannedImport[]; readonly refused: readonly string[] } {
  const own = found.filter((one) => isImported(one) && tagsOf(one.image).get(TAGS.image) === imageName);
  const refused = own.flatMap(({ image }) => {
    const tags = tagsOf(image);
    return tags.has(TAGS.retirement)
      ? [
          `${image.ImageId} is on its way out: first take that back with packleader retire --undo ${tags.get(TAGS.release)}`,
        ]
      : [];
  });
  const planned = own.map((one) => {
    const tags = tagsOf(one.image);
    const plan = plannedImport(imageName, one, tags.get(TAGS.version) ?? '', '');
    const sameRelease = one.snapshots.filter(
      (snapshot) =>
        tagsOf(snapshot).get(TAGS.state) === STATES.imported &&
        tagsOf(snapshot).get(TAGS.release) === tags.get(TAGS.release),
    );
    const snapshotIds = sameRelease.flatMap(({ SnapshotId }) => SnapshotId ?? []);
    // The AMI last: as long as it is tagged, a repetition finds it with its snapshots.
    return { ...plan, resourceIds: [...snapshotIds, plan.imageId], tags: {} };
  });
  return { planned, refused };
}

const isImported = ({ image }: Pick<FoundForImport, 'image'>): boolean =>
  tagsOf(image).get(TAGS.state) === STATES.imported;

function refusalOf(imageName: string, { target, image, snapshots }: FoundForImport): string | undefined {
  const id = `${image.ImageId} in ${targetName(target)}`;
  if (image.OwnerId !== target.accountId)
    return `${id} belongs to ${image.OwnerId}, and only an account's own AMIs are imported`;
  const release = tagsOf(image).get(TAGS.release);
  if (isImported({ image }) && tagsOf(image).get(TAGS.image) !== imageName)
    return `${id} is imported as ${release} already`;
  for (const [what, tagged] of [[id, image] as const, ...snapshots.map(named)]) {
    const tags = tagsOf(tagged);
    for (const [key, value] of tags) {
      const keeper = KEEPERS.find(([pattern]) => pattern.test(`${key}=${value}`))?.[1];
      if (keeper !== undefined) return `${what} is looked after by ${keeper}: leave it to that`;
    }
    if (tags.get(TAGS.state) === STATES.imported) {
      if (tags.get(TAGS.image) === imageName) continue;
      return `${what} is imported as ${tags.get(TAGS.release)} already`;
    }
    const taken = [...tags.keys()].find((key) => UNDONE.includes(key) || key.startsWith('packleader:'));
    if (taken !== undefined)
      return `${what} has the tag ${taken}=${tags.get(taken)} already, which an import would overwrite`;
  }
  return undefined;

  function named(snapshot: Snapshot): readonly [string, Snapshot] {
    return [`${snapshot.SnapshotId}, a snapshot of ${id},`, snapshot];
  }
}
