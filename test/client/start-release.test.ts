import { SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { startRelease, waitForRelease } from '../../client/client.ts';
import {
  AccessDenied,
  HubNotFound,
  HubUnknown,
  KeyReused,
  NoCredentials,
  ReleaseRefused,
} from '../../client/errors.ts';
import { HUB } from '../fixtures/accounts.ts';
import { openClient } from './operator.ts';

describe('startRelease', () => {
  test('starts an execution named by the key, with the request as its input', async () => {
    const { on, engine } = await openClient();
    const handle = await startRelease({ images: ['base'], reason: 'a test' }, { ...on, key: 'run-4711' });
    expect(handle).toEqual({
      executionArn: 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-4711',
      name: 'run-4711',
      startedAt: '2026-11-21T09:30:00.000Z',
    });
    expect(engine.executions[0]?.input).toEqual({ images: ['base'], reason: 'a test' });
  });

  test('started again with the same key and request, it is the same release: while it runs and after it', async () => {
    const { on, engine } = await openClient();
    const request = { images: ['base'], branch: 'main' };
    const first = await startRelease(request, { ...on, key: 'run-4711' });
    expect(await startRelease({ branch: 'main', images: ['base'] }, { ...on, key: 'run-4711' })).toEqual(
      first,
    );
    await waitForRelease(first, on);
    expect(await startRelease(request, { ...on, key: 'run-4711' })).toEqual(first);
    expect(engine.executions.filter(({ name }) => name === 'run-4711')).toHaveLength(1);
  });

  test('is the same release whoever asks, and the first to ask is told', async () => {
    const { on, engine } = await openClient();
    const first = await startRelease({ images: ['base'], startedBy: 'alice' }, on);
    expect(await startRelease({ images: ['base'], startedBy: 'bob' }, on)).toEqual(first);
    expect(engine.executions.map(({ input }) => input)).toEqual([{ images: ['base'], startedBy: 'alice' }]);
  });

  test('fails when the key was used for another request, and says which', async () => {
    const { on } = await openClient();
    await startRelease({ images: ['base'] }, { ...on, key: 'run-4711' });
    const again = startRelease({}, { ...on, key: 'run-4711' });
    await expect(again).rejects.toThrow(KeyReused);
    await expect(again).rejects.toThrow('another request: {"images":["base"]}');
  });

  test('without a key, the same request within a minute is one release, another request another one', async () => {
    const { on, engine } = await openClient();
    const first = await startRelease({ images: ['base'] }, on);
    expect(first.name).toMatch(/^base-20261121T0930-[0-9a-f]{16}$/);
    expect((await startRelease({ images: ['base'] }, on)).name).toBe(first.name);
    expect((await startRelease({}, on)).name).toMatch(/^whatever-changed-20261121T0930-/);
    const later = { ...on, now: () => new Date('2026-11-21T09:31:00Z') };
    expect((await startRelease({ images: ['base'] }, later)).name).not.toBe(first.name);
    expect(engine.executions.filter(({ machine }) => machine.name === 'packleader-release')).toHaveLength(3);
  });

  test('a key that no execution can have as its name is told by its hash', async () => {
    const { on } = await openClient();
    const one = await startRelease({}, { ...on, key: 'example/images#4711' });
    expect(one.name).toMatch(/^example-images-4711-[0-9a-f]{16}$/);
    const other = await startRelease({}, { ...on, key: 'example/images/4711' });
    expect(other.name).not.toBe(one.name);
    expect((await startRelease({}, { ...on, key: 'x'.repeat(200) })).name.length).toBeLessThanOrEqual(80);
  });

  test('a reply that was lost does not start it twice', async () => {
    const { on, sandbox, engine } = await openClient();
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
    const { on, calls } = await openClient();
    const { executionArn } = await startRelease({}, { client: on.client, key: 'run-1' });
    expect(executionArn).toBe('arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-1');
    expect(calls('GetCallerIdentity')).toHaveLength(1);
  });

  test.each([
    [{ image: 'base', images: ['base'] }, 'Give either "image" or "images", not both.'],
    [{ images: [] }, 'The field "images" is a list'],
    [JSON.parse('{"imagee": "base"}'), 'Did you mean "image"?'],
  ])('fails for the request %j before it calls AWS', async (request, why) => {
    const { on, sandbox } = await openClient();
    const before = sandbox.callCount;
    const started = startRelease(request, on);
    await expect(started).rejects.toThrow(ReleaseRefused);
    await expect(started).rejects.toThrow(why);
    expect(sandbox.callCount).toBe(before);
  });

  test('fails when the key is empty', async () => {
    const { on } = await openClient();
    await expect(startRelease({}, { ...on, key: '' })).rejects.toThrow('The key is empty');
  });

  test('fails where there is no state machine', async () => {
    const { on } = await openClient();
    const elsewhere = { ...on, hub: { accountId: '888888888888', region: 'eu-west-1' } };
    await expect(startRelease({}, elsewhere)).rejects.toThrow(HubNotFound);
  });

  test('fails when the caller may not start it, and names the action', async () => {
    const { on } = await openClient({ allows: /^sts:/ });
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
    const { on, engine } = await openClient();
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await expect(startRelease({}, { ...on, signal })).rejects.toThrow('changed my mind');
    expect(engine.executions).toEqual([]);
  });
});
