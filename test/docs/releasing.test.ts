import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { getRelease, listReleases, startRelease, waitForRelease } from '../../client/client.ts';
import { releaseOnce } from '../../docs/examples/release.ts';
import { HUB } from '../fixtures/accounts.ts';
import { openHub } from '../fixtures/sandbox/hub.ts';

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

/** The first block of code in a language, as the page shows it. */
const blockOf = (page: string, language: string): string =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? '';

test('the page shows the example as it is', () => {
  expect(blockOf(read('releasing.md'), 'ts')).toBe(read('examples/release.ts'));
});

test('the example releases an image once per run, and tells the AMI of every account', async () => {
  const { engine } = await openHub();
  const amis = await releaseOnce('base', 'run-1');
  expect([...amis.keys()]).toEqual(['100000000001/eu-west-1', '100001000001/eu-west-1']);
  expect([...amis.values()].every((imageId) => imageId?.startsWith('ami-'))).toBe(true);
  expect(await releaseOnce('base', 'run-1')).toEqual(amis);
  expect(engine.executions.filter(({ name }) => name === 'run-1')).toHaveLength(1);
});

test('the example gives no AMIs when the release was rolled back, and names what is left when that was not possible', async () => {
  const hub = await openHub({ faults: [{ state: 'Bake prod AMIs', kind: 'failed' }] });
  expect(await releaseOnce('base', 'run-1')).toEqual(new Map());
  await hub.close();
  await openHub({
    faults: [
      { state: 'Bake prod AMIs', kind: 'failed' },
      { state: 'Deregister dev AMIs', kind: 'refused' },
    ],
  });
  await expect(releaseOnce('base', 'run-1')).rejects.toThrow(/^clean up by hand: .*ami-[0-9a-f]{17}/);
});

test('the permissions on the page are enough, and no more than is used', async () => {
  const policy = z
    .object({ Statement: z.array(z.object({ Action: z.array(z.string()) })) })
    .parse(JSON.parse(blockOf(read('releasing.md'), 'json')));
  const operations = policy.Statement.flatMap(({ Action }) => Action).map((action) =>
    action.replace('states:', 'sfn:'),
  );
  const { operator, sandbox } = await openHub({ allows: new RegExp(`^(${operations.join('|')})$`) });
  const on = { hub: HUB, ...operator };
  const handle = await startRelease({}, { ...on, key: 'run-1' });
  await waitForRelease(handle, on);
  await startRelease({}, { ...on, key: 'run-1' });
  await getRelease('run-1', on);
  await listReleases(on);
  const used = sandbox.calls
    .filter(({ role }) => role === 'operator')
    .map(({ operation }) => `sfn:${operation}`);
  expect(new Set(used)).toEqual(new Set(operations));
});
