import { describe, expect, test } from 'vitest';
import { AL2023 } from '../../fixtures/factories.ts';
import { VERSION } from '../../fixtures/releases.ts';
import { openOperator } from '../operator.ts';

describe('packleader status', () => {
  test('shows versions, AMIs and stages of a release', async () => {
    const { release, status } = await openOperator();
    await release({ key: 'run-1', wait: true });
    const { exit, out } = await status('run-1');
    expect(exit).toBe(0);
    expect(out).toMatch(/^run-1 {2}released {2}2026-11-21T09:30:00Z, \d+ min$/m);
    expect(out).toContain(`  base@${VERSION}  (g4f2c1d9)  released\n`);
    expect(out).toMatch(/^ {4}dev {3}100000000001\/eu-west-1 {2}ami-[0-9a-f]{17}$/m);
    expect(out).toMatch(/^ {4}prod {2}100001000001\/eu-west-1 {2}ami-[0-9a-f]{17}$/m);
  });

  test('shows what a release is doing while it runs, and exits with 4: nobody knows how it ends', async () => {
    const { release, status, sandbox } = await openOperator({}, { base: AL2023, web: 'image: base' });
    await release({ key: 'run-1' });
    await sandbox.clock.sleep(8 * 60_000);
    const { exit, out } = await status('run-1');
    expect(exit).toBe(4);
    expect(out).toContain('run-1  running  2026-11-21T09:30:00Z, for 8 min so far');
    expect(out).toContain(`base@${VERSION}  (g4f2c1d9)  running: Bake dev AMIs`);
    expect(out).toContain(`web@${VERSION}  (g4f2c1d9)  running: not begun`);
  });

  test('shows why a release failed and what it left, and exits with 3', async () => {
    const faults = [
      { state: 'Bake prod AMIs', kind: 'failed' },
      { state: 'Deregister dev AMIs', kind: 'refused' },
    ] as const;
    const { release, status } = await openOperator({ faults });
    await release({ key: 'run-1', wait: true });
    const { exit, out } = await status('run-1');
    expect(exit).toBe(3);
    expect(out).toContain('RollbackIncomplete: BakeFailed: ');
    expect(out).toMatch(/^ {4}left {2}100000000001\/eu-west-1 {2}ami-[0-9a-f]{17}: /m);
  });

  test('says where the time went, account by account, and what it cost', async () => {
    const { release, status } = await openOperator();
    await release({ key: 'run-1', wait: true });
    const { out } = await status('run-1');
    expect(out).toMatch(
      /^ {4}Bake dev AMIs +(\d+ min)\n {6}100000000001\/eu-west-1 {2}\1\n {4}Bake prod AMIs +\d+ min\n {6}100001000001\/eu-west-1 {2}\d+ min\n {4}Publish release +30 s\n {4}about \$0\.\d\d by list prices: \d+ build minutes, without builder instances$/m,
    );
    const { releases } = JSON.parse((await status('run-1', { json: true })).out);
    expect(releases[0].timeline.bakes.map((bake: { accountId: string }) => bake.accountId)).toEqual([
      '100000000001',
      '100001000001',
    ]);
  });

  test('lists the latest releases, newest first, or says that there is none', async () => {
    const { release, status, sandbox } = await openOperator();
    expect((await status()).out).toBe('no release yet\n');
    await release({ key: 'one', wait: true });
    await release({ key: 'another' });
    await sandbox.clock.sleep(60_000);
    const { exit, out } = await status();
    expect(exit).toBe(0);
    expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ['another', 'running'],
      ['one', 'released'],
      [''],
    ]);
    const document = JSON.parse((await status(undefined, { json: true, limit: 1 })).out);
    expect(document).toMatchObject({ releases: [{ name: 'another', status: 'running', stoppedAt: null }] });
  });
});
