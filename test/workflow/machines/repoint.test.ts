import { describe, expect, test } from 'vitest';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { snapshotOf } from '../../../sandbox/aws/world.ts';
import { addImage, addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { RELEASE_MACHINE } from '../../fixtures/sandbox/hub.ts';
import {
  BACK_TARGETS,
  afterReleases,
  events,
  everywhere,
  releaseAgain,
  repoint,
  revoked,
  seen,
} from '../../fixtures/sandbox/repointing.ts';

const GOOD = [
  'Plan repoint',
  'Is it only a look?',
  'Enable AMIs',
  'Mark versions',
  'Point latest',
  'Disable AMIs',
];
const [DEV, , PROD] = BACK_TARGETS;

describe('a rollback', () => {
  test('lets every account show the version before, marks the one it left, and tells everybody', async () => {
    await afterReleases(2, async (hub, [first, second]) => {
      const { path, status, execution } = await repoint(hub, {
        rollback: 'base',
        reason: 'it does not boot',
      });
      expect([status, path]).toEqual(['SUCCEEDED', [...GOOD, 'Record repoint', 'Repointed']]);
      expect(seen(hub)).toEqual(everywhere({ latest: first, [first]: 'released', [second]: 'revoked' }));
      expect(revoked(hub)).toEqual({
        [`base@${second}`]: {
          schema: 1,
          releaseId: `base@${second}`,
          image: 'base',
          version: second,
          by: 'rollback',
          reason: 'it does not boot',
          executionArn: execution.arn,
          at: execution.startedAt,
        },
      });
      expect(events(hub, NAMES.repointed).map(({ detail }) => detail)).toEqual([
        expect.objectContaining({
          releaseId: `base@${first}`,
          by: 'rollback',
          reason: 'it does not boot',
          from: [second],
          images: BACK_TARGETS.map((target) => expect.objectContaining(target)),
        }),
      ]);
      expect(events(hub, NAMES.revoked).map(({ detail }) => detail)).toEqual([
        expect.objectContaining({ releaseId: `base@${second}`, by: 'rollback', disabled: false }),
      ]);
      expect(events(hub, NAMES.rolledBack)).toEqual([]);
    });
  });

  test('further back marks everything above, so that nothing converges there', async () => {
    await afterReleases(3, async (hub, [first, second, third]) => {
      const { status } = await repoint(hub, { rollback: 'base', to: first });
      expect(status).toBe('SUCCEEDED');
      expect(seen(hub)).toEqual(
        everywhere({ latest: first, [first]: 'released', [second]: 'revoked', [third]: 'revoked' }),
      );
      expect(Object.keys(revoked(hub)).toSorted()).toEqual([`base@${second}`, `base@${third}`]);
    });
  });

  test('only says what it would do, in a dry run', async () => {
    await afterReleases(2, async (hub, [first, second]) => {
      const before = snapshotOf(hub.sandbox.world);
      const objects = () => [...(hub.sandbox.world.buckets.values().next().value?.objects.keys() ?? [])];
      const keys = objects();
      const { execution, path } = await repoint(hub, { rollback: 'base', dryRun: true });
      expect(path).toEqual(['Plan repoint', 'Is it only a look?', 'Looked at']);
      expect(await execution.outcome).toMatchObject({
        output: {
          action: 'rollback',
          dryRun: true,
          versions: [`base@${second}`],
          amiCount: 3,
          switchedCount: 0,
          latest: [{ image: 'base', from: [second], to: first, targetCount: 3 }],
          builtOnThem: [],
          running: [],
          leftOut: [],
        },
      });
      expect(snapshotOf(hub.sandbox.world)).toEqual(before);
      expect(objects()).toEqual(keys);
    });
  });

  test.each(['Mark versions', 'Point latest'])(
    'leaves everything as it was when %s loses an account',
    async (state) => {
      await afterReleases(
        2,
        async (hub) => {
          const before = snapshotOf(hub.sandbox.world);
          const { path, cause, end } = await repoint(hub, { rollback: 'base' });
          expect(path.slice(-3)).toEqual([
            'Put back versions',
            'Was everything put back?',
            'Everything put back',
          ]);
          expect(end).toBe('Everything put back');
          expect(cause).toContain(`AccessDenied: ${PROD && targetName(PROD)}`);
          expect(cause).toContain('Every account shows what it showed before.');
          expect(snapshotOf(hub.sandbox.world)).toEqual(before);
          expect(revoked(hub)).toEqual({});
          expect(events(hub, NAMES.repointed, NAMES.revoked)).toEqual([]);
        },
        { faults: [{ state, kind: 'refused', accountId: PROD?.accountId ?? '' }] },
      );
    },
  );

  test('names what is not as it was when putting back is refused too', async () => {
    await afterReleases(
      2,
      async (hub, [first, second]) => {
        const { cause, end } = await repoint(hub, { rollback: 'base' });
        expect(end).toBe('Not everything put back');
        expect(cause).toMatch(/^RepointIncomplete: AccessDenied: /);
        expect(cause).toContain('Left behind:');
        expect(cause).toMatch(new RegExp(`${DEV && targetName(DEV)} ami-\\w+: .*CreateTags`));
        expect(cause).not.toContain(PROD?.accountId + '/');
        const [dev] = Object.values(seen(hub));
        expect(dev).toEqual({ latest: second, [first]: 'released', [second]: 'revoked' });
      },
      {
        faults: [
          { state: 'Point latest', kind: 'refused', region: DEV?.region ?? '' },
          { state: 'Put back versions', kind: 'refused', accountId: DEV?.accountId ?? '' },
        ],
      },
    );
  });

  test('goes on from where one was that was stopped, once its function can do nothing any more', async () => {
    await afterReleases(2, async (hub, [first, second]) => {
      const stopping = hub.sandbox.intercept(async (call, next) => {
        const answer = await next();
        if (call.operation === 'CreateTags') hub.engine.executions.at(-1)?.stop();
        return answer;
      });
      expect((await repoint(hub, { rollback: 'base' })).status).toBe('ABORTED');
      stopping();
      const beside = await repoint(hub, { rollback: 'base' });
      expect(beside.end).toBe('Not repointed');
      expect(beside.cause).toMatch(
        /^InvalidRequest: .*Another rollback, revocation or restoration of base was stopped, and a function of it may be at work until 2026-/,
      );
      await hub.sandbox.clock.sleep(12 * 60_000);
      expect((await repoint(hub, { rollback: 'base' })).status).toBe('SUCCEEDED');
      expect(seen(hub)).toEqual(everywhere({ latest: first, [first]: 'released', [second]: 'revoked' }));
    });
  });

  test('is one of two that come at once: the other is refused', async () => {
    await afterReleases(3, async (hub, [first, second, third]) => {
      const ends = await Promise.all([
        repoint(hub, { rollback: 'base' }, 'one'),
        repoint(hub, { rollback: 'base', to: first }, 'other'),
      ]);
      expect(new Set(ends.map(({ end }) => end))).toEqual(new Set(['Not repointed', 'Repointed']));
      const to = ends[0]?.end === 'Repointed' ? second : first;
      expect(new Set(Object.values(seen(hub)).map(({ latest }) => latest))).toEqual(new Set([to]));
      expect(ends.map(({ cause }) => cause).join('')).toMatch(
        /Another rollback, revocation or restoration of base/,
      );
      expect(third).not.toBe(to);
    });
  });

  test('beside a release of the image tells of it, and the newer version is latest in the end', async () => {
    await afterReleases(2, async (hub, [first, second]) => {
      await hub.sandbox.clock.sleep(86_400_000);
      const started = hub.sandbox.clock.now().toISOString().replaceAll(/\D/g, '').slice(0, 14);
      const release = hub.engine.start(RELEASE_MACHINE, 'beside', { image: 'base' });
      await hub.sandbox.clock.sleep(10 * 60_000);
      const { execution, status } = await repoint(hub, { rollback: 'base' });
      expect(status).toBe('SUCCEEDED');
      expect(await execution.outcome).toMatchObject({ output: { running: [`base-1.4.${started}`] } });
      expect(Object.values(seen(hub)).map(({ latest }) => latest)).toEqual([first, first, first]);
      expect((await release.outcome).status).toBe('SUCCEEDED');
      expect(Object.values(seen(hub)).map(({ latest }) => latest)).toEqual(Array(3).fill(`1.4.${started}`));
      expect(revoked(hub)).toHaveProperty([`base@${second}`]);
    });
  });

  test('beside a release that is withdrawn then leaves latest at no revoked version', async () => {
    await afterReleases(2, async (hub, [first, second]) => {
      const place = hub.sandbox.world.region(DEV?.accountId ?? '', DEV?.region ?? '');
      const shown = place.parameters.get(parameters.latest('base'))?.versions.at(-1)?.value ?? '';
      const running = '1.4.20261231000000';
      const tags = new Map([
        ['packleader:image', 'base'],
        ['packleader:version', running],
        ['packleader:state', 'released'],
      ]);
      const createdAt = hub.sandbox.clock.milliseconds();
      const made = DEV && addImage(hub.sandbox.world, DEV, { name: 'base-of-a-release', tags, createdAt });
      if (DEV && made) addParameter(hub.sandbox.world, DEV, parameters.latest('base'), made);
      const withdrawing = hub.sandbox.intercept(async (call, next) => {
        if (DEV && call.operation === 'CreateTags')
          addParameter(hub.sandbox.world, DEV, parameters.latest('base'), shown);
        return next();
      });
      expect((await repoint(hub, { rollback: 'base' })).status).toBe('SUCCEEDED');
      withdrawing();
      expect(Object.values(seen(hub)).map(({ latest }) => latest)).toEqual([first, first, first]);
      expect(revoked(hub)).toHaveProperty([`base@${second}`]);
    });
  });

  test('is never undone by a later release that fails: latest does not converge to what is revoked', async () => {
    await afterReleases(2, async (hub, [first]) => {
      await repoint(hub, { rollback: 'base' });
      const failing = hub.sandbox.intercept(async (call, next) => {
        if (call.operation === 'PutParameter' && call.accountId === PROD?.accountId)
          throw Object.assign(new Error('no'), { name: 'AccessDeniedException' });
        return next();
      });
      await expect(releaseAgain(hub)).rejects.toThrow('FAILED');
      failing();
      expect(Object.values(seen(hub)).map(({ latest }) => latest)).toEqual([first, first, first]);
    });
  });

  test('moves a latest that somebody has set by hand, and puts it back when it fails', async () => {
    await afterReleases(2, async (hub, [first]) => {
      const place = hub.sandbox.world.region(DEV?.accountId ?? '', DEV?.region ?? '');
      const [foreign = ''] = place.images.keys();
      if (DEV) addParameter(hub.sandbox.world, DEV, parameters.latest('base'), foreign);
      const { status } = await repoint(hub, { rollback: 'base' });
      expect(status).toBe('SUCCEEDED');
      expect(Object.values(seen(hub)).map(({ latest }) => latest)).toEqual([first, first, first]);
    });
  });
});

describe('a rollback is refused, with the reason, and changes nothing:', () => {
  const refusal = async (
    request: Record<string, unknown>,
    count = 2,
    prepare?: Parameters<typeof afterReleases>[1],
  ) => {
    let told = '';
    await afterReleases(count, async (hub, versions) => {
      await prepare?.(hub, versions);
      const before = snapshotOf(hub.sandbox.world);
      const named = Object.fromEntries(
        Object.entries(request).map(([key, value]) => [key, value === 'first' ? versions[0] : value]),
      );
      const { end, cause } = await repoint(hub, named);
      expect(end).toBe('Not repointed');
      expect(snapshotOf(hub.sandbox.world)).toEqual(before);
      told = versions.reduce(
        (text, version, at) => (version ? text.replaceAll(version, `V${at + 1}`) : text),
        cause,
      );
    });
    return told;
  };

  test('the version is gone in one account', async () => {
    const cause = await refusal({ rollback: 'base', to: 'first' }, 2, async ({ sandbox }, [first]) => {
      const { images } = sandbox.world.region(PROD?.accountId ?? '', PROD?.region ?? '');
      for (const [id, { tags }] of images) if (tags.get('packleader:version') === first) images.delete(id);
    });
    expect(cause).toMatch(
      /base@V1 cannot be gone back to: its AMI ami-\w+ is gone from 100001000001\/eu-west-1\./,
    );
  });

  test('its parameter is gone in one account', async () => {
    const cause = await refusal({ rollback: 'base' }, 2, async ({ sandbox }, [first]) => {
      const { parameters: stored } = sandbox.world.region(PROD?.accountId ?? '', PROD?.region ?? '');
      stored.delete(parameters.version('base', first));
    });
    expect(cause).toContain(
      '/packleader/base/versions/V1 in 100001000001/eu-west-1 shows nothing, and not its AMI',
    );
  });

  test('the version is revoked', async () => {
    const cause = await refusal({ rollback: 'base', to: 'first' }, 2, async (hub, [first]) => {
      await repoint(hub, { revoke: `base@${first}`, reason: 'a leaked key' });
    });
    expect(cause).toMatch(
      /base@V1 is revoked since 2026-\S+: a leaked key\. Restore it first, or go back further\./,
    );
  });

  test('the version was never released everywhere', async () => {
    expect(await refusal({ rollback: 'base', to: '1.3.20260101000000' })).toContain(
      'base@1.3.20260101000000 was never released everywhere: it has no record; the newest that has is base@V2.',
    );
    expect(await refusal({ rollback: 'nothing' })).toContain('No version of nothing stands');
  });

  test('the version is a prerelease', async () => {
    expect(await refusal({ rollback: 'base', to: '1.4.20261121093000-topic' })).toContain(
      'names the prerelease 1.4.20261121093000-topic, which is never latest.',
    );
  });

  test('there is none before', async () => {
    expect(await refusal({ rollback: 'base' }, 1)).toContain(
      'base@V1 is the only version of base that stands: there is none to go back to.',
    );
  });
});

describe('a revocation', () => {
  test('of what latest shows lets it show the newest that stands; with its children and theirs', async () => {
    await afterReleases(0, async (hub) => {
      const first = await releaseAgain(hub, ['base', 'web']);
      const second = await releaseAgain(hub, ['base', 'web']);
      const { status, execution } = await repoint(hub, {
        revoke: `base@${second}`,
        reason: 'CVE-2026-1',
        children: true,
      });
      expect(status).toBe('SUCCEEDED');
      const both = everywhere({ latest: first, [first]: 'released', [second]: 'revoked' });
      expect(seen(hub, 'base')).toEqual(both);
      expect(seen(hub, 'web')).toEqual(both);
      expect(revoked(hub)).toMatchObject({
        [`base@${second}`]: { by: 'revoke', reason: 'CVE-2026-1' },
        [`web@${second}`]: { because: `base@${second}`, executionArn: execution.arn },
      });
    });
  });

  test('of a base alone tells what is built on it, refuses it as a source, and {} bakes that again', async () => {
    await afterReleases(
      0,
      async (hub) => {
        const first = await releaseAgain(hub, ['base']);
        const second = await releaseAgain(hub, ['base', 'web']);
        const { execution } = await repoint(hub, { revoke: `base@${second}`, reason: 'CVE-2026-1' });
        expect(await execution.outcome).toMatchObject({ output: { builtOnThem: [`web@${second}`] } });
        // No file has changed since.
        await hub.sandbox.clock.sleep(86_400_000);
        const whatever = hub.engine.start(RELEASE_MACHINE, 'whatever-changed', {});
        expect(await whatever.outcome).toMatchObject({
          status: 'SUCCEEDED',
          output: { released: [expect.stringMatching(/^web@/)] },
        });
        const [, third] = /web@([^"]*)"/.exec(JSON.stringify(await whatever.outcome)) ?? [];
        const record = hub.sandbox.world.buckets
          .values()
          .next()
          .value?.objects.get(`released/web/${third}.json`);
        expect(new TextDecoder().decode(record?.body)).toContain(`"builtOn": "base@${first}"`);
        // And not once more.
        const again = hub.engine.start(RELEASE_MACHINE, 'whatever-changed-then', {});
        expect(await again.outcome).toMatchObject({ status: 'SUCCEEDED', output: { released: [] } });
      },
      { changes: { base: { since: 'a'.repeat(40), files: [] }, web: { since: 'a'.repeat(40), files: [] } } },
    );
  });

  test('of the only version lets latest go', async () => {
    await afterReleases(1, async (hub, [only]) => {
      await repoint(hub, { revoke: `base@${only}`, reason: 'a leaked key' });
      expect(seen(hub)).toEqual(everywhere({ latest: null, [only]: 'revoked' }));
      await repoint(hub, { restore: `base@${only}` });
      expect(seen(hub)).toEqual(everywhere({ latest: only, [only]: 'released' }));
    });
  });

  test('disables AMIs, remembers who could launch them, and a restoration puts all of that back', async () => {
    await afterReleases(2, async (hub, [first, second]) => {
      const { world } = hub.sandbox;
      for (const { accountId, region } of BACK_TARGETS)
        for (const image of world.region(accountId, region).images.values())
          if (image.tags.get('packleader:version') === second) {
            image.launchPermissions.users.add('333333333333');
            image.launchPermissions.organizations.add(
              'arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5',
            );
          }
      const before = snapshotOf(world);
      await repoint(hub, { revoke: `base@${second}`, reason: 'a leaked key', disable: true });
      expect(seen(hub)).toEqual(
        everywhere({ latest: first, [first]: 'released', [second]: 'revoked disabled' }),
      );
      expect(revoked(hub)[`base@${second}`]?.disabled).toHaveLength(3);
      const { status } = await repoint(hub, { restore: `base@${second}`, reason: 'it was another one' });
      expect(status).toBe('SUCCEEDED');
      expect(seen(hub)).toEqual(everywhere({ latest: second, [first]: 'released', [second]: 'released' }));
      expect(revoked(hub)[`base@${second}`]).toMatchObject({ restored: { reason: 'it was another one' } });
      expect(snapshotOf(world)).toEqual(before);
      for (const { accountId, region } of BACK_TARGETS)
        for (const image of world.region(accountId, region).images.values())
          if (image.tags.get('packleader:version') === second)
            expect([...image.launchPermissions.users, ...image.launchPermissions.organizations]).toEqual([
              '333333333333',
              'arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5',
            ]);
      expect(events(hub, NAMES.restored)).toHaveLength(1);
    });
  });

  test('that loses an account while it disables leaves launch permissions as they were', async () => {
    await afterReleases(
      2,
      async (hub, [, second]) => {
        const place = hub.sandbox.world.region(DEV?.accountId ?? '', DEV?.region ?? '');
        const image = [...place.images.values()].find(
          ({ tags }) => tags.get('packleader:version') === second,
        );
        image?.launchPermissions.users.add('333333333333');
        const before = snapshotOf(hub.sandbox.world);
        const { end } = await repoint(hub, { revoke: `base@${second}`, reason: 'no', disable: true });
        expect(end).toBe('Everything put back');
        expect(snapshotOf(hub.sandbox.world)).toEqual(before);
        expect([...(image?.launchPermissions.users ?? [])]).toEqual(['333333333333']);
      },
      { faults: [{ state: 'Disable AMIs', kind: 'refused', accountId: PROD?.accountId ?? '' }] },
    );
  });
});

test('a restoration of what is not revoked is refused', async () => {
  await afterReleases(1, async (hub, [only]) => {
    const { cause } = await repoint(hub, { restore: `base@${only}` });
    expect(cause).toContain(`base@${only} is not revoked: there is nothing to restore.`);
  });
});

test('what cannot be recorded has happened all the same, and asking again records it', async () => {
  await afterReleases(2, async (hub, [first, second]) => {
    const failing = hub.sandbox.intercept(async (call, next) => {
      if (call.operation === 'PutObject' && String(call.input['Key']).startsWith('revoked/'))
        throw Object.assign(new Error('no'), { name: 'AccessDenied' });
      return next();
    });
    const { end } = await repoint(hub, { rollback: 'base', to: first });
    failing();
    expect(end).toBe('Repointed without record');
    expect(seen(hub)).toEqual(everywhere({ latest: first, [first]: 'released', [second]: 'revoked' }));
    await repoint(hub, { rollback: 'base', to: first });
    expect(Object.keys(revoked(hub))).toEqual([`base@${second}`]);
  });
});
