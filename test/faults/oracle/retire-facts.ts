/** How far every version is on its way out, in every target, and what must never happen to any of them. */
import { parameters } from '../../../core/contract/names.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { type Image, type World, imageState } from '../../../sandbox/aws/world.ts';
import { type Baseline, IMAGE, targetsOf } from '../player/baseline.ts';
import type { Leaving } from '../player/scenario.ts';
import { usersIn } from './life-facts.ts';

/** By what is due for it, or why it stays; the oldest first. */
export const AGING = {
  'to deprecate': '1.4.20260801000000',
  'to disable': '1.4.20260802000000',
  'to deregister': '1.4.20260803000000',
  /** Deprecated, and used again in the first target. */
  'to restore': '1.4.20260804000000',
  /** Disabled, and named again in the last target. */
  'to enable': '1.4.20260805000000',
  used: '1.4.20260806000000',
  /** Somebody took the tag away that lets it go. */
  kept: '1.4.20260807000000',
  latest: '1.4.20260901000000',
} as const;
export type AgingName = keyof typeof AGING;

export const LEAVING: readonly Leaving[] = ['to deprecate', 'to disable', 'to deregister'];
export const STAYING: readonly AgingName[] = ['to restore', 'to enable', 'used', 'kept', 'latest'];

export type Standing = 'available' | 'deprecated' | 'disabled' | 'gone';

export const releaseIdOf = (name: AgingName): string => `${IMAGE}@${AGING[name]}`;

export function imageOf(world: World, { accountId, region }: Target, name: AgingName): Image | undefined {
  const images = world.region(accountId, region).images.values();
  return [...images].find(({ tags }) => tags.get(TAGS.release) === releaseIdOf(name));
}

export function standingOf(world: World, target: Target, name: AgingName): Standing {
  const image = imageOf(world, target, name);
  if (!image) return 'gone';
  if (image.disabled) return 'disabled';
  // The time from which on it is so may not have come yet.
  return image.deprecatedAt !== undefined || image.tags.has(TAGS.retirement) ? 'deprecated' : 'available';
}

/** In all targets, in their order. */
export const standingsOf = (world: World, baseline: Baseline, name: AgingName): Standing[] =>
  targetsOf(baseline).map((target) => standingOf(world, target, name));

/** What is left of a version that is gone. */
export function remainsOf(world: World, baseline: Baseline, name: AgingName): string[] {
  return targetsOf(baseline).flatMap((target) => {
    const place = world.region(target.accountId, target.region);
    const snapshots = [...place.snapshots.values()].filter(
      ({ tags }) => tags.get(TAGS.release) === releaseIdOf(name),
    );
    const version = parameters.version(IMAGE, AGING[name]);
    return [
      ...(imageOf(world, target, name) ? [`${targetName(target)}: the AMI of ${name}`] : []),
      ...snapshots.map(({ snapshotId }) => `${targetName(target)}: ${snapshotId} of ${name}`),
      ...(place.parameters.has(version) ? [`${targetName(target)}: ${version} of ${name}`] : []),
    ];
  });
}

/** AMIs that something uses, and nobody can launch; by target and version. */
export function missed(world: World, baseline: Baseline): Set<string> {
  const wrong = new Set<string>();
  for (const target of targetsOf(baseline)) {
    const place = world.region(target.accountId, target.region);
    for (const image of place.images.values())
      if (
        imageState(image, world.clock.milliseconds()) !== 'available' &&
        usersIn(world, place, image.imageId).length > 0
      )
        wrong.add(`${targetName(target)} ${image.imageId}`);
  }
  return wrong;
}

/** Of every AMI, whether a tag says that it was looked at when it was not seen to be used. */
export function overlooked(world: World, baseline: Baseline, startedAt: string): string[] {
  return targetsOf(baseline).flatMap((target) => {
    const place = world.region(target.accountId, target.region);
    return [...place.images.values()]
      .filter(({ tags }) => tags.get(TAGS.lastUsedRuntime) === startedAt)
      .filter(
        ({ imageId, tags }) =>
          usersIn(world, place, imageId).length > 0 && tags.get(TAGS.lastUsed) !== startedAt,
      )
      .map(({ imageId }) => `${targetName(target)}: ${imageId} is used, and was looked at as if it were not`);
  });
}
