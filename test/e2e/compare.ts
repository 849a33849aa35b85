/** Two worlds are the same when they differ only in what AWS makes up: ids. */
import { isDeepStrictEqual, styleText } from 'node:util';
import type { ReportedRelease } from '../../sandbox/rehearsal/rehearsal.ts';
import type { WorldSnapshot } from '../../sandbox/aws/world.ts';

export interface Ending {
  readonly releases: readonly ReportedRelease[];
  readonly world: Readonly<Record<string, WorldSnapshot>>;
}

/** How each release went and what it left, without ids: an AMI is called by its name, everything else by its tags. */
export function normalised({ releases, world }: Ending): unknown {
  const names = new Map(
    Object.values(world).flatMap(({ images }) => images.map(({ imageId, name }) => [imageId, name] as const)),
  );
  /** Whatever is not one of the release's own AMIs is the public one. */
  const named = (text: string): string =>
    text.replace(/\bami-[0-9a-f]+\b/g, (id) => names.get(id) ?? 'the public source AMI');
  const tags = (of: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, named(value)] as const));
  return {
    releases: releases.map(({ releaseId, commit, outcome, error, path, targets, leftovers }) => ({
      releaseId,
      commit,
      outcome,
      error: error?.name ?? null,
      path,
      targets: targets.map(
        ({ stage, accountId, region, imageId, sourceImageId, snapshotIds, parameters }) => ({
          stage,
          target: `${accountId}/${region}`,
          image: imageId === null ? null : named(imageId),
          sourceAmi: sourceImageId === null ? null : named(sourceImageId),
          snapshots: snapshotIds.length,
          parameters: Object.keys(parameters).sort(),
        }),
      ),
      leftovers,
    })),
    world: Object.fromEntries(
      Object.entries(world).map(([place, is]) => [
        place,
        {
          images: inOrder(
            is.images.map(({ name, state, tags: of, snapshotIds, launchPermissions }) => ({
              name,
              state,
              tags: tags(of),
              snapshots: snapshotIds.map((id) =>
                is.snapshots.some(({ snapshotId }) => snapshotId === id) ? 'exists' : 'missing',
              ),
              launchPermissions,
            })),
          ),
          snapshots: inOrder(is.snapshots.map(({ tags: of }) => tags(of))),
          instances: inOrder(is.instances.map(({ state, tags: of }) => ({ state, tags: tags(of) }))),
          keyPairs: inOrder(is.keyPairs.map(({ tags: of }) => tags(of))),
          securityGroups: inOrder(is.securityGroups.map(({ tags: of }) => tags(of))),
          parameters: tags(is.parameters),
        },
      ]),
    ),
  };
}

function inOrder<T>(things: readonly T[]): T[] {
  return things.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

/** The paths at which two values differ, with both values. */
export function differences(expected: unknown, found: unknown, at = ''): string[] {
  if (isDeepStrictEqual(expected, found)) return [];
  if (isRecord(expected) && isRecord(found)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
    return keys.flatMap((key) => differences(expected[key], found[key], `${at}/${key}`));
  }
  return [
    `${at}: ${styleText('dim', 'sandbox')} ${JSON.stringify(expected)} ${styleText('dim', 'moto')} ${JSON.stringify(found)}`,
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
