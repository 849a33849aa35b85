import { describe, expect, test } from 'vitest';
import { awsError } from '../../../sandbox/aws/errors.ts';
import { VERSION } from '../../fixtures/releases.ts';
import { stoppedRelease } from '../../fixtures/sandbox/sweeping.ts';
import { openSweeper } from '../operator.ts';
import { run } from '../output.ts';

const RELEASE = `base@${VERSION}`;
const MINUTE = 60_000;

const lines = (text: string) => text.trimEnd().split('\n');

describe('packleader sweep', () => {
  test('says what it would remove, removes it, and then finds nothing', async () => {
    const hub = await openSweeper();
    await stoppedRelease(hub, { at: (call, state) => state === 'Apply version tags' && call.mutating });
    const dry = await hub.sweep(RELEASE, { dryRun: true });
    expect(dry.exit).toBe(0);
    expect(lines(dry.out)).toHaveLength(5);
    expect(lines(dry.out)[0]).toMatch(
      /^ {2}would remove {2}\d{12}\/eu-west-1 {2}ami-\w+ {2}of base@1\.4\.20261121093000$/,
    );
    expect(lines(dry.out).at(-1)).toBe('would remove 4, left behind 0, kept 0 releases');
    expect(hub.world()).not.toEqual(hub.before);
    const swept = await hub.sweep(RELEASE);
    expect(swept).toEqual({ ...dry, out: dry.out.replaceAll('would remove', 'removed') });
    expect(hub.world()).toEqual(hub.before);
    expect((await hub.sweep(RELEASE)).out).toBe('removed 0, left behind 0, kept 0 releases\n');
  });

  test('of everything sweeps every dead release, however young, and keeps what runs', async () => {
    const hub = await openSweeper();
    await stoppedRelease(hub, { at: (call, state) => state === 'Apply version tags' && call.mutating });
    const running = hub.start('running');
    await hub.sandbox.clock.sleep(6 * MINUTE);
    const { exit, out } = await hub.sweep();
    expect(exit).toBe(0);
    expect(lines(out).slice(-2)).toEqual([
      expect.stringMatching(/^ {2}kept {2}base@1\.4\.\d{14}: its execution is RUNNING$/),
      'removed 4, left behind 0, kept 1 release',
    ]);
    expect(await running.outcome).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('lists what is left with the reason, and ends with 3', async () => {
    const hub = await openSweeper();
    await stoppedRelease(hub, { at: (call, state) => state === 'Apply version tags' && call.mutating });
    hub.sandbox.intercept(async (call, next) => {
      if (call.operation === 'DeregisterImage')
        throw awsError('ec2', 'UnauthorizedOperation', 'You may not.');
      return next();
    });
    const { exit, out } = await hub.sweep(RELEASE);
    expect(exit).toBe(3);
    expect(out).toMatch(/ {2}left {2}\d{12}\/eu-west-1 {2}ami-\w+: UnauthorizedOperation: You may not\.\n/);
    const { out: json, exit: same } = await hub.sweep(RELEASE, { json: true });
    expect(same).toBe(3);
    expect(JSON.parse(json)).toMatchObject({ complete: false, dryRun: false, leftoverCount: 4 });
  });

  test('fails with correct inputs for something that is no release, and starts nothing twice', async () => {
    const hub = await openSweeper();
    await expect(hub.sweep('base')).rejects.toMatchObject({
      name: 'ReleaseRefused',
      message: expect.stringContaining('{ "release": "linux-base@1.4.20261121093000" }'),
    });
  });

  test('fails when it may start no sweep', async () => {
    const hub = await openSweeper({ allows: 'GetExecutionHistory' });
    await expect(hub.sweep()).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('ends with 4 when the sweep itself fails: nobody knows what is left', async () => {
    const hub = await openSweeper();
    hub.sandbox.intercept(async (call, next) => {
      if (call.operation === 'ListObjectsV2') throw awsError('s3', 'AccessDenied', 'Access Denied');
      return next();
    });
    expect(await hub.sweep()).toMatchObject({
      exit: 4,
      out: '',
      err: expect.stringContaining('did not come to its report: AccessDenied'),
    });
  });

  test('ends with 4 when the user has had enough; the sweep goes on', async () => {
    const hub = await openSweeper();
    await stoppedRelease(hub, { at: (call, state) => state === 'Apply version tags' && call.mutating });
    const enough = new AbortController();
    const sweeping = hub.sweep(RELEASE, {}, enough.signal);
    await hub.sandbox.clock.sleep(1);
    enough.abort(new Error('interrupted'));
    expect(await sweeping).toEqual({ exit: 4, out: '', err: 'stopped waiting; the sweep goes on\n' });
    await hub.sandbox.clock.sleep(20 * MINUTE);
    expect(hub.world()).toEqual(hub.before);
  });

  test('explains itself', async () => {
    const { exit, out } = await run('sweep', '--help');
    expect(exit).toBe(0);
    expect(out).toContain('It never touches what has no tag of a release');
  });
});
