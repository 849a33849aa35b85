import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type WaitOptions,
  followRelease,
  getRelease,
  listReleases,
  startRelease,
  waitForRelease,
} from '../../client/client.ts';
import {
  AccessDenied,
  HubNotFound,
  HubUnknown,
  KeyReused,
  NoCredentials,
  ReleaseNotFound,
  ReleaseRefused,
  ReleaseRolledBack,
  ReleaseStopped,
  RollbackIncomplete,
  Throttled,
  WaitTimedOut,
} from '../../client/errors.ts';
import { type MadeUpFactory, targetsIn } from '../workflow/machines/rehearsing.ts';
import { HUB, type OperatedHub, operatedHub } from '../cli/hub.ts';

const AL2023 = 'ssmParameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';
const stages = { dev: targetsIn(0, 1), prod: targetsIn(1, 1) };
const VERSION = '1.4.20261121093000';

let hub: OperatedHub | undefined;
afterEach(async () => {
  await hub?.close();
  hub = undefined;
});

/** A client of a hub on the sandbox: in the operator's role, and on the sandbox's time. */
async function open(
  options: Parameters<typeof operatedHub>[1] = {},
  images: MadeUpFactory['images'] = { base: AL2023 },
) {
  const opened = await operatedHub({ stages, images }, options);
  hub = opened;
  const { clock } = opened.sandbox;
  const client = new SFNClient(opened.operator);
  const on = {
    hub: HUB,
    client,
    now: () => clock.now(),
    clock: { now: () => clock.now(), sleep: async (ms, signal) => clock.sleep(ms, signal) },
  } satisfies WaitOptions & { now: () => Date };
  const calls = (operation: string) =>
    opened.sandbox.calls.filter((call) => call.role === 'operator' && call.operation === operation);
  return { ...opened, on, client, calls };
}

describe('startRelease', () => {
  test('starts an execution named by the key, with the request as its input', async () => {
    const { on, engine } = await open();
    const handle = await startRelease({ images: ['base'], reason: 'a test' }, { ...on, key: 'run-4711' });
    expect(handle).toEqual({
      executionArn: 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-4711',
      name: 'run-4711',
      startedAt: '2026-11-21T09:30:00.000Z',
    });
    expect(engine.executions[0]?.input).toEqual({ images: ['base'], reason: 'a test' });
  });

  test('started again with the same key and request, it is the same release: while it runs and after it', async () => {
    const { on, engine } = await open();
    const request = { images: ['base'], branch: 'main' };
    const first = await startRelease(request, { ...on, key: 'run-4711' });
    expect(await startRelease({ branch: 'main', images: ['base'] }, { ...on, key: 'run-4711' })).toEqual(
      first,
    );
    await waitForRelease(first, on);
    expect(await startRelease(request, { ...on, key: 'run-4711' })).toEqual(first);
    expect(engine.executions.filter(({ name }) => name === 'run-4711')).toHaveLength(1);
  });

  test('fails when the key was used for another request, and says which', async () => {
    const { on } = await open();
    await startRelease({ images: ['base'] }, { ...on, key: 'run-4711' });
    const again = startRelease({}, { ...on, key: 'run-4711' });
    await expect(again).rejects.toThrow(KeyReused);
    await expect(again).rejects.toThrow('another request: {"images":["base"]}');
  });

  test('without a key, the same request within a minute is one release, another request another one', async () => {
    const { on, engine } = await open();
    const first = await startRelease({ images: ['base'] }, on);
    expect(first.name).toMatch(/^base-20261121T0930-[0-9a-f]{16}$/);
    expect((await startRelease({ images: ['base'] }, on)).name).toBe(first.name);
    expect((await startRelease({}, on)).name).toMatch(/^whatever-changed-20261121T0930-/);
    const later = { ...on, now: () => new Date('2026-11-21T09:31:00Z') };
    expect((await startRelease({ images: ['base'] }, later)).name).not.toBe(first.name);
    expect(engine.executions.filter(({ machine }) => machine.name === 'packleader-release')).toHaveLength(3);
  });

  test('a key that no execution can have as its name is told by its hash', async () => {
    const { on } = await open();
    const one = await startRelease({}, { ...on, key: 'example/images#4711' });
    expect(one.name).toMatch(/^example-images-4711-[0-9a-f]{16}$/);
    const other = await startRelease({}, { ...on, key: 'example/images/4711' });
    expect(other.name).not.toBe(one.name);
    expect((await startRelease({}, { ...on, key: 'x'.repeat(200) })).name.length).toBeLessThanOrEqual(80);
  });

  test('a reply that was lost does not start it twice', async () => {
    const { on, sandbox, engine } = await open();
    let lose = true;
    sandbox.intercept(async (call, next) => {
      const reply = await next();
      if (call.operation !== 'StartExecution' || !lose) return reply;
      lose = false;
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
    });
    await expect(startRelease({}, { ...on, key: 'run-1' })).rejects.toMatchObject({ name: 'HubUnreachable' });
    await startRelease({}, { ...on, key: 'run-1' });
    expect(engine.executions).toHaveLength(1);
  });

  test('finds the hub by the caller: its account, and the region of its client', async () => {
    const { on, calls } = await open();
    const { executionArn } = await startRelease({}, { client: on.client, key: 'run-1' });
    expect(executionArn).toBe('arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-1');
    expect(calls('GetCallerIdentity')).toHaveLength(1);
  });

  test.each([
    [{ image: 'base', images: ['base'] }, 'Give either "image" or "images", not both.'],
    [{ images: [] }, 'The field "images" is a list'],
    [JSON.parse('{"imagee": "base"}'), 'Did you mean "image"?'],
  ])('fails for the request %j before it calls AWS', async (request, why) => {
    const { on, sandbox } = await open();
    const before = sandbox.callCount;
    const started = startRelease(request, on);
    await expect(started).rejects.toThrow(ReleaseRefused);
    await expect(started).rejects.toThrow(why);
    expect(sandbox.callCount).toBe(before);
  });

  test('fails when the key is empty', async () => {
    const { on } = await open();
    await expect(startRelease({}, { ...on, key: '' })).rejects.toThrow('The key is empty');
  });

  test('fails where there is no state machine', async () => {
    const { on } = await open();
    const elsewhere = { ...on, hub: { accountId: '888888888888', region: 'eu-west-1' } };
    await expect(startRelease({}, elsewhere)).rejects.toThrow(HubNotFound);
  });

  test('fails when the caller may not start it, and names the action', async () => {
    const { on } = await open({ allows: /^sts:/ });
    const started = startRelease({}, on);
    await expect(started).rejects.toThrow(AccessDenied);
    await expect(started).rejects.toThrow('states:StartExecution');
  });

  test('fails without credentials, and without a region', async () => {
    const client = new SFNClient({
      region: 'eu-west-1',
      credentials: async () => {
        throw Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
      },
    });
    await expect(startRelease({}, { client, hub: HUB })).rejects.toThrow(NoCredentials);
    await expect(startRelease({}, { client })).rejects.toThrow(NoCredentials);
    const nowhere = new SFNClient({
      region: async () => {
        throw new Error('Region is missing');
      },
    });
    await expect(startRelease({}, { client: nowhere })).rejects.toThrow(HubUnknown);
  });

  test('fails with the signal’s reason when it is aborted, and starts nothing', async () => {
    const { on, engine } = await open();
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await expect(startRelease({}, { ...on, signal })).rejects.toThrow('changed my mind');
    expect(engine.executions).toEqual([]);
  });
});

describe('waitForRelease', () => {
  test('resolves with every version, AMI and path, the base before what is built on it', async () => {
    const { on, sandbox } = await open({}, { web: 'image: base', base: AL2023 });
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
      ['dev', stages.dev[0]?.accountId],
      ['prod', stages.prod[0]?.accountId],
    ]);
    expect(web?.targets.map(({ sourceImageId }) => sourceImageId)).toEqual(
      base?.targets.map(({ imageId }) => imageId),
    );
    expect(result.stoppedAt).not.toBeNull();
  });

  test('fails with ReleaseRolledBack, and tells why and that nothing is left', async () => {
    const { on } = await open({ faults: [{ state: 'Bake prod AMIs', kind: 'failed' }] });
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
    const { on } = await open({
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
    const { on } = await open();
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
    const { on, client, sandbox } = await open();
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
    const { on, sandbox } = await open({}, images);
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
    const { on } = await open({ faults: [{ state: 'Apply version tags', kind: 'throttled' }] });
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
    const { on, calls } = await open();
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
    const { on, sandbox } = await open();
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
    const { on, sandbox } = await open();
    const handle = await startRelease({}, on);
    sandbox.intercept(async (call, next) => {
      if (call.role !== 'operator') return next();
      throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
    });
    await expect(waitForRelease(handle, on)).rejects.toThrow(Throttled);
  });

  test('fails when the time is over; the release goes on', async () => {
    const { on, engine } = await open();
    const handle = await startRelease({}, on);
    const waiting = waitForRelease(handle, { ...on, timeoutMs: 60_000 });
    await expect(waiting).rejects.toThrow(WaitTimedOut);
    await expect(waiting).rejects.toThrow('still runs after 60 s; it goes on');
    expect((await engine.executions[0]?.outcome)?.status).toBe('SUCCEEDED');
  });

  test('fails with the signal’s reason on real time as well', async () => {
    const { on, sandbox } = await open();
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
    const { on, sandbox } = await open({}, { base: AL2023, other: AL2023 });
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
    const { on, engine, sandbox } = await open();
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

describe('getRelease', () => {
  test('tells what is known while it runs', async () => {
    const { on, sandbox } = await open({}, { base: AL2023, web: 'image: base' });
    const handle = await startRelease({}, on);
    expect(await getRelease(handle, on)).toMatchObject({ outcome: 'running', stoppedAt: null, releases: [] });
    await sandbox.clock.sleep(10 * 60_000);
    const result = await getRelease(handle, on);
    expect(
      result.releases.map(({ image, outcome, executionArn }) => [image, outcome, executionArn !== null]),
    ).toEqual([
      ['base', 'running', true],
      ['web', 'running', false],
    ]);
    expect(result.releases[0]?.path.at(-1)).toBe('Bake dev AMIs');
  });

  test('takes a handle, an ARN, a name and the id of one image’s release', async () => {
    const { on } = await open({}, { base: AL2023, other: AL2023 });
    const handle = await startRelease({}, { ...on, key: 'run-1' });
    const result = await waitForRelease(handle, on);
    for (const release of [handle, handle.executionArn, 'run-1'])
      expect(await getRelease(release, on)).toEqual(result);
    const one = await getRelease(`other@${VERSION}`, on);
    expect(one).toMatchObject({ outcome: 'released', name: `other-${VERSION}` });
    expect(one.releases.map(({ image }) => image)).toEqual(['other']);
  });

  test('reads every page of a history, from the beginning and from the end', async () => {
    const { on, sandbox } = await open();
    const handle = await startRelease({}, on);
    const whole = await waitForRelease(handle, on);
    sandbox.intercept(async (call, next) => {
      // Pages as small as AWS may make them: it promises no size.
      if (call.operation === 'GetExecutionHistory') Object.assign(call.input, { maxResults: 3 });
      return next();
    });
    const before = sandbox.callCount;
    expect(await getRelease(handle, on)).toEqual(whole);
    expect(sandbox.callCount - before).toBeGreaterThan(20);
    const second = await startRelease({ reason: 'again' }, on);
    expect((await waitForRelease(second, on)).releases[0]?.path).toEqual(whole.releases[0]?.path);
  });

  test.each([
    ['run-none', 'packleader-release:run-none'],
    [`base@${VERSION}`, `packleader-release-image:base-${VERSION}`],
    ['arn:aws:states:eu-west-1:999999999999:execution:other:x', 'is no execution of packleader-release'],
  ])('fails for %s, which does not exist', async (release, told) => {
    const { on } = await open();
    const got = getRelease(release, on);
    await expect(got).rejects.toThrow(ReleaseNotFound);
    await expect(got).rejects.toThrow(told);
  });

  test('fails when the caller may start releases, but not read them', async () => {
    const { on } = await open({ allows: /^sfn:StartExecution$/ });
    const handle = await startRelease({}, on);
    await expect(getRelease(handle, on)).rejects.toThrow(AccessDenied);
  });

  test('fails with what went wrong in this program as it is', async () => {
    const broken = mockClient(SFNClient);
    broken.rejects(new TypeError('a fault of ours'));
    await expect(getRelease('run-1', { hub: HUB })).rejects.toThrow(TypeError);
    broken.restore();
  });
});

describe('listReleases', () => {
  test('tells the latest releases, newest first', async () => {
    const { on, client, sandbox } = await open();
    await waitForRelease(await startRelease({}, { ...on, key: 'first' }), on);
    await followRelease(await startRelease({ images: ['nope'] }, { ...on, key: 'second' }), on);
    const third = await startRelease({}, { ...on, key: 'third' });
    await client.send(new StopExecutionCommand({ executionArn: third.executionArn }));
    await sandbox.clock.sleep(1_000);
    await startRelease({}, { ...on, key: 'fourth' });
    const listed = await listReleases({ ...on, limit: 3 });
    expect(listed.map(({ name, status, stoppedAt }) => [name, status, stoppedAt === null])).toEqual([
      ['fourth', 'running', true],
      ['third', 'stopped', false],
      ['second', 'failed', false],
    ]);
  });

  test('fails when the caller may not', async () => {
    const { on } = await open({ allows: /^sts:/ });
    await expect(listReleases(on)).rejects.toThrow(AccessDenied);
  });
});
