import { describe, expect, test } from 'vitest';
import { awsError } from '../../../sandbox/aws/errors.ts';
import { addImage } from '../../../sandbox/rehearsal/own-things.ts';
import { snapshotOf } from '../../../sandbox/aws/world.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { type OperatedHub, RELEASE_MACHINE, machineArn } from '../../fixtures/sandbox/hub.ts';
import { releasedBefore } from '../../fixtures/sandbox/released-before.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import {
  type StopPoint,
  HOUR_MS,
  settledWorld,
  stoppedRelease,
  sweep,
  withHub,
} from '../../fixtures/sandbox/sweeping.ts';

const factory = {
  stages: { dev: [...targetsIn(0, 1), ...targetsIn(0, 1, 'eu-central-1')], prod: targetsIn(1, 2) },
};
const RELEASE = 'base@1.4.20261121093000';

/** The first effect of a state, or of the builds it started. */
const effectOf =
  (state: string): StopPoint =>
  (call, here) =>
    here === state && call.mutating;
const packer =
  (operation: string): StopPoint =>
  (call) =>
    call.operation === operation && call.role === 'packleader-bake';

const POINTS: readonly (readonly [string, StopPoint])[] = [
  ['when nothing was built yet', (call, here) => here === 'Resolve source AMIs' && call.service === 'ec2'],
  ['as the first bake starts', effectOf('Bake dev AMIs')],
  ['as Packer makes its key pair', packer('CreateKeyPair')],
  ['as Packer launches a builder', packer('RunInstances')],
  ['as Packer stops the builder', packer('StopInstances')],
  ['as Packer makes an AMI', packer('CreateImage')],
  ['as the second stage is baked', effectOf('Bake prod AMIs')],
  ['as the AMIs get their version', effectOf('Apply version tags')],
  ['as the first parameter is published', effectOf('Publish release')],
  [
    'as latest flips in the first target',
    (call, here) =>
      here === 'Publish release' && call.mutating && String(call.input['Name']).endsWith('latest'),
  ],
];

describe.each(POINTS)('a release that is stopped %s', (_title, at) => {
  test.each([false, true])('leaves nothing once it was swept (the call answered: %s)', async (after) => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      const { history } = await stoppedRelease(hub, { at, after });
      expect(history.ending?.outcome.status).toBe('ABORTED');
      const report = await sweep(hub, { release: RELEASE });
      expect(report).toMatchObject({ complete: true, leftovers: [] });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('leaves nothing once a schedule has swept everything that is an hour old', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      await stoppedRelease(hub, { at });
      await hub.sandbox.clock.sleep(HOUR_MS);
      expect(await sweep(hub, { olderThanMinutes: 60 })).toMatchObject({ complete: true });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });
});

test('without a sweep a stopped release leaves things behind: these tests could fail', async () => {
  await withHub(factory, async (hub) => {
    const before = releasedBefore(hub.sandbox, 'base');
    await stoppedRelease(hub, { at: packer('StopInstances') });
    expect(await settledWorld(hub)).not.toEqual(before);
  });
});

describe('a sweep', () => {
  const afterLatest: StopPoint = (call, here) =>
    here === 'Publish release' && call.mutating && String(call.input['Name']).endsWith('latest');

  test('in a dry run says what it would remove, and removes nothing', async () => {
    await withHub(factory, async (hub) => {
      await stoppedRelease(hub, { at: effectOf('Apply version tags') });
      const before = await settledWorld(hub);
      const report = await sweep(hub, { release: RELEASE, dryRun: true });
      expect(report).toMatchObject({ complete: true, dryRun: true, removedCount: 8, leftoverCount: 0 });
      expect(await settledWorld(hub)).toEqual(before);
      const swept = await sweep(hub, { release: RELEASE });
      expect(swept.removed).toEqual(report.removed);
    });
  });

  test('leaves a release alone that runs, and one that is released', async () => {
    await withHub(factory, async (hub) => {
      const running = hub.engine.start(RELEASE_MACHINE, 'running', {});
      await hub.sandbox.clock.sleep(10 * 60_000);
      expect(await sweep(hub)).toMatchObject({
        complete: true,
        removedCount: 0,
        kept: [{ releaseId: RELEASE, is: 'running', why: 'its execution is RUNNING' }],
      });
      expect(await running.outcome).toMatchObject({ status: 'SUCCEEDED' });
      const released = await settledWorld(hub);
      await hub.sandbox.clock.sleep(2 * HOUR_MS);
      expect(await sweep(hub)).toMatchObject({ complete: true, removedCount: 0, kept: [] });
      expect(await sweep(hub, { release: RELEASE })).toMatchObject({
        removedCount: 0,
        kept: [{ releaseId: RELEASE, is: 'released' }],
      });
      expect(await settledWorld(hub)).toEqual(released);
    });
  });

  test('never touches what carries no tag of a release', async () => {
    await withHub(factory, async (hub) => {
      const { accountId, region } = factory.stages.dev[0] ?? { accountId: '', region: '' };
      const before = snapshotOf(hub.sandbox.world);
      expect(before[`${accountId}/${region}`]?.images).toHaveLength(1);
      await stoppedRelease(hub, { at: packer('CreateImage'), after: true });
      await sweep(hub, { release: RELEASE });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('waits until a task that goes on publishing after the stop has ended, and takes that back as well', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      const slow = { it: 0 };
      hub.sandbox.intercept(async (call, next) => {
        // The zombie writes latest nine minutes after its execution was stopped.
        if (
          call.operation === 'PutParameter' &&
          String(call.input['Name']).endsWith('latest') &&
          slow.it++ === 0
        )
          await hub.sandbox.clock.sleep(9 * 60_000);
        return next();
      });
      const { history } = await stoppedRelease(hub, { at: afterLatest });
      const report = await sweep(hub, { release: RELEASE });
      expect(report.complete).toBe(true);
      const waited = hub.sandbox.clock.milliseconds() - Date.parse(history.ending?.at ?? '');
      expect(waited).toBeGreaterThan(11 * 60_000);
      expect(slow.it).toBeGreaterThan(0);
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('of the next hour removes an AMI that appeared three quarters of an hour after its build died', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      const [target] = factory.stages.dev;
      await stoppedRelease(hub, { at: packer('CreateImage') });
      await sweep(hub, { release: RELEASE });
      await hub.sandbox.clock.sleep(45 * 60_000);
      if (target)
        addImage(hub.sandbox.world, target, {
          name: 'base-late',
          createdAt: hub.sandbox.clock.milliseconds(),
          tags: new Map([
            ['packleader:release', RELEASE],
            ['packleader:state', 'candidate'],
          ]),
        });
      await hub.sandbox.clock.sleep(15 * 60_000);
      expect(await sweep(hub)).toMatchObject({ complete: true, removedCount: 2 });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('keeps what something uses, says what that is, and removes it once nothing does any more', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      await stoppedRelease(hub, { at: effectOf('Apply version tags') });
      const [target] = factory.stages.prod;
      const place = hub.sandbox.world.region(target?.accountId ?? '', target?.region ?? '');
      const used = [...place.images.values()].find(({ tags }) => tags.get('packleader:release') === RELEASE);
      const imageId = used?.imageId ?? '';
      place.launchConfigurations.set('web', { name: 'web', imageId, instanceType: 'm7i.large' });
      const report = await sweep(hub, { release: RELEASE });
      expect(report).toMatchObject({ complete: false, leftoverCount: 2 });
      expect(report.leftovers).toContainEqual({
        ...target,
        resourceId: imageId,
        why: expect.stringMatching(
          /^quarantined: it is used by arn:aws:autoscaling:.*launchConfigurationName\/web$/,
        ),
      });
      expect(used?.tags.get('packleader:state')).toBe('quarantined');
      place.launchConfigurations.clear();
      await hub.sandbox.clock.sleep(HOUR_MS);
      expect(await sweep(hub)).toMatchObject({ complete: true, removedCount: 2 });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('that may not look into one target removes everything elsewhere, and names that target', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      const [target] = factory.stages.prod;
      await stoppedRelease(hub, { at: effectOf('Apply version tags') });
      const admit = hub.sandbox.intercept(async (call, next) => {
        if (call.accountId === target?.accountId)
          throw awsError('ec2', 'UnauthorizedOperation', 'You are not authorized to perform this operation.');
        return next();
      });
      await hub.sandbox.clock.sleep(HOUR_MS);
      const report = await sweep(hub);
      expect(report.complete).toBe(false);
      expect(new Set(report.leftovers.map(({ accountId }) => accountId))).toEqual(
        new Set([target?.accountId]),
      );
      admit();
      expect(await sweep(hub)).toMatchObject({ complete: true });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('twice at the same time does what one does', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      await stoppedRelease(hub, { at: afterLatest, after: true });
      await hub.sandbox.clock.sleep(HOUR_MS);
      const reports = await Promise.all([sweep(hub), sweep(hub, { release: RELEASE })]);
      expect(reports.map(({ complete }) => complete)).toEqual([true, true]);
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('takes two dead releases out of sight, of which the newer one was published last', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      await stoppedRelease(hub, { at: afterLatest, after: true });
      await stoppedRelease(hub, { at: afterLatest, after: true });
      await hub.sandbox.clock.sleep(HOUR_MS);
      expect(await sweep(hub)).toMatchObject({ complete: true });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('refuses an input that it does not understand, with correct ones', async () => {
    await withHub(factory, async (hub) => {
      const execution = hub.engine.start(machineArn(NAMES.sweepMachine), 'wrong', { relase: RELEASE });
      expect(await execution.outcome).toMatchObject({
        status: 'FAILED',
        error: 'InvalidRequest',
        cause: expect.stringContaining('Correct inputs are {} (everything)'),
      });
    });
  });
});

test('a sweep that is stopped after any of its calls is made good by the next one', async () => {
  const calls = await callsOfOneSweep();
  expect(calls).toBeGreaterThan(60);
  // Every seventh here; the fault suite stops it after each.
  for (let stopAfter = 1; stopAfter <= calls; stopAfter += 7) {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      await stoppedRelease(hub, { at: effectOf('Publish release'), after: true });
      await stoppedSweep(hub, stopAfter);
      expect(await sweep(hub, { release: RELEASE }), `after call ${stopAfter}`).toMatchObject({
        complete: true,
      });
      expect(await settledWorld(hub), `after call ${stopAfter}`).toEqual(before);
    });
  }
}, 120_000);

async function callsOfOneSweep(): Promise<number> {
  let calls = 0;
  await withHub(factory, async (hub) => {
    await stoppedRelease(hub, { at: effectOf('Publish release'), after: true });
    const before = hub.sandbox.callCount;
    await sweep(hub, { release: RELEASE });
    calls = hub.sandbox.callCount - before;
  });
  return calls;
}

/** A sweep whose execution, and whose tasks, come to nothing after so many calls. */
async function stoppedSweep({ engine, sandbox }: OperatedHub, stopAfter: number): Promise<void> {
  const execution = engine.start(machineArn(NAMES.sweepMachine), 'stopped-sweep', { release: RELEASE });
  let calls = 0;
  const remove = sandbox.intercept(async (_call, next) => {
    if (++calls > stopAfter)
      throw awsError('ec2', 'InternalError', 'The process that would have called is gone.');
    const answer = await next();
    if (calls === stopAfter) execution.stop();
    return answer;
  });
  await execution.outcome;
  remove();
}
