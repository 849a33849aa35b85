import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { followRelease, listReleases, startRelease, waitForRelease } from '../../client/client.ts';
import { AccessDenied } from '../../client/errors.ts';
import { openClient } from './operator.ts';

describe('listReleases', () => {
  test('tells the latest releases, newest first', async () => {
    const { on, client, sandbox } = await openClient();
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
    const { on } = await openClient({ allows: /^sts:/ });
    await expect(listReleases(on)).rejects.toThrow(AccessDenied);
  });
});
