import { expect, test } from 'vitest';
import { snapshotOf } from '../../../sandbox/aws/world.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { type OperatedHub, RELEASE_MACHINE } from '../../fixtures/sandbox/hub.ts';
import { HOUR_MS, settledWorld, sweep, withHub } from '../../fixtures/sandbox/sweeping.ts';

const [dev] = STAGES.dev;
const HOURS = 4;
const factory = { stages: STAGES, keep: HOURS };
const RELEASE = 'base@1.4.20261121093000';
const fails = (state: string) => ({ faults: [{ state, kind: 'failed' as const }] });

/** Releases everything; returns what the execution of the image ended with. */
async function release({ engine }: OperatedHub) {
  await engine.start(RELEASE_MACHINE, 'release', {}).outcome;
  const execution = engine.executions.find(({ machine }) => machine.name === NAMES.releaseImageMachine);
  if (!execution) throw new Error('nothing was released');
  const outcome = await execution.outcome;
  return { end: execution.history.path.at(-1), cause: outcome.status === 'FAILED' ? outcome.cause : '' };
}

const placeOf = ({ sandbox }: OperatedHub) =>
  snapshotOf(sandbox.world)[`${dev?.accountId}/${dev?.region}`] ?? {
    instances: [],
    images: [],
    keyPairs: [],
  };
const builders = (hub: OperatedHub) =>
  placeOf(hub).instances.filter(({ tags }) => tags[TAGS.release] === RELEASE);

test('a builder of the first stage stays with what it needs, and the rollback is complete and says how to reach it', async () => {
  await withHub(
    factory,
    async (hub) => {
      const { end, cause } = await release(hub);
      expect(end).toBe('Rolled back');
      const [builder, ...more] = builders(hub);
      expect(more).toEqual([]);
      expect(builder?.state).toBe('running');
      const until = builder?.tags[TAGS.keptUntil] ?? '';
      expect(cause).toContain(`Nothing else of ${RELEASE} is left in any account.`);
      expect(cause).toContain(
        `${dev?.accountId}/${dev?.region}: the builder ${builder?.instanceId} is kept until ${until}, to be looked at by: ` +
          `aws ssm start-session --region ${dev?.region} --target ${builder?.instanceId} (packleader sweep ${RELEASE} removes it sooner)`,
      );
      expect(placeOf(hub).keyPairs.filter(({ tags }) => tags[TAGS.release] === RELEASE)).toHaveLength(1);
      expect(placeOf(hub).images.filter(({ tags }) => tags[TAGS.release] === RELEASE)).toEqual([]);
    },
    fails('Bake dev AMIs'),
  );
});

test('sweeps leave it alone and report it, it ends itself when its time is over, and the next sweep removes what it needed', async () => {
  await withHub(
    factory,
    async (hub) => {
      const before = snapshotOf(hub.sandbox.world);
      await release(hub);
      const execution = hub.engine.executions.find(
        ({ machine }) => machine.name === NAMES.releaseImageMachine,
      );
      const kept = [{ releaseId: RELEASE, is: 'kept', why: expect.stringContaining('is kept until') }];
      for (const request of [{ execution: execution?.arn ?? '' }, {}, { dryRun: true }])
        expect(await sweep(hub, request)).toMatchObject({ complete: true, removed: [], leftovers: [], kept });
      const until = Date.parse(builders(hub)[0]?.tags[TAGS.keptUntil] ?? '');
      const { clock } = hub.sandbox;
      await clock.sleep(until - clock.milliseconds() - 60_000);
      expect(await sweep(hub, { olderThanMinutes: 60 })).toMatchObject({ removed: [], kept });
      expect(builders(hub)[0]?.state).toBe('running');
      // Nobody sweeps meanwhile: it shuts down, and is then gone and not only stopped.
      await clock.sleep(10 * 60_000);
      expect(builders(hub)).toEqual([]);
      expect(await sweep(hub, {})).toMatchObject({ complete: true, kept: [] });
      expect(await settledWorld(hub)).toEqual(before);
    },
    fails('Bake dev AMIs'),
  );
});

test('a sweep that is told its release removes it at once', async () => {
  await withHub(
    factory,
    async (hub) => {
      const before = snapshotOf(hub.sandbox.world);
      await release(hub);
      expect(await sweep(hub, { release: RELEASE })).toMatchObject({ complete: true, kept: [] });
      expect(await settledWorld(hub)).toEqual(before);
    },
    fails('Bake dev AMIs'),
  );
});

test('one whose hub has forgotten it for longer is swept, though somebody kept it from ending', async () => {
  await withHub(
    factory,
    async (hub) => {
      const before = snapshotOf(hub.sandbox.world);
      await release(hub);
      const place = hub.sandbox.world.region(dev?.accountId ?? '', dev?.region ?? '');
      for (const instance of place.instances.values()) instance.shutdownBehavior = 'stop';
      await hub.sandbox.clock.sleep((HOURS + 1) * HOUR_MS);
      expect(builders(hub)[0]?.state).toBe('stopped');
      expect(await sweep(hub, {})).toMatchObject({ complete: true, kept: [] });
      expect(await settledWorld(hub)).toEqual(before);
    },
    fails('Bake dev AMIs'),
  );
});

test.each([
  ['a later stage fails', fails('Bake prod AMIs')],
  ['no provisioner fails, but EC2', { faults: [{ state: 'Bake dev AMIs', kind: 'refused' as const }] }],
])('nothing is kept when %s', async (_title, options) => {
  await withHub(
    factory,
    async (hub) => {
      const before = snapshotOf(hub.sandbox.world);
      const { end, cause } = await release(hub);
      expect(end).toBe('Rolled back');
      expect(cause).toContain(`Nothing of ${RELEASE} is left in any account.`);
      expect(await settledWorld(hub)).toEqual(before);
    },
    options,
  );
});

test.each(['ModifyInstanceAttribute', 'CreateTags'])(
  'a builder that cannot be kept, because of %s, is removed',
  async (operation) => {
    await withHub(
      factory,
      async (hub) => {
        const before = snapshotOf(hub.sandbox.world);
        hub.sandbox.intercept(async (call, next) => {
          if (call.role !== NAMES.bakeRole || call.operation !== operation) return next();
          throw Object.assign(new Error('not authorized'), { name: 'UnauthorizedOperation' });
        });
        expect((await release(hub)).end).toBe('Rolled back');
        expect(await settledWorld(hub)).toEqual(before);
      },
      fails('Bake dev AMIs'),
    );
  },
);
