/** What the page shows, as small as it can be: it is in the page, and a page of a thousand releases is to stay small. */
import type { Overview, SeenRelease, StagedTarget } from '../../client/client.ts';
import { targetName } from '../../core/contract/targets.ts';

/** Indices are those of `targets` and `images`; times are seconds since 1970. */
export interface PageData {
  readonly seenAt: number;
  readonly hub: string;
  /** A rehearsal's page says so. */
  readonly rehearsed: boolean;
  readonly targets: readonly { readonly stage: string; readonly name: string }[];
  readonly images: readonly string[];
  /** By image: the newest version that was released. */
  readonly newest: readonly (string | null)[];
  readonly repositories: readonly string[];
  readonly releases: readonly PageRelease[];
  readonly where: readonly PagePlace[];
  readonly notSeen: readonly { readonly target: number; readonly what: string; readonly why: string }[];
}

export interface PageRelease {
  readonly image: number;
  readonly version: string;
  readonly commit: string;
  readonly at: number;
  /** Missing when it was released. */
  readonly outcome?: string;
  readonly prerelease?: true;
  readonly repository?: number;
  readonly branch?: string;
  readonly reason?: string;
  readonly seconds?: number;
  readonly builtOn?: string;
  readonly error?: string;
  /** Target and AMI. */
  readonly amis: readonly (readonly [number, string | null])[];
  readonly cost?: number;
  readonly minutes?: number;
  /** State, seconds after the start, and how long; null while it goes on. */
  readonly states?: readonly (readonly [string, number, number | null])[];
  /** Target, seconds after the start, how long, and the error. */
  readonly bakes?: readonly (readonly [number, number, number | null, string?])[];
}

export interface PagePlace {
  readonly target: number;
  readonly image: number;
  /** AMI, version, days, and whether it is stale; null when there is no `latest`. */
  readonly latest: readonly [string, string | null, number | null, boolean | null] | null;
  /** Version or AMI, how many instances, and whether it is stale; null when nobody looked. */
  readonly running: readonly (readonly [string, number, boolean | null])[] | null;
}

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
    releases: releases.map(pageRelease),
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

  function pageRelease(release: SeenRelease): PageRelease {
    const { outcome, branch, reason, builtOn, error, repository, startedAt, stoppedAt, timeline } = release;
    const start = inSeconds(startedAt);
    const since = (from: string, to: string | null) =>
      to === null ? null : inSeconds(to) - inSeconds(from);
    return {
      image: images.indexOf(release.image),
      version: release.version,
      commit: release.commit.slice(0, 12),
      at: start,
      ...(outcome !== 'released' && { outcome }),
      ...(release.prerelease && { prerelease: true as const }),
      ...(repository !== null && { repository: repositories.indexOf(repository) }),
      ...(branch !== null && { branch }),
      ...(reason !== null && { reason }),
      ...(stoppedAt !== null && { seconds: inSeconds(stoppedAt) - start }),
      ...(builtOn !== null && { builtOn }),
      ...(error && { error: `${error.name}: ${error.cause}`.slice(0, LONGEST_ERROR) }),
      amis: release.amis.map((ami) => [names.indexOf(targetName(ami)), ami.imageId] as const),
      ...(timeline && {
        cost: Number(timeline.cost.toFixed(4)),
        minutes: timeline.billed.buildMinutes,
        states: timeline.states.map(
          (one) => [one.state, inSeconds(one.startedAt) - start, since(one.startedAt, one.stoppedAt)] as const,
        ),
        bakes: timeline.bakes.map((bake): [number, number, number | null, string?] => [
          names.indexOf(targetName(bake)),
          inSeconds(bake.startedAt) - start,
          since(bake.startedAt, bake.stoppedAt),
          ...(bake.error === null ? [] : ([bake.error] as [string])),
        ]),
      }),
    };
  }
}

/** The whole cause of a failure is in `packleader status`. */
const LONGEST_ERROR = 600;

const inSeconds = (time: string): number => Math.round(Date.parse(time) / 1_000);
