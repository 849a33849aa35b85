import { describe, expect, test } from 'vitest';
import { ReleaseRefused } from '../../../client/errors.ts';
import { STARTED_AT, VERSION } from '../../fixtures/releases.ts';
import { RELEASE_MACHINE } from '../../fixtures/sandbox/hub.ts';
import { openOperator } from '../operator.ts';

const RELEASE = `base@${VERSION}`;

describe('packleader retry', () => {
  test('begins the release again, and watches it to its end', async () => {
    const hub = await openOperator({ faults: [{ state: 'Bake prod AMIs', kind: 'failed', times: 1 }] });
    await hub.engine.start(RELEASE_MACHINE, 'first', {}).outcome;
    const { exit, out } = await hub.retry(RELEASE);
    expect(exit).toBe(0);
    expect(out).toContain(`${RELEASE}  (g4f2c1d9)`);
    expect(out).toContain('released in both targets');
    expect(await hub.status(RELEASE)).toMatchObject({ exit: 0 });
  });

  test('prints one document with --json, and exits with 1 when it is rolled back again', async () => {
    const hub = await openOperator({ faults: [{ state: 'Bake prod AMIs', kind: 'failed' }] });
    await hub.engine.start(RELEASE_MACHINE, 'first', {}).outcome;
    const { exit, out } = await hub.retry(RELEASE, { json: true });
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'rolled back', name: `base-${VERSION}-r2` });
  });

  test('goes on with a release that waits, which status shows, and waits eleven minutes before', async () => {
    const faults = [{ state: 'Bake prod AMIs', kind: 'failed', times: 1 }] as const;
    const hub = await openOperator({ faults }, undefined, { waitHours: 4 });
    hub.engine.start(RELEASE_MACHINE, 'first', {});
    const own = () => hub.engine.executions.find(({ name }) => name === `base-${VERSION}`);
    while (own()?.history.path.at(-1) !== 'Await retry') await hub.sandbox.clock.sleep(60_000);
    const { out: before } = await hub.status(RELEASE);
    expect(before).toContain('failed in prod, and keeps what it has baked before until 2026-11-21T');
    expect(before).toContain(`packleader retry ${RELEASE}, or packleader cancel`);
    const { exit, out } = await hub.retry(RELEASE);
    expect(exit).toBe(0);
    expect(out).toMatch(/Bake dev AMIs +ami-\S+ .*, kept\n/);
    expect(out).toContain('Take over AMIs');
    expect(own()?.history.path.at(-1)).toBe('Handed over');
  });

  test('fails beside an attempt that runs, also where one could wait', async () => {
    const hub = await openOperator({}, undefined, { waitHours: 4 });
    hub.engine.start(RELEASE_MACHINE, 'first', {});
    await hub.sandbox.clock.sleep(10 * 60_000);
    await expect(hub.retry(RELEASE)).rejects.toThrow(`cannot retry ${RELEASE}: it still runs`);
  });

  test('cancel ends a wait, and leaves nothing of what was kept', async () => {
    const faults = [{ state: 'Bake prod AMIs', kind: 'failed' }] as const;
    const hub = await openOperator({ faults }, undefined, { waitHours: 4 });
    hub.engine.start(RELEASE_MACHINE, 'first', {});
    await hub.sandbox.clock.sleep(90 * 60_000);
    expect(await hub.cancel(RELEASE)).toMatchObject({ exit: 1, out: `${RELEASE}  rolled back\n` });
  });

  test('fails for a release that stands, and starts nothing', async () => {
    const hub = await openOperator();
    await hub.engine.start(RELEASE_MACHINE, 'first', {}).outcome;
    const before = hub.engine.executions.length;
    await expect(hub.retry(RELEASE)).rejects.toThrow(ReleaseRefused);
    await expect(hub.retry(RELEASE)).rejects.toThrow(`cannot retry ${RELEASE}: it is released`);
    expect(hub.engine.executions).toHaveLength(before);
    expect(hub.engine.executions[0]?.startedAt).toBe(STARTED_AT.toISOString());
  });

  test('cancel stops the attempt that runs, and leaves nothing', async () => {
    const hub = await openOperator({ faults: [{ state: 'Bake prod AMIs', kind: 'failed', times: 1 }] });
    await hub.engine.start(RELEASE_MACHINE, 'first', {}).outcome;
    const retrying = hub.retry(RELEASE);
    await hub.sandbox.clock.sleep(25 * 60_000);
    expect(await hub.cancel(RELEASE)).toMatchObject({ exit: 1, out: `${RELEASE}  rolled back\n` });
    expect((await retrying).exit).toBe(3);
  });
});
