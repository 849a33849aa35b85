/** Looks at the world, not at the code: what may a release leave behind? */
import type { Report } from '../../sandbox/rehearsal.ts';
import { addImage, addParameter } from '../../sandbox/own-things.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { type WorldSnapshot, snapshotOf } from '../../sandbox/world.ts';

export type Worlds = Readonly<Record<string, WorldSnapshot>>;

export const EARLIER = '1.4.20261001000000';

/** As if the image had been released before: `latest` has something to go back to. Returns the world as it then is. */
export function releasedBefore(sandbox: Sandbox, image: string): Worlds {
  const tags = new Map([
    ['packleader:release', `${image}@${EARLIER}`],
    ['packleader:state', 'released'],
    ['Version', EARLIER],
  ]);
  for (const place of Object.keys(snapshotOf(sandbox.world))) {
    const [accountId = '', region = ''] = place.split('/');
    const target = { accountId, region };
    const createdAt = Date.parse('2026-10-01T00:00:00Z');
    const imageId = addImage(sandbox.world, target, {
      name: `${image}-${EARLIER}-g0000000`,
      tags,
      createdAt,
    });
    addParameter(sandbox.world, target, `/packleader/${image}/versions/${EARLIER}`, imageId);
    addParameter(sandbox.world, target, `/packleader/${image}/latest`, imageId);
  }
  return snapshotOf(sandbox.world);
}

/** What is wrong with how a release ended; nothing is when every account holds it, or none does, or all that is left is named. */
export function violations(report: Report, before: Worlds): string[] {
  const found: string[] = [];
  for (const release of report.releases) {
    const end = release.path.at(-1) ?? 'nowhere';
    if (release.outcome === 'released') {
      if (!end.startsWith('Released')) found.push(`${release.releaseId} is released, but ended in ${end}`);
      found.push(...release.targets.flatMap((target) => incomplete(target, release, report.world)));
    } else if (release.outcome === 'rolled back' && release.leftovers.length > 0) {
      found.push(`${release.releaseId} is rolled back, but has leftovers`);
    }
  }
  const explained = new Set([
    ...report.releases.flatMap(({ leftovers }) => leftovers.map(({ resourceId }) => resourceId)),
    ...report.releases
      .filter(({ outcome }) => outcome === 'released')
      .flatMap(({ targets }) =>
        targets.flatMap(({ imageId, snapshotIds }) => [imageId ?? '', ...snapshotIds]),
      ),
  ]);
  const released = new Set(
    report.releases.filter(({ outcome }) => outcome === 'released').map(({ image }) => image),
  );
  for (const [place, after] of Object.entries(report.world)) {
    found.push(...differences(place, before[place], after, explained, released));
  }
  const really = new Set(Object.values(report.world).flatMap(idsOf));
  for (const { leftovers } of report.releases) {
    for (const { resourceId } of leftovers) {
      if (!really.has(resourceId)) found.push(`${resourceId} is called a leftover, but is not there`);
    }
  }
  return found;
}

function incomplete(
  target: Report['releases'][number]['targets'][number],
  { releaseId, image, version }: Report['releases'][number],
  world: Worlds,
): string[] {
  const where = `${releaseId} in ${target.accountId}/${target.region}`;
  const place = world[`${target.accountId}/${target.region}`];
  const images = place?.images.filter(({ tags }) => tags['packleader:release'] === releaseId) ?? [];
  const snapshots = place?.snapshots.filter(({ tags }) => tags['packleader:release'] === releaseId) ?? [];
  const wrong: string[] = [];
  if (images.length !== 1) wrong.push(`${where} has ${images.length} AMIs`);
  for (const { tags } of [...images, ...snapshots]) {
    if (tags['packleader:state'] !== 'released' || tags['Version'] !== version)
      wrong.push(`${where} lacks a version tag`);
  }
  const expected = {
    [`/packleader/${image}/versions/${version}`]: target.imageId,
    [`/packleader/${image}/latest`]: target.imageId,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (place?.parameters[name] !== value)
      wrong.push(`${where}: ${name} is ${place?.parameters[name]}, not ${value}`);
  }
  return wrong;
}

/** Everything that changed and that nothing explains. */
function differences(
  place: string,
  before: WorldSnapshot | undefined,
  after: WorldSnapshot,
  explained: ReadonlySet<string>,
  released: ReadonlySet<string>,
): string[] {
  const thingsBefore = thingsOf(before);
  const thingsAfter = thingsOf(after);
  const own = (name: string) => [...released].some((image) => name.startsWith(`/packleader/${image}/`));
  const wrong: string[] = [];
  for (const [id, thing] of thingsAfter) {
    if (explained.has(id) || own(id)) continue;
    if (!thingsBefore.has(id)) wrong.push(`${place}: ${id} is new`);
    else if (thingsBefore.get(id) !== thing)
      wrong.push(`${place}: ${id} was ${thingsBefore.get(id)}, is ${thing}`);
  }
  for (const id of thingsBefore.keys()) if (!thingsAfter.has(id)) wrong.push(`${place}: ${id} is gone`);
  return wrong;
}

function thingsOf(place: WorldSnapshot | undefined): Map<string, string> {
  if (!place) return new Map();
  const { images, snapshots, instances, keyPairs, securityGroups, parameters } = place;
  return new Map([
    ...images.map((image) => [image.imageId, JSON.stringify(image)] as const),
    ...snapshots.map((snapshot) => [snapshot.snapshotId, JSON.stringify(snapshot)] as const),
    ...instances.map((instance) => [instance.instanceId, JSON.stringify(instance)] as const),
    ...keyPairs.map((keyPair) => [keyPair.keyPairId, JSON.stringify(keyPair)] as const),
    ...securityGroups.map((group) => [group.groupId, JSON.stringify(group)] as const),
    ...Object.entries(parameters),
  ]);
}

const idsOf = (place: WorldSnapshot): string[] => [...thingsOf(place).keys()];
