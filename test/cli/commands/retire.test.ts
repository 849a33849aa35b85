import { describe, expect, test } from 'vitest';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { addVersion, amiOf, takeInventory } from '../../fixtures/sandbox/retiring.ts';
import { openOperator } from '../operator.ts';

const TARGETS = Object.values(STAGES).flat();
const [DEV] = STAGES.dev;
const retention = { base: retentionSchema.parse({ keepNewest: 1 }) };

/** A hub with one version that is kept and one that nothing uses, which its operator may do no more with than the documentation says. */
async function openRetirer() {
  const hub = await openOperator({
    retention,
    allows: /^sfn:(StartExecution|GetExecutionHistory)$/,
  });
  const old = addVersion(hub.sandbox, TARGETS, { daysAgo: 100 });
  const newest = addVersion(hub.sandbox, TARGETS, { daysAgo: 50 });
  await takeInventory(hub);
  const ami = DEV && amiOf(hub.sandbox, DEV, old);
  return { ...hub, old, newest, ami: ami?.imageId ?? '' };
}

describe('packleader retire', () => {
  test('says what it would do and why the rest stays, does it, and takes it back', async () => {
    const hub = await openRetirer();
    const dry = await hub.retire({ dryRun: true });
    expect(dry).toEqual({
      exit: 0,
      err: '',
      out: [
        `  would deprecate  ${hub.old}  2 AMIs: nothing has used it for 7 days`,
        `  kept  ${hub.newest}: it is number 1 of the 1 newest that are kept`,
        'would move 1 on, kept 1, left behind 0',
        '',
      ].join('\n'),
    });
    const done = await hub.retire();
    expect(done.out).toBe(dry.out.replaceAll('would ', '').replace('move', 'moved'));
    expect((await hub.retire({ undo: hub.old })).out).toBe(
      `restored ${hub.old}: 2 AMIs can be launched again\n`,
    );
    expect((await hub.retire({ dryRun: true })).out).toContain('would move 0 on, kept 2');
  });

  test('ends with 3 when nothing may be done, with the reason, in a document as in words', async () => {
    const hub = await openRetirer();
    await hub.sandbox.clock.sleep(2 * 3_600_000);
    const { exit, out } = await hub.retire();
    expect(exit).toBe(3);
    expect(out).toContain('nothing was done: whether ');
    const { out: json } = await hub.retire({ json: true });
    expect(JSON.parse(json)).toMatchObject({ complete: false, doneCount: 0, stopped: expect.any(String) });
  });

  test.each([
    [{ undo: 'base' }, 'Correct inputs are'],
    [{ undo: 'base@1.4.20200101000000' }, 'No AMI of base@1.4.20200101000000 is left'],
    [{ undo: 'base@1.4.20200101000000', dryRun: true }, '--undo stands alone'],
    [{ mostPercent: 101 }, 'must be a whole number from 1 to 100'],
  ])('is refused when asked for %j', async (flags, why) => {
    const hub = await openRetirer();
    await expect(hub.retire(flags)).rejects.toMatchObject({
      name: 'ReleaseRefused',
      message: expect.stringContaining(why),
    });
  });

  test('is refused where retiring is not switched on, with what to do', async () => {
    const hub = await openOperator();
    await expect(hub.retire()).rejects.toMatchObject({
      name: 'HubNotFound',
      message: expect.stringContaining('set retire: true in packleader.config'),
    });
  });
});

describe('packleader why', () => {
  test('says of an AMI of which version it is, what will become of it, and why', async () => {
    const hub = await openRetirer();
    expect((await hub.why(hub.ami)).out).toBe(
      [
        `${hub.ami} is of ${hub.old}, which has 2 AMIs and is neither deprecated nor disabled`,
        '  the next run is to deprecate it: nothing has used it for 7 days',
        '',
      ].join('\n'),
    );
    await hub.retire();
    const { out } = await hub.why(hub.ami);
    expect(out).toContain(`is of ${hub.old}, which has 2 AMIs and is deprecated`);
    expect(out).toMatch(/ {2}if nothing uses it, its next step is due at 2026-11-28T/);
    expect(JSON.parse((await hub.why(hub.newest, { json: true })).out)).toMatchObject({
      releaseId: hub.newest,
      why: 'it is number 1 of the 1 newest that are kept',
    });
  });

  test('says whom an AMI is shared with, who may launch it', async () => {
    const hub = await openRetirer();
    if (DEV) amiOf(hub.sandbox, DEV, hub.old)?.launchPermissions.users.add('333333333333');
    expect((await hub.why(hub.ami)).out).toContain('333333333333, which it is shared with');
  });

  test.each(['ami-0123456789abcdef0', 'linux'])('is refused for %s', async (ami) => {
    const hub = await openRetirer();
    await expect(hub.why(ami)).rejects.toMatchObject({ name: 'ReleaseRefused' });
  });
});
