/**
 * How cleaners of AMIs have cost people a live one, played with ours. Beside what must stay there is in each a version that nothing
 * keeps, and it goes: a cleaner that never removes anything proves nothing.
 */
import { describe, expect, test } from 'vitest';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import { awsError } from '../../../sandbox/aws/errors.ts';
import type { Image, Region } from '../../../sandbox/aws/world.ts';
import { addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { USERS, type User } from '../../faults/sandbox/ami-users.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { type OperatedHub, openHub } from '../../fixtures/sandbox/hub.ts';
import { DAY_MS, addVersion, amiOf, oneDay, retire, takeInventory } from '../../fixtures/sandbox/retiring.ts';

const TARGETS = Object.values(STAGES).flat();
const [PROD] = STAGES.prod;
/** Deprecated, disabled, deregistered, with a day after each. */
const DAYS = 4;

interface Scene {
  readonly hub: OperatedHub;
  /** What somebody needs, and nothing else keeps: as old as what goes. */
  readonly needed: string;
  readonly unneeded: string;
  /** The account and region in which it is needed, and its AMI there. */
  readonly place: Region;
  readonly image: Image;
}

async function scene(rule: object = {}): Promise<Scene> {
  const hub = await openHub({
    retention: { base: retentionSchema.parse({ keepNewest: 1, graceDays: 1, ...rule }) },
  });
  const unneeded = addVersion(hub.sandbox, TARGETS, { daysAgo: 90 });
  const needed = addVersion(hub.sandbox, TARGETS, { daysAgo: 80 });
  addVersion(hub.sandbox, TARGETS, { daysAgo: 1 });
  const image = PROD && amiOf(hub.sandbox, PROD, needed);
  if (!PROD || !image) throw new Error('there is no such AMI');
  return { hub, needed, unneeded, image, place: hub.sandbox.world.region(PROD.accountId, PROD.region) };
}

function use({ hub, image }: Scene, by: User): void {
  if (PROD) USERS[by](hub.sandbox.world, PROD, image.imageId);
}

const isThere = ({ hub }: Scene, releaseId: string): boolean[] =>
  TARGETS.map((target) => {
    const image = amiOf(hub.sandbox, target, releaseId);
    return image !== undefined && !image.disabled && image.deprecatedAt === undefined;
  });

/** What nothing keeps goes everywhere, and what is needed can be launched everywhere. */
async function staysWhileTheOtherGoes(so: Scene): Promise<void> {
  for (let day = 0; day < DAYS; day += 1) await oneDay(so.hub, { mostPercent: 100 });
  expect(TARGETS.map((target) => amiOf(so.hub.sandbox, target, so.unneeded))).toEqual([undefined, undefined]);
  expect(isThere(so, so.needed)).toEqual([true, true]);
}

describe('what has cost others a live AMI', () => {
  test('a launch template outside any Auto Scaling group was not seen', async () => {
    const so = await scene();
    use(so, 'a launch template');
    await staysWhileTheOtherGoes(so);
  });

  test('only the newest ten versions of a launch template were looked at', async () => {
    const so = await scene();
    use(so, 'a launch template');
    const template = so.place.launchTemplates.get('lt-team');
    for (let number = 2; number <= 30; number += 1)
      template?.versions.push({ number, createdAt: 0, imageId: 'ami-0aaaaaaaaaaaaaaaa' });
    if (template) template.defaultVersion = 30;
    await staysWhileTheOtherGoes(so);
  });

  test('what other accounts launch was not seen', async () => {
    const so = await scene();
    so.image.launchPermissions.units.add('arn:aws:organizations::999999999999:ou/o-example/ou-teams');
    await staysWhileTheOtherGoes(so);
  });

  test('launch permissions that were in use were cancelled', async () => {
    const so = await scene();
    use(so, 'another account');
    await staysWhileTheOtherGoes(so);
    expect([...so.image.launchPermissions.users]).toEqual(['123456789012']);
  });

  test.each(['ami-id', 'ami_id'])('a parameter was looked for by another name than %s', async (name) => {
    const so = await scene();
    if (PROD) addParameter(so.hub.sandbox.world, PROD, `/runners/${name}`, so.image.imageId);
    await staysWhileTheOtherGoes(so);
  });

  test('an error of Parameter Store was read as "not referenced"', async () => {
    const so = await scene();
    use(so, 'a parameter');
    const answer = so.hub.sandbox.intercept(async (call, next) => {
      if (call.service === 'ssm' && /^(DescribeParameters|GetParameters)$/.test(call.operation))
        throw awsError('ssm', 'AccessDeniedException', 'Not you.');
      return next();
    });
    for (let day = 0; day < DAYS; day += 1) {
      await so.hub.sandbox.clock.sleep(DAY_MS);
      expect((await takeInventory(so.hub)).status).toBe('FAILED');
      expect((await retire(so.hub, { mostPercent: 100 })).outcome.status).toBe('FAILED');
    }
    expect([isThere(so, so.needed), isThere(so, so.unneeded)]).toEqual([
      [true, true],
      [true, true],
    ]);
    answer();
    await staysWhileTheOtherGoes(so);
  });

  test('only the first page was read', async () => {
    const so = await scene();
    const others = 1_001;
    for (let number = 0; number < others; number += 1)
      if (PROD) USERS['an instance'](so.hub.sandbox.world, PROD, 'ami-0aaaaaaaaaaaaaaaa', `other-${number}`);
    // EC2 lists it behind all of these.
    use(so, 'an instance');
    for (let number = 0; number < 60; number += 1)
      if (PROD) addParameter(so.hub.sandbox.world, PROD, `/a-team/${number}`, 'ami-0aaaaaaaaaaaaaaaa');
    await staysWhileTheOtherGoes(so);
  });

  test('snapshots of a disabled AMI were taken for orphans', async () => {
    const so = await scene();
    const snapshots = (): boolean[] =>
      TARGETS.flatMap((target) => {
        const { snapshots: there } = so.hub.sandbox.world.region(target.accountId, target.region);
        return (amiOf(so.hub.sandbox, target, so.unneeded)?.blockDevices ?? []).map(({ snapshotId }) =>
          there.has(snapshotId),
        );
      });
    use(so, 'an instance');
    for (let day = 0; day < 2; day += 1) await oneDay(so.hub, { mostPercent: 100 });
    expect(TARGETS.map((target) => amiOf(so.hub.sandbox, target, so.unneeded)?.disabled)).toEqual([
      true,
      true,
    ]);
    expect(snapshots()).toEqual([true, true]);
    await staysWhileTheOtherGoes(so);
  });

  test('snapshots of an AMI that was still being made were taken for orphans', async () => {
    const so = await scene();
    so.image.availableAt = so.hub.sandbox.clock.milliseconds() + (DAYS + 1) * DAY_MS;
    for (let day = 0; day < DAYS; day += 1) await oneDay(so.hub, { mostPercent: 100 });
    expect(so.image.blockDevices.map(({ snapshotId }) => so.place.snapshots.has(snapshotId))).toEqual([true]);
    expect(isThere(so, so.needed)).toEqual([true, true]);
    expect(TARGETS.map((target) => amiOf(so.hub.sandbox, target, so.unneeded))).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('the old AMI was removed before the new one had worked', async () => {
    // Nothing uses the one before the newest any more, and the newest is a day old.
    await staysWhileTheOtherGoes(await scene({ keepNewest: 2 }));
  });
});
