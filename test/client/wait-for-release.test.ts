import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { followRelease, startRelease, waitForRelease } from '../../client/client.ts';
import {
  ReleaseRefused,
  ReleaseRolledBack,
  ReleaseStopped,
  RollbackIncomplete,
  Throttled,
  WaitTimedOut,
} from '../../client/errors.ts';
import { AL2023, STAGES } from '../fixtures/factories.ts';
import { VERSION } from '../fixtures/releases.ts';
import { openClient } from './operator.ts';

describe('waitForRelease', () => {
  test('resolves with every version, AMI and path, the base before what is built on it', async () => {
    const { on, sandbox } = await openClient({}, { web: 'image: base', base: AL2023 });
    const result = await waitForRelease(await startRelease({}, on), on);
    expect(result).toMatchObject({ outcome: 'released', error: null });
    expect(result.releases.map(({ releaseId, outcome }) => [releaseId, outcome])).toEqual([
      [`base@${VERSION}`, 'released'],
      [`web@${VERSION}`, 'released'],
    ]);
    const [base, web] = result.releases;
    expect(base?.path.at(0)).toBe('Resolve source AMIs');
    expect(base?.path.at(-1)).toBe('Released');
    for (const { accountId, region, imageId } of base?.targets ?? []) {
      expect(sandbox.world.region(accountId, region).images.get(imageId ?? '')?.name).toContain(VERSION);
    }
    expect(base?.targets.map(({ stage, accountId }) => [stage, accountId])).toEqual([
      ['dev', STAGES.dev[0]?.accountId],
      ['prod', STAGES.prod[0]?.accountId],
    ]);
    expect(web?.targets.map(({ sourceImageId }) => sourceImageId)).toEqual(
      base?.targets.map(({ imageId }) => imageId),
    );
    expect(result.stoppedAt).not.toBeNull();
  });

  test('fails with ReleaseRolledBack, and tells why and that nothing is left', async () => {
    const { on } = await openClient({ faults: [{ state: 'Bake prod AMIs', kind: 'failed' }] });
    const waiting = waitForRelease(await startRelease({}, on), on);
    await expect(waiting).rejects.toThrow(ReleaseRolledBack);
    const error = await waiting.catch((thrown: unknown) => thrown);
    const result = error instanceof ReleaseRolledBack ? error.result : undefined;
    expect(result).toMatchObject({ outcome: 'rolled back', error: null });
    expect(result?.releases[0]).toMatchObject({
      outcome: 'rolled back',
      error: { name: 'BakeFailed' },
      leftovers: [],
      targets: [{ imageId: null }, { imageId: null }],
    });
    expect(result?.releases[0]?.path.at(-1)).toBe('Rolled back');
  });

  test('fails with RollbackIncomplete, and names every leftover', async () => {
    const { on } = await openClient({
      faults: [
        { state: 'Bake prod AMIs', kind: 'failed' },
        { state: 'Deregister dev AMIs', kind: 'refused' },
      ],
    });
    const error = await waitForRelease(await startRelease({}, on), on).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RollbackIncomplete);
    const release = error instanceof RollbackIncomplete ? error.result.releases[0] : undefined;
    expect(release?.outcome).toBe('rollback incomplete');
    const left = release?.leftovers.map(({ resourceId }) => resourceId) ?? [];
    expect(new Set(left.map((id) => id.split('-')[0]))).toEqual(new Set(['ami', 'snap']));
    // The AMI that is left is still told in its target.
    expect(left).toContain(release?.targets[0]?.imageId);
  });

  test('fails with ReleaseRefused when the workflow refuses an image that the factory does not have', async () => {
    const { on } = await openClient();
    const error = await waitForRelease(await startRelease({ images: ['nope'] }, on), on).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ReleaseRefused);
    const result = error instanceof ReleaseRefused ? error.result : undefined;
    expect(result).toMatchObject({
      outcome: 'refused',
      error: { name: 'InvalidConfiguration' },
      releases: [],
    });
    expect(result?.error?.cause).toContain('nope');
  });

  test('fails with ReleaseStopped when somebody stops it, and tells why', async () => {
    const { on, client, sandbox } = await openClient();
    const { executionArn } = await startRelease({}, on);
    const waiting = waitForRelease(executionArn, on).catch((thrown: unknown) => thrown);
    await sandbox.clock.sleep(6 * 60_000);
    await client.send(new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'by hand' }));
    const error = await waiting;
    expect(error).toBeInstanceOf(ReleaseStopped);
    expect(error instanceof ReleaseStopped && error.result).toMatchObject({
      outcome: 'stopped',
      releases: [{ outcome: 'stopped' }],
    });
  });

  test('one image that failed does not hide those that are released', async () => {
    const images = { base: AL2023, web: 'image: base', other: AL2023 };
    const { on, sandbox } = await openClient({}, images);
    sandbox.builds.fail = (environment) =>
      environment['PACKLEADER_IMAGE'] === 'base' ? { at: 'provision', message: 'no' } : undefined;
    const result = await followRelease(await startRelease({}, on), on);
    expect(result.outcome).toBe('rolled back');
    expect(Object.fromEntries(result.releases.map(({ image, outcome }) => [image, outcome]))).toEqual({
      base: 'rolled back',
      other: 'released',
      web: 'rolled back',
    });
  });

  test('tells the progress of every image in order, each step once', async () => {
    const { on } = await openClient({ faults: [{ state: 'Apply version tags', kind: 'throttled' }] });
    const told: string[] = [];
    await waitForRelease(await startRelease({}, on), {
      ...on,
      onProgress: (news) => {
        for (const { phase, state, releaseId = '', error = '' } of news)
          told.push([phase, state, releaseId, error].join(' ').trim());
      },
    });
    const entered = told.filter((text) => text.startsWith('entered') && text.includes('@'));
    expect(entered).toEqual(
      [
        'Resolve source AMIs',
        'Bake dev AMIs',
        'Check dev AMIs',
        'Bake prod AMIs',
        'Check prod AMIs',
        'Compare AMIs',
        'Apply version tags',
        'Publish release',
        'Announce release',
        'Released',
      ].map((state) => `entered ${state} base@${VERSION}`),
    );
    expect(told).toContain(`retried Apply version tags base@${VERSION} Throttled`);
    expect(told).toContain('entered Fetch source');
  });

  test('asks often at first, then at most every 20 s, and less often the longer nothing happens', async () => {
    const { on, calls } = await openClient();
    await waitForRelease(await startRelease({}, on), on);
    const times = [...new Set(calls('GetExecutionHistory').map(({ at }) => Date.parse(at)))];
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(2_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(20_000);
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(10_000);
    // 79 minutes at worst: far from the quota of GetExecutionHistory.
    expect(times.length).toBeLessThan(400);
  });

  test('goes on when AWS throttles for a while', async () => {
    const { on, sandbox } = await openClient();
    const handle = await startRelease({}, on);
    let throttles = 0;
    sandbox.intercept(async (call, next) => {
      if (call.role !== 'operator' || throttles >= 20) return next();
      throttles += 1;
      throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
    });
    expect((await waitForRelease(handle, on)).outcome).toBe('released');
    expect(throttles).toBe(20);
  });

  test('fails when AWS throttles for ever', async () => {
    const { on, sandbox } = await openClient();
    const handle = await startRelease({}, on);
    sandbox.intercept(async (call, next) => {
      if (call.role !== 'operator') return next();
      throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
    });
    await expect(waitForRelease(handle, on)).rejects.toThrow(Throttled);
  });

  test('fails when the time is over; the release goes on', async () => {
    const { on, engine } = await openClient();
    const handle = await startRelease({}, on);
    const waiting = waitForRelease(handle, { ...on, timeoutMs: 60_000 });
    await expect(waiting).rejects.toThrow(WaitTimedOut);
    await expect(waiting).rejects.toThrow('still runs after 60 s; it goes on');
    expect((await engine.executions[0]?.outcome)?.status).toBe('SUCCEEDED');
  });

  test('fails with the signal’s reason on real time as well', async () => {
    const { on, sandbox } = await openClient();
    const handle = await startRelease({}, on);
    // It never ends: every look shows it as it is now.
    const frozen = sandbox.intercept(async (call, next) =>
      call.operation === 'GetExecutionHistory' && call.role === 'operator' ? { events: [] } : next(),
    );
    const controller = new AbortController();
    const { clock: _, ...onRealTime } = on;
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(waitForRelease(handle, { ...onRealTime, signal: controller.signal })).rejects.toThrow(
      'enough',
    );
    frozen();
  });

  test('tells every step once, also when some looks at some images fail half way', async () => {
    const { on, sandbox } = await openClient({}, { base: AL2023, other: AL2023 });
    const handle = await startRelease({}, on);
    let calls = 0;
    sandbox.intercept(async (call, next) => {
      if (call.role === 'operator' && ++calls % 4 === 0)
        throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
      return next();
    });
    const told: string[] = [];
    const result = await waitForRelease(handle, {
      ...on,
      onProgress: (news) => {
        for (const { phase, state, releaseId } of news)
          if (phase === 'entered' && releaseId) told.push(`${releaseId} ${state}`);
      },
    });
    const all = result.releases.flatMap(({ releaseId, path }) =>
      path.map((state) => `${releaseId} ${state}`),
    );
    expect(new Set(told)).toEqual(new Set(all));
    expect(told).toHaveLength(all.length);
  });

  test('fails with the signal’s reason when it is aborted between two looks; the release goes on', async () => {
    const { on, engine, sandbox } = await openClient();
    const handle = await startRelease({}, on);
    const controller = new AbortController();
    const waiting = waitForRelease(handle, { ...on, signal: controller.signal }).catch(
      (thrown: unknown) => thrown,
    );
    await sandbox.clock.sleep(5 * 60_000);
    controller.abort(new Error('enough'));
    expect(await waiting).toMatchObject({ message: 'enough' });
    expect((await engine.executions[0]?.outcome)?.status).toBe('SUCCEEDED');
  });
});
