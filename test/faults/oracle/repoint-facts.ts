/** What every target shows and holds of what can be gone back to, and what that is to become. */
import { keys } from '../../../core/contract/keys.ts';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import { type Revocation, revocationSchema } from '../../../core/contract/repoints.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { type Image, type World, imageState } from '../../../sandbox/aws/world.ts';
import { type Baseline, IMAGE, RELEASED, targetsOf } from '../player/baseline.ts';
import type { Asked, Standing } from '../player/scenario.ts';
import { valueOf } from './world-facts.ts';

/** By target and resource: what a person would say of it. */
export type Facts = ReadonlyMap<string, string>;

/** Who can launch an AMI of these releases beside its account. */
const FOR = 'for 1';
const AMI: Readonly<Record<Standing, string>> = {
  released: `released, available, ${FOR}`,
  revoked: `revoked, available, ${FOR}`,
  // EC2 drops launch permissions of what is disabled.
  'revoked and disabled': 'revoked, disabled, for 0',
};

export const LATEST = parameters.latest(IMAGE);
export const nameOfFact = (target: Target, resourceId: string): string =>
  `${targetName(target)} ${resourceId}`;

const imageOf = (world: World, { accountId, region }: Target, version: string): Image | undefined =>
  [...world.region(accountId, region).images.values()].find(
    ({ tags }) => tags.get(TAGS.version) === version && tags.get(TAGS.image) === IMAGE,
  );

export function factsOf(world: World, baseline: Baseline): Facts {
  const now = world.clock.milliseconds();
  return new Map(
    targetsOf(baseline).flatMap((target) => {
      const place = world.region(target.accountId, target.region);
      const ofVersions = RELEASED.flatMap((version) => {
        const image = imageOf(world, target, version);
        const name = parameters.version(IMAGE, version);
        const published: [string, string] = [nameOfFact(target, name), valueOf(place, name) ?? 'nothing'];
        if (!image) return [published];
        const { users, organizations, units } = image.launchPermissions;
        const launching = `for ${users.size + organizations.size + units.size}`;
        const state = `${image.tags.get(TAGS.state)}, ${imageState(image, now)}, ${launching}`;
        const snapshots = image.blockDevices.map(({ snapshotId }): [string, string] => [
          nameOfFact(target, snapshotId),
          place.snapshots.get(snapshotId)?.tags.get(TAGS.state) ?? 'nothing',
        ]);
        return [
          published,
          [nameOfFact(target, image.imageId), state] satisfies [string, string],
          ...snapshots,
        ];
      });
      return [...ofVersions, [nameOfFact(target, LATEST), valueOf(place, LATEST) ?? 'nothing']] as const;
    }),
  );
}

/** The same once every account has followed. */
export function factsAfter(before: Facts, world: World, baseline: Baseline, { becomes }: Asked): Facts {
  const after = new Map(before);
  for (const target of targetsOf(baseline)) {
    after.set(nameOfFact(target, LATEST), imageOf(world, target, becomes.latest)?.imageId ?? 'nothing');
    for (const [version, standing] of Object.entries(becomes.versions)) {
      const image = imageOf(world, target, version);
      if (!image) continue;
      after.set(nameOfFact(target, image.imageId), AMI[standing]);
      for (const { snapshotId } of image.blockDevices)
        after.set(nameOfFact(target, snapshotId), standing === 'released' ? 'released' : 'revoked');
    }
  }
  return after;
}

/** What is other than it should be, by the name of the fact. */
export const othersThan = (expected: Facts, seen: Facts): Map<string, string> =>
  new Map(
    [...new Set([...expected.keys(), ...seen.keys()])].flatMap((name) =>
      expected.get(name) === seen.get(name)
        ? []
        : [[name, `${name} is ${seen.get(name)}, not ${expected.get(name)}`] as const],
    ),
  );

function revocationOf(world: World, { bucket }: Baseline, version: string): Revocation | undefined {
  const body = world.buckets.get(bucket)?.objects.get(keys.revoked(IMAGE, version))?.body;
  return body && revocationSchema.parse(JSON.parse(new TextDecoder().decode(body)));
}

/** Everything that is remembered, and how often the world was told. */
export const rememberedOf = (world: World, baseline: Baseline): string =>
  JSON.stringify([
    RELEASED.map((version) => revocationOf(world, baseline, version)),
    world.events.filter(({ detailType }) => TOLD.includes(detailType)).length,
  ]);

const TOLD: readonly string[] = [NAMES.repointed, NAMES.revoked, NAMES.restored];

/** Wrong in what is remembered of a request that every account has followed. */
export const notRemembered = (world: World, baseline: Baseline, { becomes }: Asked): string[] =>
  Object.entries(becomes.versions).flatMap(([version, standing]) => {
    const revocation = revocationOf(world, baseline, version);
    const isRevoked = revocation !== undefined && revocation.restored === undefined;
    return isRevoked === (standing !== 'released')
      ? []
      : [`the record of ${version} does not say ${standing}`];
  });

/** Wrong in what is told of it, and kept for a restoration, when nobody has asked for it before. */
export function notTold(world: World, baseline: Baseline, { becomes }: Asked, moves: boolean): string[] {
  const isTold = (type: string, releaseId: string): boolean =>
    world.events.some(
      ({ detailType, detail }) =>
        detailType === type && Reflect.get(Object(detail), 'releaseId') === releaseId,
    );
  const ofVersions = Object.entries(becomes.versions).flatMap(([version, standing]) => {
    const type = standing === 'released' ? NAMES.restored : NAMES.revoked;
    const kept = (revocationOf(world, baseline, version)?.disabled ?? []).map(
      ({ sharedWith }) => sharedWith.length,
    );
    const expected = standing === 'revoked and disabled' ? targetsOf(baseline).map(() => 1) : kept;
    return [
      ...(kept.join() === expected.join()
        ? []
        : [`the record of ${version} keeps who could launch ${kept.length} AMIs`]),
      ...(isTold(type, `${IMAGE}@${version}`) ? [] : [`nobody was told that ${version} is ${standing}`]),
    ];
  });
  return !moves || isTold(NAMES.repointed, `${IMAGE}@${becomes.latest}`)
    ? ofVersions
    : [...ofVersions, `nobody was told that latest is ${becomes.latest}`];
}
