import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { main } from '../../../cli/main.ts';
import { Narrator } from '../../../cli/terminal/narrator.ts';
import { tellEnd } from '../../../cli/commands/rehearse/tell.ts';
import type { Output } from '../../../cli/terminal/output.ts';
import { type ReleaseOptions, releaseCommand } from '../../../cli/commands/release/run.ts';
import { statusCommand } from '../../../cli/commands/status/run.ts';
import { watchCommand } from '../../../cli/commands/watch/run.ts';
import {
  type MadeUpFactory,
  filesOf,
  rehearseFactory,
  targetsIn,
} from '../../workflow/machines/rehearsing.ts';
import { type OperatedHub, operatedHub } from '../hub.ts';

const AL2023 = 'ssmParameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';
const made = { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1) } };
const VERSION = '1.4.20261121093000';
const HUB = '999999999999/eu-west-1';

let opened: OperatedHub | undefined;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'packleader-'));
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await opened?.close();
  opened = undefined;
});

function written(lively = false) {
  const texts = { out: '', err: '', status: '' };
  const output: Output = {
    lively,
    print: (text) => (texts.out += text),
    complain: (text) => (texts.err += text),
    status: (text) => (texts.status += `${text}\n`),
    paint: (_, text) => text,
  };
  return { texts, output };
}

/** A hub, and the commands as a person at a terminal, or a pipe, runs them. */
async function open(
  options: Parameters<typeof operatedHub>[1] = {},
  images: MadeUpFactory['images'] = { base: AL2023 },
) {
  const hub = await operatedHub({ ...made, images }, options);
  opened = hub;
  const { clock } = hub.sandbox;
  const context = {
    client: new SFNClient(hub.operator),
    clock: {
      now: () => clock.now(),
      sleep: async (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    },
  };
  const asked = { images: [], overrides: [], json: false, hub: HUB };
  return {
    ...hub,
    context,
    release: async (
      flags: Partial<ReleaseOptions>,
      { lively = false, signal = undefined as AbortSignal | undefined } = {},
    ) => {
      const { texts, output } = written(lively);
      const exit = await releaseCommand({ ...asked, ...flags }, output, {
        ...context,
        ...(signal && { signal }),
      });
      return { exit, ...texts };
    },
    watch: async (
      release: string,
      flags: { json?: boolean; timeoutMinutes?: number } = {},
      signal?: AbortSignal,
    ) => {
      const { texts, output } = written();
      const watched = { json: false, hub: HUB, ...flags };
      const exit = await watchCommand(release, watched, output, { ...context, ...(signal && { signal }) });
      return { exit, ...texts };
    },
    status: async (release?: string, flags: { json?: boolean; limit?: number } = {}) => {
      const { texts, output } = written();
      const told = { json: false, limit: 10, hub: HUB, ...flags };
      return { exit: await statusCommand(release, told, output, context), ...texts };
    },
  };
}

async function run(...args: string[]) {
  const { texts, output } = written();
  return { exit: await main(args, output), ...texts };
}

/** The blocks of the releases: what stands between the first and the last lines. */
const blocksOf = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('  … '))
    .join('\n')
    .replace(/^[^\n]* started\n/, '')
    .replace(/\n\n[^\n]+\n[^\n]+\n$/, '\n');

/** The same for a rehearsal of the same release. */
async function rehearsed(options: Parameters<typeof rehearseFactory>[1]): Promise<string> {
  const { texts, output } = written();
  const narrator = new Narrator(output);
  const report = await rehearseFactory(
    { ...made, images: { base: AL2023 } },
    { ...options, onProgress: (progress) => narrator.follow(progress) },
  );
  tellEnd(narrator, report, 0);
  return blocksOf(texts.out);
}

describe('packleader release', () => {
  test('only starts it where nobody is looking, and says how to watch it', async () => {
    const { release, engine } = await open();
    const { exit, out } = await release({
      images: ['base'],
      key: 'run-1',
      reason: 'a test',
      overrides: ['instanceType=m7i.xlarge'],
    });
    expect(exit).toBe(0);
    expect(out).toContain('run-1 started: https://eu-west-1.console.aws.amazon.com/states/');
    expect(out).toContain('packleader watch run-1');
    expect(engine.executions[0]?.input).toEqual({
      images: ['base'],
      reason: 'a test',
      overrides: { instanceType: 'm7i.xlarge' },
    });
    expect(engine.executions[0]?.history.ended).toBe(false);
  });

  test('watches it on a terminal, and tells it as a rehearsal does', async () => {
    const { release } = await open();
    const { exit, out, status } = await release({ key: 'run-1' }, { lively: true });
    expect(exit).toBe(0);
    expect(blocksOf(out)).toBe(await rehearsed({}));
    expect(out).toContain(`  base@${VERSION}  (g4f2c1d9)\n`);
    expect(out).toContain('released in both targets; /packleader/base/latest now points at them');
    expect(out).toMatch(/\n1 image released\nrun-1 took \d+ min: https:/);
    expect(status).toContain(`base@${VERSION}: Bake prod AMIs (`);
  });

  test('tells a rollback as a rehearsal does, and exits with 1', async () => {
    const faults = [{ state: 'Bake prod AMIs', kind: 'failed' }] as const;
    const { release } = await open({ faults });
    const { exit, out } = await release({ wait: true });
    expect(exit).toBe(1);
    expect(blocksOf(out)).toBe(await rehearsed({ faults }));
    expect(out).toContain('undo  Deregister dev AMIs');
  });

  test('exits with 3 and names what is left when the rollback is incomplete', async () => {
    const faults = [
      { state: 'Bake prod AMIs', kind: 'failed' },
      { state: 'Deregister dev AMIs', kind: 'refused' },
    ] as const;
    const { release } = await open({ faults });
    const { exit, out } = await release({ wait: true });
    expect(exit).toBe(3);
    expect(blocksOf(out)).toBe(await rehearsed({ faults }));
    expect(out).toMatch(/ami-[0-9a-f]{17}/);
  });

  test('exits with 2 when the workflow refuses what it read', async () => {
    const { release } = await open();
    const { exit, out } = await release({ images: ['nope'], wait: true });
    expect(exit).toBe(2);
    expect(out).toContain('InvalidConfiguration: ');
    expect(out).toContain('refused: nothing was built');
  });

  test('says so when nothing has changed', async () => {
    const { release } = await open({ changes: { base: { since: 'b'.repeat(40), files: [] } } });
    const { exit, out } = await release({ wait: true });
    expect(exit).toBe(0);
    expect(out).toContain('nothing has changed, so nothing was released');
  });

  test('prints a line for every state where no line can move', async () => {
    const { release } = await open();
    const { out } = await release({ wait: true });
    expect(out).toMatch(/^ {2}… Fetch source \(0 min\)$/m);
    expect(out).toMatch(/^ {2}… base@1\.4\.20261121093000: Bake prod AMIs \(\d+ min\)$/m);
  });

  test('prints one document with --json: the handle, or how it ended', async () => {
    const { release } = await open();
    const started = await release({ key: 'run-1', json: true });
    expect(JSON.parse(started.out)).toEqual({
      outcome: 'running',
      executionArn: 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release:run-1',
      name: 'run-1',
      startedAt: '2026-11-21T09:30:00.000Z',
    });
    const ended = await release({ key: 'run-1', json: true, wait: true });
    expect(ended.exit).toBe(0);
    expect(JSON.parse(ended.out)).toMatchObject({
      outcome: 'released',
      name: 'run-1',
      error: null,
      releases: [
        {
          releaseId: `base@${VERSION}`,
          outcome: 'released',
          targets: [{ stage: 'dev', imageId: expect.stringMatching(/^ami-/) }, { stage: 'prod' }],
          leftovers: [],
        },
      ],
    });
  });

  test('Ctrl-C ends the watching, not the release, and says so', async () => {
    const { release, sandbox, engine } = await open();
    const controller = new AbortController();
    const watching = release({ wait: true, key: 'run-1' }, { signal: controller.signal });
    await sandbox.clock.sleep(5 * 60_000);
    controller.abort(new Error('interrupted'));
    const { exit, err } = await watching;
    expect(exit).toBe(4);
    expect(err).toBe('stopped watching; the release goes on. To go on watching: packleader watch run-1\n');
    expect((await engine.executions[0]?.outcome)?.status).toBe('SUCCEEDED');
  });

  test('a real Ctrl-C does the same, and leaves no listener behind', async () => {
    const { release, sandbox } = await open();
    const before = process.listenerCount('SIGINT');
    const watching = release({ wait: true, key: 'run-1' });
    await sandbox.clock.sleep(5 * 60_000);
    process.emit('SIGINT');
    expect((await watching).exit).toBe(4);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  test('credentials that expire while it is watched end the watching, not the release', async () => {
    const { release, sandbox } = await open();
    sandbox.intercept(async (call, next) => {
      if (call.role !== 'operator' || sandbox.clock.milliseconds() < Date.parse('2026-11-21T09:40:00Z'))
        return next();
      throw Object.assign(new Error('The security token included in the request is expired'), {
        name: 'ExpiredTokenException',
      });
    });
    const { exit, err } = await release({ wait: true, key: 'run-1' });
    expect(exit).toBe(4);
    expect(err).toContain('token included in the request is expired');
    expect(err).toContain('the release goes on. To go on watching: packleader watch run-1');
  });

  test('says that it may have been started when no reply came', async () => {
    const { release, sandbox } = await open();
    sandbox.intercept(async (call, next) => {
      await next();
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', call });
    });
    const { exit, err } = await release({ key: 'run-1' });
    expect(exit).toBe(4);
    expect(err).toContain('it may have been started all the same');
  });
});

describe('packleader watch', () => {
  test('tells every image in its own block as soon as it ends, bases first', async () => {
    const { release, watch } = await open({}, { web: 'image: base', base: AL2023 });
    await release({ key: 'run-1' });
    const { exit, out } = await watch('run-1');
    expect(exit).toBe(0);
    expect(out.indexOf(`\n  base@${VERSION}  (`)).toBeGreaterThan(0);
    // The base's block stands before anything of the image on it is baked.
    expect(out.indexOf(`\n  base@${VERSION}  (`)).toBeLessThan(
      out.indexOf(`  … web@${VERSION}: Bake dev AMIs`),
    );
    expect(out).toContain('2 images released');
  });

  test('tells a release that has ended from its history, and one image of it by its id', async () => {
    const { release, watch, context, sandbox } = await open();
    const whole = await release({ key: 'run-1', wait: true });
    expect(blocksOf((await watch('run-1')).out)).toBe(blocksOf(whole.out));
    expect(blocksOf((await watch(`base@${VERSION}`)).out)).toBe(blocksOf(whole.out));
    expect(context.clock.now()).toEqual(sandbox.clock.now());
  });

  test('exits with 3 when somebody stops the release', async () => {
    const { release, watch, context, sandbox } = await open();
    const { out } = await release({ key: 'run-1', json: true });
    const { executionArn } = z.object({ executionArn: z.string() }).parse(JSON.parse(out));
    const watching = watch('run-1');
    await sandbox.clock.sleep(5 * 60_000);
    await context.client.send(
      new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'by hand' }),
    );
    const { exit, out: told } = await watching;
    expect(exit).toBe(3);
    expect(told).toContain('stopped: 0 of 1 image released');
  });

  test('fails after the time it was given; the release goes on', async () => {
    const { release, watch } = await open();
    await release({ key: 'run-1' });
    const { exit, err } = await watch('run-1', { timeoutMinutes: 3 });
    expect(exit).toBe(4);
    expect(err).toContain('still runs after 180 s');
  });
});

describe('packleader status', () => {
  test('shows versions, AMIs and stages of a release', async () => {
    const { release, status } = await open();
    await release({ key: 'run-1', wait: true });
    const { exit, out } = await status('run-1');
    expect(exit).toBe(0);
    expect(out).toMatch(/^run-1 {2}released {2}2026-11-21T09:30:00Z, \d+ min$/m);
    expect(out).toContain(`  base@${VERSION}  (g4f2c1d9)  released\n`);
    expect(out).toMatch(/^ {4}dev {3}100000000001\/eu-west-1 {2}ami-[0-9a-f]{17}$/m);
    expect(out).toMatch(/^ {4}prod {2}100001000001\/eu-west-1 {2}ami-[0-9a-f]{17}$/m);
  });

  test('shows what a release is doing while it runs, and exits with 0', async () => {
    const { release, status, sandbox } = await open({}, { base: AL2023, web: 'image: base' });
    await release({ key: 'run-1' });
    await sandbox.clock.sleep(8 * 60_000);
    const { exit, out } = await status('run-1');
    expect(exit).toBe(0);
    expect(out).toContain('run-1  running  2026-11-21T09:30:00Z, for 8 min so far');
    expect(out).toContain(`base@${VERSION}  (g4f2c1d9)  running: Bake dev AMIs`);
    expect(out).toContain(`web@${VERSION}  (g4f2c1d9)  running: not begun`);
  });

  test('shows why a release failed and what it left, and exits with 3', async () => {
    const faults = [
      { state: 'Bake prod AMIs', kind: 'failed' },
      { state: 'Deregister dev AMIs', kind: 'refused' },
    ] as const;
    const { release, status } = await open({ faults });
    await release({ key: 'run-1', wait: true });
    const { exit, out } = await status('run-1');
    expect(exit).toBe(3);
    expect(out).toContain('RollbackIncomplete: BakeFailed: ');
    expect(out).toMatch(/^ {4}left {2}100000000001\/eu-west-1 {2}ami-[0-9a-f]{17}: /m);
  });

  test('lists the latest releases, newest first, or says that there is none', async () => {
    const { release, status, sandbox } = await open();
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

describe('the command line', () => {
  test('finds the hub in factory.yaml', async () => {
    const { engine } = await open({ allows: /^(?!sts)/ });
    for (const [name, text] of filesOf({ ...made, images: { base: AL2023 } })) {
      const file = join(directory, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const { exit, out } = await run(
      'release',
      'base',
      '--key',
      'run-1',
      '--factory',
      directory,
      '--no-wait',
      '--json',
    );
    expect([exit, JSON.parse(out).name]).toEqual([0, 'run-1']);
    expect(engine.executions[0]?.input).toEqual({ images: ['base'] });
    expect((await run('status', 'run-1', '--factory', directory)).exit).toBe(0);
  });

  test.each([
    [['release', '--hub', 'nowhere'], '--hub: found "nowhere", must look like 999999999999/eu-west-1'],
    [['release', '--hub', HUB, '--key', ''], 'ReleaseRefused: The key is empty'],
    [
      ['release', '--hub', '888888888888/eu-west-1'],
      'HubNotFound: cannot start arn:aws:states:eu-west-1:888888888888',
    ],
    [['release', '--hub', HUB, '--override', 'x'], '--override: found "x"'],
    [
      ['release', '--factory', '/nonexistent'],
      'found neither factory.yaml nor packer/factory.yaml in /nonexistent',
    ],
    [['release', '--timeout', '0'], 'It must be a number above 0.'],
    [
      ['status', 'nope', '--hub', HUB],
      'ReleaseNotFound: cannot read arn:aws:states:eu-west-1:999999999999:execution:packleader-release:nope',
    ],
    [['watch', 'nope@1.2.3', '--hub', HUB], 'ReleaseNotFound: cannot read'],
    [['watch'], "missing required argument 'release'"],
  ])('fails with 2 for %j and says why', async (args, why) => {
    const { engine } = await open();
    const { exit, err } = await run(...args);
    expect(exit).toBe(2);
    expect(err).toContain(why);
    expect(engine.executions).toEqual([]);
  });

  test('fails with one document when --json was asked for', async () => {
    await open();
    const { exit, out, err } = await run('status', 'nope', '--hub', HUB, '--json');
    expect([exit, err]).toEqual([2, '']);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'refused', errors: [{ file: 'ReleaseNotFound' }] });
  });

  test.each(['release', 'status', 'watch'])('%s --help shows examples and exit codes', async (command) => {
    const { exit, out } = await run(command, '--help');
    expect(exit).toBe(0);
    expect(out).toContain(`  packleader ${command} `);
    expect(out).toContain('Exit codes:');
  });
});
