import { SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, test } from 'vitest';
import { cancelCommand, type CancelCommandOptions } from '../../../cli/commands/cancel/run.ts';
import { main } from '../../../cli/main.ts';
import type { Output } from '../../../cli/terminal/output.ts';
import { type SweepCommandOptions, sweepCommand } from '../../../cli/commands/sweep/run.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { awsError } from '../../../sandbox/aws/errors.ts';
import { snapshotOf } from '../../../sandbox/aws/world.ts';
import { targetsIn } from '../../workflow/machines/rehearsing.ts';
import { stoppedRelease } from '../../workflow/machines/sweeping.ts';
import { type OperatedHub, RELEASE_MACHINE, operatedHub } from '../hub.ts';

const made = { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) } };
const AL2023 = 'ssmParameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';
const RELEASE = 'base@1.4.20261121093000';
const HUB = '999999999999/eu-west-1';
const MINUTE = 60_000;

let opened: OperatedHub | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

/** A hub, and the commands as a person runs them who may do no more than the documentation says. */
async function open({
  images = { base: AL2023 },
  allows = 'StartExecution|StopExecution|GetExecutionHistory',
}: { readonly images?: Readonly<Record<string, string>>; readonly allows?: string } = {}) {
  const hub = await operatedHub({ ...made, images }, { allows: new RegExp(`^sfn:(${allows})$`) });
  opened = hub;
  const { clock } = hub.sandbox;
  const context = {
    client: new SFNClient(hub.operator),
    clock: {
      now: () => clock.now(),
      sleep: async (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    },
  };
  const run = async (command: (output: Output) => Promise<number>) => {
    const texts = { out: '', err: '' };
    const exit = await command({
      print: (text) => (texts.out += text),
      complain: (text) => (texts.err += text),
      status: () => undefined,
      paint: (_, text) => text,
    });
    return { exit, ...texts };
  };
  return {
    ...hub,
    before: snapshotOf(hub.sandbox.world),
    world: () => snapshotOf(hub.sandbox.world),
    start: (name = 'first') => hub.engine.start(RELEASE_MACHINE, name, {}),
    sweep: async (release?: string, flags: Partial<SweepCommandOptions> = {}, signal?: AbortSignal) =>
      run(async (output) =>
        sweepCommand(release, { json: false, dryRun: false, hub: HUB, ...flags }, output, {
          ...context,
          ...(signal && { signal }),
        }),
      ),
    cancel: async (release: string, flags: Partial<CancelCommandOptions> = {}) =>
      run(async (output) => cancelCommand(release, { json: false, hub: HUB, ...flags }, output, context)),
  };
}

const lines = (text: string) => text.trimEnd().split('\n');

describe('packleader sweep', () => {
  test('says what it would remove, removes it, and then finds nothing', async () => {
    const hub = await open();
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
    const hub = await open();
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
    const hub = await open();
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
    const hub = await open();
    await expect(hub.sweep('base')).rejects.toMatchObject({
      name: 'ReleaseRefused',
      message: expect.stringContaining('{ "release": "linux-base@1.4.20261121093000" }'),
    });
  });

  test('fails when it may start no sweep', async () => {
    const hub = await open({ allows: 'GetExecutionHistory' });
    await expect(hub.sweep()).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('ends with 4 when the sweep itself fails: nobody knows what is left', async () => {
    const hub = await open();
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
    const hub = await open();
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
    let text = '';
    const output: Output = {
      print: (more) => (text += more),
      complain: () => undefined,
      status: () => undefined,
      paint: (_, one) => one,
    };
    expect(await main(['sweep', '--help'], output)).toBe(0);
    expect(text).toContain('It never touches what has no tag of a release');
  });
});

describe('packleader cancel', () => {
  test.each(['first', RELEASE])('%s stops what runs, and waits until nothing is left', async (what) => {
    const hub = await open();
    const execution = hub.start();
    await hub.sandbox.clock.sleep(12 * MINUTE);
    const cancelled = await hub.cancel(what, { reason: 'wrong branch' });
    expect(cancelled).toEqual({ exit: 1, err: '', out: `${RELEASE}  rolled back\n` });
    expect(hub.world()).toEqual(hub.before);
    await execution.outcome;
    const stopped = hub.engine.executions.find(({ machine }) => machine.name === NAMES.releaseImageMachine);
    expect(stopped?.history.ending?.outcome.status).toBe('ABORTED');
  });

  test('of one image lets the others go on', async () => {
    const hub = await open({ images: { base: AL2023, other: AL2023 } });
    const execution = hub.start();
    await hub.sandbox.clock.sleep(12 * MINUTE);
    expect(await hub.cancel(RELEASE)).toMatchObject({ exit: 1 });
    expect(await execution.outcome).toMatchObject({ status: 'FAILED', error: 'SomeImagesFailed' });
    const names = Object.values(hub.world()).flatMap(({ parameters }) => Object.keys(parameters));
    expect(names).toContain('/packleader/other/latest');
    expect(names).not.toContain('/packleader/base/latest');
  });

  test('says that it was too late for a release that is released', async () => {
    const hub = await open();
    await hub.start().outcome;
    const released = hub.world();
    expect(await hub.cancel('first')).toEqual({
      exit: 0,
      err: '',
      out: `${RELEASE}  released: it was too late to cancel it\n`,
    });
    expect(hub.world()).toEqual(released);
  });

  test('of a release that was stopped already waits for the same end', async () => {
    const hub = await open();
    hub.start();
    await hub.sandbox.clock.sleep(12 * MINUTE);
    await hub.cancel('first');
    expect(await hub.cancel('first', { json: true })).toMatchObject({ exit: 1 });
  });

  test('before any image has begun leaves nothing to sweep', async () => {
    const hub = await open();
    hub.start();
    expect(await hub.cancel('first')).toEqual({
      exit: 1,
      err: '',
      out: 'stopped before any image was begun: nothing is left\n',
    });
    expect(hub.world()).toEqual(hub.before);
  });

  test('lists the leftovers as one document, and ends with 3', async () => {
    const hub = await open();
    hub.start();
    await hub.sandbox.clock.sleep(18 * MINUTE);
    hub.sandbox.intercept(async (call, next) => {
      if (call.operation === 'DeregisterImage')
        throw awsError('ec2', 'UnauthorizedOperation', 'You may not.');
      return next();
    });
    const { exit, out } = await hub.cancel('first', { json: true });
    expect(exit).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'rollback incomplete',
      releases: [
        {
          releaseId: RELEASE,
          outcome: 'rollback incomplete',
          leftovers: [{ why: 'UnauthorizedOperation: You may not.' }, {}],
        },
      ],
    });
  });

  test('fails for a release that does not exist', async () => {
    const hub = await open();
    await expect(hub.cancel('nobody')).rejects.toMatchObject({ name: 'ReleaseNotFound' });
  });
});
