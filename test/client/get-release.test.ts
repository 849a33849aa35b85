import { SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';
import { getRelease, startRelease, waitForRelease } from '../../client/client.ts';
import { AccessDenied, ReleaseNotFound } from '../../client/errors.ts';
import { HUB } from '../fixtures/accounts.ts';
import { AL2023 } from '../fixtures/factories.ts';
import { VERSION } from '../fixtures/releases.ts';
import { openClient } from './operator.ts';

describe('getRelease', () => {
  test('tells what is known while it runs', async () => {
    const { on, sandbox } = await openClient({}, { base: AL2023, web: 'image: base' });
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
    const { on } = await openClient({}, { base: AL2023, other: AL2023 });
    const handle = await startRelease({}, { ...on, key: 'run-1' });
    const result = await waitForRelease(handle, on);
    for (const release of [handle, handle.executionArn, 'run-1'])
      expect(await getRelease(release, on)).toEqual(result);
    const one = await getRelease(`other@${VERSION}`, on);
    expect(one).toMatchObject({ outcome: 'released', name: `other-${VERSION}` });
    expect(one.releases.map(({ image }) => image)).toEqual(['other']);
  });

  test('reads every page of a history, from the beginning and from the end', async () => {
    const { on, sandbox } = await openClient();
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
    const { on } = await openClient();
    const got = getRelease(release, on);
    await expect(got).rejects.toThrow(ReleaseNotFound);
    await expect(got).rejects.toThrow(told);
  });

  test('fails when the caller may start releases, but not read them', async () => {
    const { on } = await openClient({ allows: /^sfn:StartExecution$/ });
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
