/** Makes of an overview what the page draws. */
import type { Overview, SeenRelease, StagedTarget } from '../../client/client.ts';
import { targetName } from '../../core/contract/targets.ts';
import type { PageData, PageRelease } from './page-shape.ts';

export function pageData({ seenAt, hub, releases, where }: Overview, rehearsed = false): PageData {
  const targets = new Map<string, StagedTarget>();
  for (const target of [...where.targets, ...releases.flatMap(({ amis }) => amis)])
    if (!targets.has(targetName(target))) targets.set(targetName(target), target);
  const names = [...targets.keys()];
  const images = [...new Set([...Object.keys(where.newest), ...releases.map(({ image }) => image)])];
  const repositories = [...new Set(releases.flatMap(({ repository }) => repository ?? []))];
  return {
    seenAt: inSeconds(seenAt),
    hub,
    rehearsed,
    targets: [...targets].map(([name, { stage }]) => ({ stage, name })),
    images,
    newest: images.map((image) => where.newest[image] ?? null),
    repositories,
    releases: releases.map((release, index) => pageRelease(release, index < TIMELINES)),
    where: where.targets.flatMap((target) =>
      target.images.map(({ image, latest, running }) => ({
        target: names.indexOf(targetName(target)),
        image: images.indexOf(image),
        latest: latest && [latest.imageId, latest.version, latest.ageDays, latest.stale],
        running:
          running &&
          running.map(({ version, imageId, stale, instanceIds }): [string, number, boolean | null] => [
            version ?? imageId,
            instanceIds.length,
            stale,
          ]),
      })),
    ),
    notSeen: where.targets.flatMap((target) =>
      target.notSeen.map(({ what, why }) => ({ target: names.indexOf(targetName(target)), what, why })),
    ),
  };

  function pageRelease(release: SeenRelease, withTimeline: boolean): PageRelease {
    const {
      outcome,
      revoked,
      branch,
      reason,
      startedBy,
      builtOn,
      error,
      repository,
      startedAt,
      stoppedAt,
      timeline,
    } = release;
    const start = inSeconds(startedAt);
    const since = (from: string, to: string | null) => (to === null ? null : inSeconds(to) - inSeconds(from));
    return {
      image: images.indexOf(release.image),
      version: release.version,
      commit: release.commit.slice(0, 12),
      at: start,
      ...(revoked !== null ? { outcome: 'revoked' } : outcome !== 'released' && { outcome }),
      ...(release.prerelease && { prerelease: true as const }),
      ...(repository !== null && { repository: repositories.indexOf(repository) }),
      ...(branch !== null && { branch }),
      ...(reason !== null && { reason }),
      ...(startedBy !== null && { startedBy }),
      ...(stoppedAt !== null && { seconds: inSeconds(stoppedAt) - start }),
      ...(builtOn !== null && { builtOn }),
      ...(revoked !== null && { error: revoked.slice(0, LONGEST_ERROR) }),
      ...(error && { error: errorText(error).slice(0, LONGEST_ERROR) }),
      amis: release.amis.map((ami) => [names.indexOf(targetName(ami)), ami.imageId] as const),
      ...(timeline && {
        cost: Number(timeline.cost.toFixed(4)),
        minutes: timeline.billed.buildMinutes,
      }),
      ...(timeline &&
        withTimeline && {
          states: timeline.states.map(
            (one) =>
              [one.state, inSeconds(one.startedAt) - start, since(one.startedAt, one.stoppedAt)] as const,
          ),
          bakes: timeline.bakes.map((bake): [number, number, number | null, string?] => [
            names.indexOf(targetName(bake)),
            inSeconds(bake.startedAt) - start,
            since(bake.startedAt, bake.stoppedAt),
            ...(bake.error === null ? ([] as const) : ([bake.error] as const)),
          ]),
        }),
    };
  }
}

/** Of so many of the newest releases the page draws where the time went; of all others it says how long they took, and the cost. */
const TIMELINES = 100;

/** The whole cause of a failure is in `packleader status`. */
const LONGEST_ERROR = 600;

/** A cause that a task has put together begins with the error's name. */
const errorText = ({ name, cause }: NonNullable<SeenRelease['error']>): string =>
  cause.startsWith(`${name}:`) ? cause : `${name}: ${cause}`;

const inSeconds = (time: string): number => Math.round(Date.parse(time) / 1_000);
