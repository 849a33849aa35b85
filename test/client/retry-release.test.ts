import { describe, expect, test } from 'vitest';
import { followRelease, getRelease, retryRelease, sweep } from '../../client/client.ts';
import { ReleaseNotFound, ReleaseRefused } from '../../client/errors.ts';
import type { ReleaseResult } from '../../client/result.ts';
import { plannedReleaseSchema } from '../../core/contract/releases.ts';
import { publishNewer } from '../../sandbox/rehearsal/public-images.ts';
import { STAGES } from '../fixtures/factories.ts';
import { HUB } from '../fixtures/accounts.ts';
import { NAMES } from '../../core/contract/names.ts';
import type { Fault } from '../../sandbox/rehearsal/faults.ts';
import { snapshotOf } from '../../sandbox/aws/world.ts';
import { machineArn, RELEASE_MACHINE } from '../fixtures/sandbox/hub.ts';
import { currentState } from '../../sandbox/engine/call-site.ts';
import { stoppedRelease } from '../fixtures/sandbox/sweeping.ts';
import { openClient } from './operator.ts';

const RELEASE_ID = 'base@1.4.20261121093000';
const prodFails = (times: number): Fault => ({ state: 'Bake prod AMIs', kind: 'failed', times });
const MINUTE_MS = 60_000;

async function failed(faults: readonly Fault[] = [prodFails(1)]) {
  const opened = await openClient({ faults });
  await opened.engine.start(RELEASE_MACHINE, 'first', {}).outcome;
  const attempts = () =>
    opened.engine.executions.filter(({ machine }) => machine.name === NAMES.releaseImageMachine);
  const images = () =>
    Object.values(snapshotOf(opened.sandbox.world))
      .flatMap((place) => place.images)
      .filter(({ tags }) => tags['packleader:release'] === RELEASE_ID);
  return { ...opened, attempts, images };
}

describe('retryRelease', () => {
  test('releases the same version, from the same bytes and plan, in every account', async () => {
    const { on, attempts, images } = await failed();
    expect(images()).toEqual([]);
    const handle = await retryRelease(RELEASE_ID, on);
    expect(handle.name).toBe('base-1.4.20261121093000-r2');
    const { outcome, releases } = await followRelease(handle, on);
    expect([outcome, releases[0]?.releaseId]).toEqual(['released', RELEASE_ID]);
    expect(images().map(({ tags }) => tags['packleader:state'])).toEqual(['released', 'released']);
    const [first, second] = attempts().map(({ input }) => input);
    expect(second).toEqual({ ...Object(first), executionName: handle.name, ...startedBy(second) });
  });

  test('the release is then what its last attempt made of it, and no sweep touches it', async () => {
    const { on, images } = await failed();
    await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect((await getRelease(RELEASE_ID, on)).outcome).toBe('released');
    const before = images();
    const report = await sweep({ release: RELEASE_ID }, on);
    expect(report).toMatchObject({ removedCount: 0, kept: [{ is: 'released' }] });
    expect(images()).toEqual(before);
  });

  test('a sweep leaves alone what a retry bakes, also one that begins in its middle', async () => {
    const { on, engine, sandbox, images } = await failed();
    const swept: Promise<unknown>[] = [];
    sandbox.intercept(async (call, next) => {
      const answer = await next();
      if (call.operation === 'CreateImage' && swept.length === 0)
        swept.push(engine.start(machineArn(NAMES.sweepMachine), 'meanwhile', {}).outcome);
      return answer;
    });
    const { outcome } = await followRelease(await retryRelease(RELEASE_ID, on), on);
    await Promise.all(swept);
    expect([swept.length, outcome, images().length]).toEqual([1, 'released', 2]);
  });

  test('waits until nothing that the last attempt left at work can do anything any more', async () => {
    const { on, attempts } = await failed();
    const endedAt = on.clock.now().getTime();
    let told: Date | undefined;
    await retryRelease(RELEASE_ID, { ...on, onWaiting: (until) => void (told = until) });
    expect(told?.getTime()).toBeLessThanOrEqual(endedAt + 11 * MINUTE_MS);
    expect(Date.parse(attempts()[1]?.startedAt ?? '')).toBe(told?.getTime());
  });

  test('starts from the source AMI of the first attempt, also when there is a newer one', async () => {
    const { on, sandbox, images } = await failed();
    const before = sourceOf(await getRelease(RELEASE_ID, on));
    await sandbox.clock.sleep(7 * 24 * 60 * MINUTE_MS);
    publishNewer(sandbox.world, HUB.region);
    const offered = sandbox.world.publicRegion(HUB.region).parameters;
    expect([...offered.values()].map((parameter) => parameter.versions.at(-1)?.value)).not.toContain(before);
    const result = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect([result.outcome, sourceOf(result)]).toEqual(['released', before]);
    expect(images().map(({ tags }) => tags['packleader:source-ami'])).toContain(before);
  });

  test('is refused when the source AMI of the first attempt is gone, whatever there is besides', async () => {
    const { on, sandbox, images } = await failed();
    const before = sourceOf(await getRelease(RELEASE_ID, on));
    await sandbox.clock.sleep(7 * 24 * 60 * MINUTE_MS);
    publishNewer(sandbox.world, HUB.region);
    sandbox.world.publicRegion(HUB.region).images.delete(before ?? '');
    const { outcome, releases } = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect([outcome, images()]).toEqual(['rolled back', []]);
    expect(releases[0]?.error?.cause).toContain(`${before} (from the first attempt) does not exist here`);
  });

  test('looks for a source AMI where no attempt has found any', async () => {
    const { on, images } = await failed([
      { state: 'Resolve source AMIs', kind: 'refused', times: 1, accountId: STAGES.dev[0]?.accountId ?? '' },
    ]);
    const { outcome } = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect([outcome, images().length]).toEqual(['released', 2]);
  });

  test.each(['source', 'plan'])('that was started by hand with another %s bakes nothing', async (other) => {
    const { on, engine, attempts, images, sandbox } = await failed();
    await sandbox.clock.sleep(12 * MINUTE_MS);
    const [first] = attempts();
    const { source, plan } = plannedReleaseSchema.parse(first?.input);
    // The same bytes at another place: that they are the same nobody knows.
    const objects = sandbox.world.buckets.get(plan.bucket)?.objects;
    const copy = objects?.get(`${plan.prefix}/plan.json`);
    if (copy) objects?.set('plans/other/plan.json', copy);
    const input = {
      ...Object(first?.input),
      ...(other === 'source' ? { source: { ...source, key: 'sources/other.zip' } } : {}),
      ...(other === 'plan' ? { plan: { ...plan, prefix: 'plans/other' } } : {}),
      executionName: `${first?.name}-r2`,
    };
    const { arn } = engine.start(machineArn(NAMES.releaseImageMachine), `${first?.name}-r2`, input);
    const { outcome, releases } = await followRelease(arn, on);
    expect([outcome, images()]).toEqual(['rolled back', []]);
    expect(releases[0]?.error?.cause).toContain('a retry takes the same source and plan');
  });

  test('two at once are one', async () => {
    const { on, attempts } = await failed();
    const [one, other] = await Promise.all([retryRelease(RELEASE_ID, on), retryRelease(RELEASE_ID, on)]);
    expect(other.executionArn).toBe(one.executionArn);
    expect((await followRelease(one, on)).outcome).toBe('released');
    expect(attempts()).toHaveLength(2);
  });

  test('that fails too is rolled back, and can be retried again', async () => {
    const { on, images } = await failed([prodFails(2)]);
    const second = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect([second.outcome, images()]).toEqual(['rolled back', []]);
    const third = await retryRelease(RELEASE_ID, on);
    expect(third.name).toMatch(/-r3$/);
    expect((await followRelease(third, on)).outcome).toBe('released');
  });

  test('after a rollback that left something it begins nothing until that is swept', async () => {
    const { on, images } = await failed([
      prodFails(1),
      { state: 'Deregister dev AMIs', kind: 'refused', times: 200 },
    ]);
    expect(images()).toHaveLength(1);
    const early = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect(early.outcome).toBe('rollback incomplete');
    expect(early.releases[0]?.leftovers).toEqual(
      images().flatMap(({ imageId, snapshotIds }) =>
        [imageId, ...snapshotIds].map((resourceId) => ({
          ...STAGES.dev[0],
          resourceId,
          why: 'it is of an earlier attempt',
        })),
      ),
    );
    expect(early.releases[0]?.path).not.toContain('Bake dev AMIs');
    expect((await sweep({ release: RELEASE_ID }, on)).complete).toBe(true);
    const again = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect([again.outcome, images().length]).toEqual(['released', 2]);
  });

  test('after a stop it bakes nothing beside the build that still runs; the sweep ends that', async () => {
    const hub = await openClient();
    const { on } = hub;
    await stoppedRelease(hub, {
      at: ({ operation }, state) => operation === 'BatchGetBuilds' && state === 'Bake prod AMIs',
    });
    expect((await sweep({ release: RELEASE_ID }, on)).complete).toBe(true);
    const { outcome } = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect(outcome).toBe('released');
  });

  test('bakes nothing before a sweep has ended that began before it, and may have taken it for dead', async () => {
    const { on, engine, sandbox } = await failed();
    const { clock } = sandbox;
    let bakedAt = Infinity;
    sandbox.intercept(async (call, next) => {
      if (currentState()?.execution === 'before' && call.operation === 'DescribeImages')
        await clock.sleep(5 * MINUTE_MS);
      if (call.operation === 'StartBuild') bakedAt = Math.min(bakedAt, clock.milliseconds());
      return next();
    });
    await clock.sleep(11 * MINUTE_MS);
    const before = engine.start(machineArn(NAMES.sweepMachine), 'before', {});
    await clock.sleep(1_000);
    const handle = await retryRelease(RELEASE_ID, on);
    expect((await followRelease(handle, on)).outcome).toBe('released');
    expect(Date.parse(before.history.ending?.at ?? '')).toBeGreaterThan(
      Date.parse(handle.startedAt) + 4 * MINUTE_MS,
    );
    expect(bakedAt).toBeGreaterThan(Date.parse(before.history.ending?.at ?? ''));
  });

  test('begins nothing after a sweep that was stopped in the middle: its function may still remove', async () => {
    const { on, engine, sandbox, images } = await failed();
    const { clock } = sandbox;
    sandbox.intercept(async (call, next) => {
      if (currentState()?.execution === 'before' && call.operation === 'DescribeImages')
        await clock.sleep(5 * MINUTE_MS);
      return next();
    });
    await clock.sleep(11 * MINUTE_MS);
    const before = engine.start(machineArn(NAMES.sweepMachine), 'before', {});
    await clock.sleep(1_000);
    before.stop();
    const { outcome, releases } = await followRelease(await retryRelease(RELEASE_ID, on), on);
    expect([outcome, images()]).toEqual(['rolled back', []]);
    expect(releases[0]?.error?.cause).toContain('the sweep before may still be at work');
  });

  test('that was started too early, past the client, bakes nothing and is rolled back', async () => {
    const { on, engine, attempts } = await failed();
    const name = `${attempts()[0]?.name}-r2`;
    const input = { ...Object(attempts()[0]?.input), executionName: name };
    const { arn } = engine.start(machineArn(NAMES.releaseImageMachine), name, input);
    const { outcome, releases } = await followRelease(arn, on);
    expect(outcome).toBe('rolled back');
    expect(releases[0]?.error?.cause).toContain('ended less than 11 minutes before');
  });

  test('fails for what runs, is released, is unknown, is too old, or is no release id', async () => {
    const { on, engine, sandbox } = await openClient({ faults: [] });
    await expect(retryRelease(RELEASE_ID, on)).rejects.toThrow(ReleaseNotFound);
    await expect(retryRelease('first', on)).rejects.toThrow('a retry is of one image, <image>@<version>');
    const first = engine.start(RELEASE_MACHINE, 'first', {});
    await sandbox.clock.sleep(10 * MINUTE_MS);
    await expect(retryRelease(RELEASE_ID, on)).rejects.toThrow('it still runs');
    await first.outcome;
    await expect(retryRelease(RELEASE_ID, on)).rejects.toThrow('it is released');
    const old = await failed();
    await old.sandbox.clock.sleep(15 * 24 * 60 * MINUTE_MS);
    const late = retryRelease(RELEASE_ID, old.on);
    await expect(late).rejects.toThrow(ReleaseRefused);
    await expect(late).rejects.toThrow('it is older than 14 days');
  });
});

/** Where the bake in prod starts. */
const sourceOf = ({ releases: [release] }: ReleaseResult) =>
  release?.targets.find(({ stage }) => stage === 'prod')?.sourceImageId;

/** Who started an execution differs, and says nothing of what it does. */
function startedBy(input: unknown) {
  const by: unknown = Object(input)['AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID'];
  return { AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: by };
}
