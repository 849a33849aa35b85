import { describe, expect, test } from 'vitest';
import { TAGS } from '../../../core/contract/tags.ts';
import type { Report } from '../../../sandbox/rehearsal/rehearsal.ts';
import type { Call, Sandbox } from '../../../sandbox/sandbox.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';

const [DEV] = STAGES.dev;
const [PROD] = STAGES.prod;
const FACTORY = { stages: STAGES, copies: { prod: 'strategy: copy' } } as const;

/** A world whose calls can be asked for, and itself. */
function watched(before: (sandbox: Sandbox) => void = () => undefined) {
  const calls: Call[] = [];
  const sandboxes: Sandbox[] = [];
  return {
    calls,
    world: () => sandboxes[0]?.world,
    prepare: (sandbox: Sandbox): void => {
      sandboxes.push(sandbox);
      before(sandbox);
      sandbox.intercept(async (call, next) => {
        calls.push(call);
        return next();
      });
    },
  };
}

/** Of the release, in any target. */
const left = ({ world }: Report) =>
  Object.values(world).flatMap(({ images, snapshots }) =>
    [
      ...images.map(({ imageId, tags }) => ({ id: imageId, tags })),
      ...snapshots.map(({ snapshotId, tags }) => ({ id: snapshotId, tags })),
    ].flatMap(({ id, tags }) => (tags[TAGS.release] === undefined ? [] : [id])),
  );

/** What accounts may do with images and snapshots of another one. */
function shares(world: Sandbox['world'] | undefined): string[] {
  return [...(world?.regions.values() ?? [])].flatMap(({ images, snapshots }) => [
    ...[...images.values()].flatMap(({ imageId, launchPermissions: { users } }) =>
      [...users].map((user) => `${imageId} ${user}`),
    ),
    ...[...snapshots.values()].flatMap(({ snapshotId, volumePermissions }) =>
      [...volumePermissions].map((user) => `${snapshotId} ${user}`),
    ),
  ]);
}

describe('a stage that copies', () => {
  test('gets what the stage before has baked, and no build runs there', async () => {
    const { calls, world, prepare } = watched();
    const report = await rehearseFactory(FACTORY, { prepare });
    expect(pathOf(report)).toBe(
      [
        'Resolve source AMIs',
        'Bake dev AMIs',
        'Check dev AMIs',
        'Bake prod AMIs',
        'Copy prod AMIs',
        'Check prod AMIs',
        'Compare AMIs',
        'Apply version tags',
        'Publish release',
        'Announce release',
        'Released',
      ].join(' > '),
    );
    const builds = calls.filter(
      ({ operation, input }) => operation === 'StartBuild' && input['projectName'] === 'packleader-bake',
    );
    expect(builds.map(({ accountId }) => accountId)).toEqual([DEV?.accountId]);
    const [dev, prod] = report.releases[0]?.targets ?? [];
    const copied = world()
      ?.regions.get(`${PROD?.accountId}/eu-west-1`)
      ?.images.get(prod?.imageId ?? '');
    expect(copied).toMatchObject({
      ownerId: PROD?.accountId,
      name: 'base-1.4.20261121093000-g4f2c1d9',
      sourceImageId: dev?.imageId,
      sourceImageRegion: 'eu-west-1',
    });
    const tags = Object.fromEntries(copied?.tags ?? []);
    expect(tags).toMatchObject({ [TAGS.stage]: 'prod', [TAGS.state]: 'released', [TAGS.image]: 'base' });
    const snapshot = world()
      ?.regions.get(`${PROD?.accountId}/eu-west-1`)
      ?.snapshots.get(copied?.blockDevices[0]?.snapshotId ?? '');
    expect(snapshot?.kmsKeyId).toMatch(new RegExp(`^arn:aws:kms:eu-west-1:${PROD?.accountId}:key/`));
    expect(Object.fromEntries(snapshot?.tags ?? [])).toEqual(tags);
    expect(shares(world())).toEqual([]);
  });

  test('asks for the copy once, with its name, a token, its tags and its own key', async () => {
    const { calls, prepare } = watched();
    const report = await rehearseFactory(FACTORY, { prepare });
    const [dev] = report.releases[0]?.targets ?? [];
    const asked = calls.filter(({ operation }) => operation === 'CopyImage');
    expect(
      asked.map(({ accountId, role, input }) => ({
        accountId,
        role,
        ...input,
        TagSpecifications: undefined,
      })),
    ).toEqual([
      {
        accountId: PROD?.accountId,
        role: 'packleader-copier',
        SourceImageId: dev?.imageId,
        SourceRegion: 'eu-west-1',
        Name: 'base-1.4.20261121093000-g4f2c1d9',
        ClientToken: 'base-1.4.20261121093000',
        Encrypted: true,
        KmsKeyId: 'alias/packleader',
        TagSpecifications: undefined,
      },
    ]);
  });

  test('is undone with the stage it copied from when something fails behind it, and nobody may use anything', async () => {
    const { world, prepare } = watched();
    const report = await rehearseFactory(FACTORY, {
      prepare,
      faults: [{ state: 'Publish release', kind: 'refused' }],
    });
    expect(report.releases[0]?.outcome).toBe('rolled back');
    expect(pathOf(report)).toMatch(
      /Withdraw publication > Unshare prod AMIs > Deregister prod AMIs > Deregister dev AMIs > Verify rollback/,
    );
    expect(left(report)).toEqual([]);
    expect(shares(world())).toEqual([]);
  });

  test.each(['refused', 'lost', 'timeout', 'throttled'] as const)(
    'is undone when copying fails: %s',
    async (kind) => {
      const { world, prepare } = watched();
      const fault = { state: 'Copy prod AMIs', kind, ...(kind === 'throttled' && { times: 2 }) };
      const report = await rehearseFactory(FACTORY, { prepare, faults: [fault] });
      const outcome = report.releases[0]?.outcome;
      expect(outcome).toBe(kind === 'throttled' ? 'released' : 'rolled back');
      expect(shares(world())).toEqual([]);
      if (outcome === 'rolled back') expect(left(report)).toEqual([]);
    },
  );

  test('leaves what somebody else had shared as it was', async () => {
    const { world, prepare } = watched();
    const stranger = '555555555555';
    const report = await rehearseFactory(FACTORY, {
      prepare: (sandbox) => {
        prepare(sandbox);
        sandbox.intercept(async (call, next) => {
          const answer = await next();
          if (call.operation === 'CreateImage')
            for (const image of sandbox.world.regions.get(`${DEV?.accountId}/eu-west-1`)?.images.values() ??
              [])
              if (image.tags.get(TAGS.release) !== undefined) image.launchPermissions.users.add(stranger);
          return answer;
        });
      },
    });
    expect(report.outcome).toBe('released');
    expect(shares(world())).toEqual([`${report.releases[0]?.targets[0]?.imageId} ${stranger}`]);
  });

  test('waits while twenty snapshots are copied into its target', async () => {
    const until = Date.parse('2026-11-21T11:30:00Z');
    const { world, prepare } = watched(({ world: made }) => {
      const place = made.region(PROD?.accountId ?? '', 'eu-west-1');
      for (let count = 0; count < 20; count += 1) {
        const snapshotId = made.id(place, 'snap');
        place.snapshots.set(snapshotId, {
          snapshotId,
          ownerId: place.accountId,
          volumeId: 'vol-ffffffff',
          volumeSizeGiB: 8,
          encrypted: false,
          startedAt: Date.parse('2026-11-21T09:00:00Z'),
          completedAt: until,
          description: 'Copied for DestinationAmi ami-00000000000000001 from SourceAmi ami-00000000000000002',
          volumePermissions: new Set(),
          tags: new Map(),
        });
      }
    });
    const report = await rehearseFactory({ ...FACTORY, settings: 'timeoutMinutes: 240' }, { prepare });
    expect(report.outcome).toBe('released');
    const prod = report.releases[0]?.targets[1];
    const copied = world()
      ?.regions.get(`${PROD?.accountId}/eu-west-1`)
      ?.images.get(prod?.imageId ?? '');
    expect(copied?.createdAt).toBeGreaterThan(until);
  });

  test('fails when its time is over, and says what took so long', async () => {
    const report = await rehearseFactory(
      {
        ...FACTORY,
        copies: { prod: 'strategy: copy\ntimeoutMinutes: 5' },
      },
      {
        prepare: (sandbox) => {
          sandbox.intercept(async (call, next) => {
            const answer = await next();
            if (call.operation === 'CopyImage')
              for (const image of sandbox.world.regions
                .get(`${PROD?.accountId}/eu-west-1`)
                ?.images.values() ?? [])
                image.availableAt = Math.max(
                  image.availableAt,
                  sandbox.clock.milliseconds() +
                    86_400_000 * (image.tags.get(TAGS.release) === undefined ? 0 : 1),
                );
            return answer;
          });
        },
      },
    );
    const [release] = report.releases;
    expect(release?.error?.cause).toMatch(/5 minutes were not enough for the copy of ami-/);
    expect(left(report)).toEqual([]);
  });

  test('tells a key that does not admit the other account, and is undone', async () => {
    const { prepare } = watched();
    const report = await rehearseFactory(FACTORY, {
      prepare: (sandbox) => {
        prepare(sandbox);
        sandbox.intercept(async (call, next) => {
          if (call.operation === 'CopyImage')
            for (const { kmsKeyId } of sandbox.world.regions
              .get(`${DEV?.accountId}/eu-west-1`)
              ?.snapshots.values() ?? [])
              if (kmsKeyId !== undefined) sandbox.world.closedKeys.add(kmsKeyId);
          return next();
        });
      },
    });
    const [release] = report.releases;
    expect(release?.error?.name).toBe('CopyFailed');
    expect(release?.error?.cause).toMatch(/Given key ID is not accessible[^]*Advice: /);
    expect(left(report)).toEqual([]);
  });

  test('in another region of the account, and of another one, takes the AMI of the nearest target', async () => {
    const [second] = targetsIn(1, 1, 'us-east-1');
    const own = DEV && { ...DEV, region: 'us-east-1' };
    if (!second || !own || !PROD) throw new Error('there are targets');
    const { calls, world, prepare } = watched();
    const report = await rehearseFactory(
      { stages: { dev: STAGES.dev, prod: [own, PROD, second] }, copies: { prod: 'strategy: copy' } },
      { prepare },
    );
    expect(report.outcome).toBe('released');
    const asked = calls.filter(({ operation }) => operation === 'CopyImage');
    expect(
      asked
        .map(({ accountId, region, input }) => `${accountId}/${region} ${String(input['SourceRegion'])}`)
        .toSorted(),
    ).toEqual([
      `${own.accountId}/us-east-1 eu-west-1`,
      `${PROD.accountId}/eu-west-1 eu-west-1`,
      `${PROD.accountId}/us-east-1 eu-west-1`,
    ]);
    expect(shares(world())).toEqual([]);
  });

  test('may bake in some of its targets', async () => {
    const prod = targetsIn(1, 3);
    const [first] = prod;
    const report = await rehearseFactory({
      stages: { dev: STAGES.dev, prod },
      copies: { prod: `strategy: copy\naccounts: { '${first?.accountId}': { strategy: bake } }` },
    });
    expect(report.outcome).toBe('released');
    expect(report.releases[0]?.targets).toHaveLength(4);
  });

  test('that fails behind its copies keeps no share while it waits, and a retry copies again', async () => {
    const { calls, world, prepare } = watched();
    const report = await rehearseFactory(
      { ...FACTORY, waitHours: 1 },
      { prepare, faults: [{ state: 'Check prod AMIs', kind: 'refused' }] },
    );
    expect(pathOf(report)).toMatch(/Check prod AMIs > Clear failed stage > Await retry/);
    expect(report.releases[0]?.outcome).toBe('rolled back');
    expect(pathOf(report)).toMatch(/Unshare prod AMIs > Deregister prod AMIs > Deregister dev AMIs/);
    expect(calls.filter(({ operation }) => operation === 'CopyImage')).toHaveLength(1);
    expect(left(report)).toEqual([]);
    expect(shares(world())).toEqual([]);
  });
});
