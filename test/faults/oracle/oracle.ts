/** The oracle: how may a release end? In every target, or in none, or with every leftover named. */
import { keys } from '../../../core/contract/keys.ts';
import type { Leftover } from '../../../core/contract/leftovers.ts';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import type { Release } from '../../../core/contract/releases.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import type { Image, World } from '../../../sandbox/aws/world.ts';
import { type Baseline, targetsOf } from '../player/baseline.ts';
import type { End } from './ends.ts';
import type { InvariantMonitor } from './invariant-monitor.ts';
import { flawsOf, imagesOf, sharesOf, tracesOf, valueOf } from './world-facts.ts';

export class Oracle {
  readonly #world: World;
  readonly #baseline: Baseline;
  readonly #monitor: InvariantMonitor;
  readonly #latestBefore: ReadonlyMap<string, string | undefined>;

  constructor(world: World, baseline: Baseline, monitor: InvariantMonitor) {
    this.#world = world;
    this.#baseline = baseline;
    this.#monitor = monitor;
    this.#latestBefore = new Map(
      targetsOf(baseline).map((target) => [targetName(target), this.#latestOf(target)]),
    );
  }

  /** Everything of a release, by target. */
  traces(release: Release): Map<string, string[]> {
    const { hub } = this.#baseline;
    return new Map(
      targetsOf(this.#baseline).map((target) => [
        targetName(target),
        tracesOf(this.#world, hub.region, target, release, this.#monitor.madeIn(target, release)),
      ]),
    );
  }

  /** Wrong in a release that says it stands. */
  ofReleased(release: Release, end: End): string[] {
    const world = this.#world;
    const { bucket } = this.#baseline;
    const wrong: string[] = [];
    for (const { name: stage, targets } of this.#baseline.stages) {
      for (const target of targets) {
        wrong.push(...flawsOf(world, target, release, stage));
        const place = world.region(target.accountId, target.region);
        if (this.#baseline.copies) wrong.push(...sharesOf(place, release));
        // An attempt before may have made others, which are gone.
        const image = [...this.#monitor.madeIn(target, release)].at(-1);
        const days = daysUntilDeprecated(place.images.get(image ?? ''));
        if (days !== this.#baseline.deprecateAfterDays)
          wrong.push(`${targetName(target)}: ${image} is deprecated after ${days} days`);
        const given = consumersOf(place.images.get(image ?? ''));
        if (given.join() !== (this.#baseline.consumers ?? []).join())
          wrong.push(`${targetName(target)}: ${image} is shared with ${given.join(', ') || 'nobody'}`);
        const version = parameters.version(release.image, release.version);
        const snapshots =
          place.images.get(image ?? '')?.blockDevices.map(({ snapshotId }) => snapshotId) ?? [];
        if (valueOf(place, version) !== image)
          wrong.push(`${targetName(target)}: ${version} is ${valueOf(place, version)}, not ${image}`);
        const expected = [image, ...snapshots, version, parameters.latest(release.image)];
        for (const id of this.traces(release).get(targetName(target)) ?? [])
          if (!expected.includes(id)) wrong.push(`${targetName(target)}: ${id} is left of a bake`);
      }
    }
    const recorded =
      world.buckets.get(bucket)?.objects.has(keys.released(release.image, release.version)) === true;
    if (end === 'released' && !recorded) wrong.push(`${release.releaseId} is not recorded as released`);
    if (end === 'released' && !this.#announced(release, NAMES.released))
      wrong.push(`${release.releaseId} is released, but nobody was told`);
    return wrong;
  }

  /** By target: what says that it was made from another source than these, which are by target too. */
  otherSources(release: Release, sources: ReadonlyMap<string, string>): [string, string][] {
    return targetsOf(this.#baseline).flatMap((target): [string, string][] => {
      const name = targetName(target);
      const [image] = imagesOf(this.#world.region(target.accountId, target.region), release);
      const found = image?.tags.get('packleader:source-ami');
      const wanted = sources.get(name);
      return wanted === undefined || found === wanted ? [] : [[name, `it was made from ${found}`]];
    });
  }

  /** Wrong in a release that says it is gone, or names what is left; `named` is undefined when nobody could look. */
  ofUndone(
    release: Release,
    named: readonly Leftover[] | undefined,
    exactly: boolean,
    mayStayShared: boolean,
  ): string[] {
    const wrong: string[] = [];
    for (const [target, ids] of this.traces(release)) {
      const claimed = named
        ?.filter((leftover) => targetName(leftover) === target)
        .map(({ resourceId }) => resourceId);
      // A target that could not be looked at stands for whatever it holds.
      if (claimed === undefined || claimed.includes(release.releaseId)) continue;
      for (const image of this.#imagesOf(target, release).filter((one) => this.#isShared(one))) {
        const isNamed = named?.some(
          ({ resourceId, why }) => resourceId === image.imageId && /shared/.test(why),
        );
        if (!isNamed) wrong.push(`${target}: ${image.imageId} is still shared, and not named as that`);
        if (!mayStayShared) wrong.push(`${target}: ${image.imageId} is still shared, and nothing hindered`);
      }
      for (const id of ids) if (!claimed.includes(id)) wrong.push(`${target}: ${id} is left, and not named`);
      for (const id of claimed)
        if (exactly && !ids.includes(id)) wrong.push(`${target}: ${id} is named as left, but is not there`);
    }
    if (this.#announced(release, NAMES.released))
      wrong.push(`${release.releaseId} was announced as released`);
    const { bucket } = this.#baseline;
    if (this.#world.buckets.get(bucket)?.objects.has(keys.released(release.image, release.version)))
      wrong.push(`${release.releaseId} is recorded as released`);
    return wrong;
  }

  #imagesOf(name: string, release: Release): Image[] {
    const target = targetsOf(this.#baseline).find((one) => targetName(one) === name);
    return target ? imagesOf(this.#world.region(target.accountId, target.region), release) : [];
  }

  #isShared(image: Image): boolean {
    const { consumers = [] } = this.#baseline;
    return consumersOf(image).some((one) => consumers.includes(one));
  }

  /** `latest` shows the newest release that stands, or what it showed before; `except` are targets that say they do not. */
  ofLatest(standing: readonly Release[], except: ReadonlySet<string>): string[] {
    const newest = standing.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0];
    const wrong: string[] = [];
    for (const target of targetsOf(this.#baseline)) {
      if (except.has(targetName(target))) continue;
      const made = newest
        ? [...this.#monitor.madeIn(target, newest)].at(-1)
        : this.#latestBefore.get(targetName(target));
      const found = this.#latestOf(target);
      if (found !== made) wrong.push(`${targetName(target)}: latest is ${found}, not ${made}`);
    }
    return wrong;
  }

  #latestOf({ accountId, region }: Target): string | undefined {
    const image = this.#baseline.releases.A.planned.release.image;
    return valueOf(this.#world.region(accountId, region), parameters.latest(image));
  }

  #announced({ releaseId }: Release, detailType: string): boolean {
    return this.#world.events.some(
      (event) =>
        event.detailType === detailType && Reflect.get(Object(event.detail), 'releaseId') === releaseId,
    );
  }
}

/** Rounded: an AMI is made within hours after its release began. */
function daysUntilDeprecated(image: Image | undefined): number | undefined {
  const { createdAt = 0, deprecatedAt } = image ?? {};
  return deprecatedAt === undefined ? undefined : Math.round((deprecatedAt - createdAt) / 86_400_000);
}

function consumersOf(image: Image | undefined): string[] {
  if (!image) return [];
  const { users, organizations, units } = image.launchPermissions;
  return [...users, ...organizations, ...units];
}
