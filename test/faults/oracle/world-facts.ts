/** Facts about a world: what of a release is in it, and everything else. The oracle rests on these and on nothing of the code. */
import { amiName } from '../../../core/configuration/version.ts';
import { BAKE_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { parameters } from '../../../core/contract/names.ts';
import type { Release } from '../../../core/contract/releases.ts';
import { STATES, TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import {
  type Image,
  type Region,
  type World,
  imageState,
  instanceState,
} from '../../../sandbox/aws/world.ts';

type Tagged = { readonly tags: ReadonlyMap<string, string> };

const isOf = ({ tags }: Tagged, { releaseId }: Release): boolean => tags.get(TAGS.release) === releaseId;

export function imagesOf(place: Region, release: Release): Image[] {
  const name = amiName(release);
  return [...place.images.values()].filter((image) => isOf(image, release) || image.name === name);
}

/** What a builder of the release in one target is kept until, ms since 1970; undefined when none is there to be looked at. */
export function keptUntil(world: World, { accountId, region }: Target, release: Release): number | undefined {
  const now = world.clock.milliseconds();
  const builder = [...world.region(accountId, region).instances.values()].find(
    (instance) => isOf(instance, release) && instanceState(instance, now) === 'running',
  );
  const until = builder?.tags.get('packleader:kept-until');
  return until === undefined ? undefined : Date.parse(until);
}

/** A builder, and what it needs. */
const OF_BUILDER = /^(i|vol|key|lt|eni|sg)-/;

export const valueOf = (place: Region, name: string): string | undefined =>
  place.parameters.get(name)?.versions.at(-1)?.value;

/** Ids of everything in one target that is there because of a release and not kept on purpose. `made`: every AMI it ever made there. */
export function tracesOf(
  world: World,
  hubRegion: string,
  target: Target,
  release: Release,
  made: ReadonlySet<string>,
): string[] {
  const place = world.region(target.accountId, target.region);
  const now = world.clock.milliseconds();
  const images = imagesOf(place, release);
  const snapshots = [...place.snapshots.values()].filter(
    (snapshot) => isOf(snapshot, release) || images.some((image) => isMadeOf(image, snapshot.snapshotId)),
  );
  const version = parameters.version(release.image, release.version);
  const latest = parameters.latest(release.image);
  const isKept = (keptUntil(world, target, release) ?? 0) > now;
  return [
    ...images.map(({ imageId }) => imageId),
    ...snapshots.map(({ snapshotId }) => snapshotId),
    ...[...place.instances.values()]
      .filter((instance) => isOf(instance, release) && instanceState(instance, now) !== 'terminated')
      .map(({ instanceId }) => instanceId),
    ...[...place.volumes.values()].filter((one) => isOf(one, release)).map(({ volumeId }) => volumeId),
    ...[...place.keyPairs.values()].filter((one) => isOf(one, release)).map(({ keyPairId }) => keyPairId),
    ...[...place.launchTemplates.values()]
      .filter((one) => isOf(one, release))
      .map(({ launchTemplateId }) => launchTemplateId),
    ...[...place.networkInterfaces].filter(([, one]) => isOf(one, release)).map(([id]) => id),
    ...[...place.securityGroups.values()].filter((one) => isOf(one, release)).map(({ groupId }) => groupId),
    ...runningBuilds(world, hubRegion, target, release),
    ...(place.parameters.has(version) ? [version] : []),
    ...(made.has(valueOf(place, latest) ?? '') ? [latest] : []),
  ]
    .filter((id) => !isKept || !OF_BUILDER.test(id))
    .sort();
}

const isMadeOf = (image: Image, snapshotId: string): boolean =>
  image.blockDevices.some((device) => device.snapshotId === snapshotId);

function runningBuilds(world: World, hubRegion: string, target: Target, release: Release): string[] {
  return [...world.region(target.accountId, hubRegion).builds.values()]
    .filter(
      ({ status, environment }) =>
        status === 'IN_PROGRESS' &&
        environment[BAKE_ENVIRONMENT.release] === release.releaseId &&
        environment[BAKE_ENVIRONMENT.region] === target.region,
    )
    .map(({ id }) => id);
}

/** What a consumer needs of a release in one target, and is not there. Its parameters are not looked at. */
export function flawsOf(
  world: World,
  target: Target,
  release: Release,
  stage: string,
  state: string = STATES.released,
): string[] {
  const place = world.region(target.accountId, target.region);
  const images = imagesOf(place, release);
  const [image] = images;
  if (image === undefined || images.length > 1)
    return [`${release.releaseId} has ${images.length} AMIs in ${targetName(target)}`];
  const seen = imageState(image, world.clock.milliseconds());
  const flaws: string[] = [];
  if (seen !== 'available') flaws.push(`${image.imageId} is ${seen}`);
  if (image.name !== amiName(release)) flaws.push(`${image.imageId} is named ${image.name}`);
  // Spelled out: the code that sets them may be what is wrong.
  const expected = {
    'packleader:release': release.releaseId,
    'packleader:image': release.image,
    'packleader:version': release.version,
    'packleader:commit': release.commit,
    'packleader:repository': release.repository,
    'packleader:stage': stage,
    'packleader:state': state,
    Version: release.version,
  };
  const snapshots = image.blockDevices.map(
    ({ snapshotId }) => [snapshotId, place.snapshots.get(snapshotId)] as const,
  );
  if (snapshots.length === 0) flaws.push(`${image.imageId} has no snapshot`);
  for (const [id, thing] of [[image.imageId, image] as const, ...snapshots]) {
    if (thing === undefined) flaws.push(`${id} does not exist`);
    for (const [key, value] of Object.entries(expected)) {
      const found = thing?.tags.get(key);
      if (thing && found !== value) flaws.push(`${id} has the tag ${key}=${found ?? '(none)'}, not ${value}`);
    }
  }
  return flaws;
}

/** Whoever may launch an AMI of a release, or read its snapshots, and is not its owner. */
export function sharesOf(place: Region, release: Release): string[] {
  return imagesOf(place, release).flatMap(({ imageId, launchPermissions: { users }, blockDevices }) => [
    ...[...users].map((user) => `${imageId} is still shared with ${user}`),
    ...blockDevices.flatMap(({ snapshotId }) =>
      [...(place.snapshots.get(snapshotId)?.volumePermissions ?? [])].map(
        (user) => `${snapshotId} is still shared with ${user}`,
      ),
    ),
  ]);
}

/** Everything that is there and not of these releases, by place and id. `latest` of the image is looked at elsewhere. */
export function everythingElse(world: World, releases: readonly Release[]): Map<string, string> {
  const found = new Map<string, string>();
  const ours = (thing: Tagged): boolean => releases.some((release) => isOf(thing, release));
  const names = releases.flatMap(({ image, version }) => [
    parameters.version(image, version),
    parameters.latest(image),
  ]);
  for (const [key, place] of world.regions) {
    const images = releases.flatMap((release) => imagesOf(place, release));
    const note = (id: string, thing: object): void => void found.set(`${key} ${id}`, textOf(thing));
    for (const [id, thing] of place.images) if (!images.includes(thing)) note(id, thing);
    for (const [id, thing] of place.snapshots)
      if (!ours(thing) && !images.some((image) => isMadeOf(image, id))) note(id, thing);
    for (const kind of [
      'volumes',
      'instances',
      'keyPairs',
      'securityGroups',
      'networkInterfaces',
      'launchTemplates',
    ] as const)
      for (const [id, thing] of place[kind]) if (!ours(thing)) note(id, thing);
    for (const [name, thing] of place.parameters) if (!names.includes(name)) note(name, thing);
  }
  return found;
}

const textOf = (thing: object): string =>
  JSON.stringify(thing, (_key, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value,
  );

/** What differs between two times of everything that must stay as it is. */
export function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const wrong: string[] = [];
  for (const [id, thing] of before) {
    if (!after.has(id)) wrong.push(`${id} is gone`);
    else if (after.get(id) !== thing) wrong.push(`${id} was ${thing}, is ${after.get(id)}`);
  }
  for (const [id, thing] of after) if (!before.has(id)) wrong.push(`${id} is new: ${thing}`);
  return wrong;
}
