/** The oracle: how may a release end? In every target, or in none, or with every leftover named. */
import * as z from 'zod';
import { keys } from '../../core/contract/keys.ts';
import { type Leftover, leftoverSchema } from '../../core/contract/leftovers.ts';
import { NAMES, parameters } from '../../core/contract/names.ts';
import type { Release } from '../../core/contract/releases.ts';
import { PIVOT } from '../../core/contract/state-names.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import type { Execution } from '../../sandbox/engine/engine.ts';
import type { Outcome } from '../../sandbox/engine/outcome.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { flawsOf, tracesOf, valueOf } from './facts.ts';
import { type Ground, targetsOf } from './ground.ts';
import type { Watch } from './watch.ts';

export type End =
  | 'released'
  | 'released without announcement'
  | 'rolled back'
  | 'rollback incomplete'
  | 'rollback not verified'
  | 'stopped';

const ENDS: Readonly<Record<string, End>> = {
  Released: 'released',
  'Released without announcement': 'released without announcement',
  'Rolled back': 'rolled back',
  'Rollback incomplete': 'rollback incomplete',
  'Rollback not verified': 'rollback not verified',
};

/**
 * How an execution says that it ended; undefined when it ended anywhere else. One that was stopped while it announced its
 * release had released it.
 */
export function endOf({ history }: Execution, outcome: Outcome): End | undefined {
  if (outcome.status === 'ABORTED' || outcome.status === 'TIMED_OUT')
    return history.path.at(-1) === PIVOT.behind ? 'released without announcement' : 'stopped';
  const end = ENDS[history.path.at(-1) ?? ''];
  return (outcome.status === 'SUCCEEDED') === (end === 'released') ? end : undefined;
}

export const stands = (end: End | undefined): boolean => end?.startsWith('released') === true;

const verdictSchema = z.object({
  rollback: z.object({
    leftovers: z.array(leftoverSchema),
    leftoverCount: z.number(),
    complete: z.boolean(),
  }),
});

/** What `Verify rollback` named. */
export function namedBy({ history }: Execution): Leftover[] {
  const verdict = verdictSchema.safeParse(history.outputs.get('Verify rollback'));
  return verdict.success ? verdict.data.rollback.leftovers : [];
}

export class Oracle {
  readonly #sandbox: Pick<Sandbox, 'world' | 'hub'>;
  readonly #ground: Ground;
  readonly #watch: Watch;
  readonly #latestBefore: ReadonlyMap<string, string | undefined>;

  constructor(sandbox: Pick<Sandbox, 'world' | 'hub'>, ground: Ground, watch: Watch) {
    this.#sandbox = sandbox;
    this.#ground = ground;
    this.#watch = watch;
    this.#latestBefore = new Map(
      targetsOf(ground).map((target) => [targetName(target), this.#latestOf(target)]),
    );
  }

  /** Everything of a release, by target. */
  traces(release: Release): Map<string, string[]> {
    const { world, hub } = this.#sandbox;
    return new Map(
      targetsOf(this.#ground).map((target) => [
        targetName(target),
        tracesOf(world, hub.region, target, release, this.#watch.madeIn(target, release)),
      ]),
    );
  }

  /** Wrong in a release that says it stands. */
  ofReleased(release: Release, end: End): string[] {
    const { world, bucket } = { world: this.#sandbox.world, bucket: this.#ground.bucket };
    const wrong: string[] = [];
    for (const { name: stage, targets } of this.#ground.stages) {
      for (const target of targets) {
        wrong.push(...flawsOf(world, target, release, stage));
        const place = world.region(target.accountId, target.region);
        const [image] = this.#watch.madeIn(target, release);
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

  /** Wrong in a release that says it is gone, or names what is left; `named` is undefined when nobody could look. */
  ofUndone(release: Release, named: readonly Leftover[] | undefined, exactly: boolean): string[] {
    const wrong: string[] = [];
    for (const [target, ids] of this.traces(release)) {
      const told = named
        ?.filter((leftover) => targetName(leftover) === target)
        .map(({ resourceId }) => resourceId);
      // A target that could not be looked at stands for whatever it holds.
      if (told === undefined || told.includes(release.releaseId)) continue;
      for (const id of ids) if (!told.includes(id)) wrong.push(`${target}: ${id} is left, and not named`);
      for (const id of told)
        if (exactly && !ids.includes(id)) wrong.push(`${target}: ${id} is named as left, but is not there`);
    }
    if (this.#announced(release, NAMES.released))
      wrong.push(`${release.releaseId} was announced as released`);
    const { bucket } = this.#ground;
    if (this.#sandbox.world.buckets.get(bucket)?.objects.has(keys.released(release.image, release.version)))
      wrong.push(`${release.releaseId} is recorded as released`);
    return wrong;
  }

  /** `latest` shows the newest release that stands, or what it showed before; `except` are targets that say they do not. */
  ofLatest(standing: readonly Release[], except: ReadonlySet<string>): string[] {
    const newest = standing.toSorted((a, b) => (a.version < b.version ? 1 : -1))[0];
    const wrong: string[] = [];
    for (const target of targetsOf(this.#ground)) {
      if (except.has(targetName(target))) continue;
      const [made] = newest
        ? this.#watch.madeIn(target, newest)
        : [this.#latestBefore.get(targetName(target))];
      const found = this.#latestOf(target);
      if (found !== made) wrong.push(`${targetName(target)}: latest is ${found}, not ${made}`);
    }
    return wrong;
  }

  #latestOf({ accountId, region }: Target): string | undefined {
    const image = this.#ground.releases.A.planned.release.image;
    return valueOf(this.#sandbox.world.region(accountId, region), parameters.latest(image));
  }

  #announced({ releaseId }: Release, detailType: string): boolean {
    return this.#sandbox.world.events.some(
      (event) =>
        event.detailType === detailType && Reflect.get(Object(event.detail), 'releaseId') === releaseId,
    );
  }
}
