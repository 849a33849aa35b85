import { describe, expect, test } from 'vitest';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import { parameters } from '../../../core/contract/names.ts';
import { awsError } from '../../../sandbox/aws/errors.ts';
import { snapshotOf } from '../../../sandbox/aws/world.ts';
import { addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { type OperatedHub } from '../../fixtures/sandbox/hub.ts';
import { addVersion, amiOf, oneDay, retire, takeInventory } from '../../fixtures/sandbox/retiring.ts';
import { withHub } from '../../fixtures/sandbox/sweeping.ts';

const [DEV, PROD] = [...targetsIn(0, 1), ...targetsIn(1, 1)] as const;
const TARGETS = [...targetsIn(0, 1), ...targetsIn(1, 1)];
const factory = { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) } };
const retention = { base: retentionSchema.parse({ keepNewest: 1, graceDays: 2 }) };

const withVersions = async (
  use: (hub: OperatedHub, versions: { old: string; newest: string }) => Promise<void>,
) =>
  withHub(
    factory,
    async (hub) => {
      const old = addVersion(hub.sandbox, TARGETS, { daysAgo: 100 });
      const newest = addVersion(hub.sandbox, TARGETS, { daysAgo: 50 });
      for (const target of TARGETS) {
        const imageId = amiOf(hub.sandbox, target, newest)?.imageId ?? '';
        addParameter(hub.sandbox.world, target, parameters.latest('base'), imageId);
      }
      await use(hub, { old, newest });
    },
    { retention },
  );

const at = (target: (typeof TARGETS)[number] | undefined) => target ?? { accountId: '', region: '' };
const stateOf = (hub: OperatedHub, releaseId: string) =>
  TARGETS.map((target) => {
    const ami = amiOf(hub.sandbox, target, releaseId);
    if (!ami) return 'gone';
    return ami.disabled ? 'disabled' : ami.deprecatedAt === undefined ? 'there' : 'deprecated';
  });

describe('a version that nothing uses', () => {
  test('is deprecated, disabled and deregistered with its snapshots, in every account, and what is kept stays', async () => {
    await withVersions(async (hub, { old, newest }) => {
      const path: string[][] = [];
      for (let day = 0; day < 7; day += 1) {
        await oneDay(hub);
        path.push(stateOf(hub, old));
      }
      expect(path.map(([first]) => first)).toEqual([
        'deprecated',
        'deprecated',
        'disabled',
        'disabled',
        'gone',
        'gone',
        'gone',
      ]);
      for (const states of path) expect(new Set(states).size).toBe(1);
      expect(stateOf(hub, newest)).toEqual(['there', 'there']);
      const world = Object.values(snapshotOf(hub.sandbox.world));
      for (const place of world) {
        expect(place.snapshots.filter(({ tags }) => tags['packleader:release'] === old)).toEqual([]);
        expect(
          Object.keys(place.parameters).filter((name) => name.endsWith(old.split('@')[1] ?? '')),
        ).toEqual([]);
      }
    });
  });

  test('in a dry run is named with the step that is due, and nothing is done', async () => {
    await withVersions(async (hub, { old, newest }) => {
      await takeInventory(hub);
      const before = snapshotOf(hub.sandbox.world);
      const { report, outcome } = await retire(hub, { dryRun: true });
      expect(outcome.status).toBe('SUCCEEDED');
      expect(report).toMatchObject({
        complete: true,
        dryRun: true,
        done: [{ releaseId: old, step: 'deprecate', amis: 2 }],
        kept: [{ releaseId: newest, why: 'it is latest' }],
      });
      expect(snapshotOf(hub.sandbox.world)).toEqual(before);
    });
  });

  test('can be taken back as long as it is there, and then stays for as long as what is used', async () => {
    await withVersions(async (hub, { old }) => {
      await oneDay(hub);
      await hub.sandbox.clock.sleep(2 * 86_400_000);
      await oneDay(hub);
      expect(stateOf(hub, old)).toEqual(['disabled', 'disabled']);
      expect((await retire(hub, { undo: old })).outcome).toMatchObject({ status: 'SUCCEEDED' });
      expect(stateOf(hub, old)).toEqual(['there', 'there']);
      const report = await oneDay(hub);
      expect(report.done).toEqual([]);
      expect(report.kept.map(({ releaseId }) => releaseId)).toContain(old);
    });
  });

  test('fails to be taken back when nothing of it is left', async () => {
    await withVersions(async (hub) => {
      const { outcome } = await retire(hub, { undo: 'base@1.4.20200101000000' });
      expect(outcome).toMatchObject({ status: 'FAILED', error: 'InvalidRequest' });
    });
  });
});

describe('a version that a consumer may launch', () => {
  test('is in use everywhere, until nobody else may launch it any more', async () => {
    await withVersions(async (hub, { old }) => {
      const shared = amiOf(hub.sandbox, at(DEV), old);
      shared?.launchPermissions.users.add('333333333333');
      for (let day = 0; day < 7; day += 1)
        expect((await oneDay(hub)).kept).toContainEqual(
          expect.objectContaining({
            releaseId: old,
            why: expect.stringContaining('333333333333, which it is shared with'),
          }),
        );
      expect(stateOf(hub, old)).toEqual(['there', 'there']);
      shared?.launchPermissions.users.clear();
      expect((await oneDay(hub)).done).toMatchObject([{ releaseId: old, step: 'deprecate' }]);
    });
  });
});

describe('a version that something begins to use while it goes', () => {
  test('is taken back everywhere', async () => {
    await withVersions(async (hub, { old }) => {
      await oneDay(hub);
      expect(stateOf(hub, old)).toEqual(['deprecated', 'deprecated']);
      const imageId = amiOf(hub.sandbox, at(PROD), old)?.imageId ?? '';
      addParameter(hub.sandbox.world, at(PROD), '/somebody/elses', imageId);
      const report = await oneDay(hub);
      expect(report.done).toMatchObject([{ releaseId: old, step: 'restore' }]);
      expect(stateOf(hub, old)).toEqual(['there', 'there']);
    });
  });
});

describe('nothing goes anywhere', () => {
  test('fails when the last inventory is older than an hour', async () => {
    await withVersions(async (hub, { old }) => {
      await takeInventory(hub);
      await hub.sandbox.clock.sleep(61 * 60_000);
      const { outcome, report } = await retire(hub);
      expect(outcome).toMatchObject({ status: 'FAILED', error: 'RetirementIncomplete' });
      expect(report?.stopped).toContain('more than an hour ago');
      expect(stateOf(hub, old)).toEqual(['there', 'there']);
    });
  });

  test('fails when an account cannot be read', async () => {
    await withVersions(async (hub, { old }) => {
      await takeInventory(hub);
      hub.sandbox.intercept(async (call, next) => {
        if (call.accountId === PROD?.accountId && call.operation === 'DescribeImages')
          throw awsError('ec2', 'UnauthorizedOperation', 'You are not authorized.');
        return next();
      });
      const { outcome, report } = await retire(hub);
      expect(outcome.status).toBe('FAILED');
      expect(report?.stopped).toContain(`${PROD?.accountId}/${PROD?.region} could not be read`);
      expect(stateOf(hub, old)).toEqual(['there', 'there']);
    });
  });

  test.each([
    ['DescribeInstances', 'ec2', 'instances'],
    ['DescribeLaunchTemplates', 'ec2', 'launch templates'],
    ['DescribeLaunchConfigurations', 'autoscaling', 'launch configurations'],
    ['DescribeAutoScalingGroups', 'autoscaling', 'Auto Scaling groups'],
    ['DescribeParameters', 'ssm', 'parameters'],
  ] as const)(
    'fails when %s is refused, which leaves the AMIs without a fresh look',
    async (operation, service, source) => {
      await withVersions(async (hub, { old }) => {
        hub.sandbox.intercept(async (call, next) => {
          if (call.accountId === DEV?.accountId && call.operation === operation)
            throw awsError(service, 'AccessDenied', 'Not you.');
          return next();
        });
        const looked = await takeInventory(hub);
        expect(looked).toMatchObject({ status: 'FAILED', error: 'InventoryIncomplete' });
        expect(JSON.stringify(looked)).toContain(source);
        expect((await retire(hub)).outcome.status).toBe('FAILED');
        expect(stateOf(hub, old)).toEqual(['there', 'there']);
      });
    },
  );
});

describe('a step that one account refuses', () => {
  test('is taken back in all accounts', async () => {
    await withVersions(async (hub, { old }) => {
      await takeInventory(hub);
      hub.sandbox.intercept(async (call, next) => {
        if (call.accountId === PROD?.accountId && call.operation === 'EnableImageDeprecation')
          throw awsError('ec2', 'UnauthorizedOperation', 'An organisation forbids it.');
        return next();
      });
      const { outcome, report } = await retire(hub);
      expect(outcome).toMatchObject({ status: 'FAILED', error: 'RetirementIncomplete' });
      expect(report?.leftovers).toMatchObject([{ accountId: PROD?.accountId }]);
      expect(stateOf(hub, old)).toEqual(['there', 'there']);
    });
  });
});
