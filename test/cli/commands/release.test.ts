import { describe, expect, test } from 'vitest';
import { tellEnd } from '../../../cli/commands/rehearse/tell.ts';
import { Narrator } from '../../../cli/terminal/narrator.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { VERSION } from '../../fixtures/releases.ts';
import { rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';
import { blocksOf } from '../blocks.ts';
import { openOperator } from '../operator.ts';
import { written } from '../output.ts';

/** The blocks of a rehearsal of the same release. */
async function rehearsed(options: Parameters<typeof rehearseFactory>[1]): Promise<string> {
  const { texts, output } = written();
  const narrator = new Narrator(output);
  const report = await rehearseFactory(
    { stages: STAGES },
    { ...options, onProgress: (progress) => narrator.follow(progress) },
  );
  tellEnd(output, narrator, report, 0);
  return blocksOf(texts.out);
}

describe('packleader release', () => {
  test('only starts it where nobody is looking, and says how to watch it', async () => {
    const { release, engine } = await openOperator();
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
      startedBy: expect.stringMatching(/^arn:aws:sts::999999999999:assumed-role\//),
    });
    expect(engine.executions[0]?.history.ended).toBe(false);
  });

  test('watches it on a terminal, and tells it as a rehearsal does', async () => {
    const { release } = await openOperator();
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
    const { release } = await openOperator({ faults });
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
    const { release } = await openOperator({ faults });
    const { exit, out } = await release({ wait: true });
    expect(exit).toBe(3);
    expect(blocksOf(out)).toBe(await rehearsed({ faults }));
    expect(out).toMatch(/ami-[0-9a-f]{17}/);
  });

  test('exits with 2 when the workflow refuses what it read', async () => {
    const { release } = await openOperator();
    const { exit, out } = await release({ images: ['nope'], wait: true });
    expect(exit).toBe(2);
    expect(out).toContain('InvalidConfiguration: ');
    expect(out).toContain('refused: nothing was built');
  });

  test('says so when nothing has changed', async () => {
    const { release } = await openOperator({ changes: { base: { since: 'b'.repeat(40), files: [] } } });
    const { exit, out } = await release({ wait: true });
    expect(exit).toBe(0);
    expect(out).toContain('nothing has changed, so nothing was released');
  });

  test('prints a line for every state where no line can move', async () => {
    const { release } = await openOperator();
    const { out } = await release({ wait: true });
    expect(out).toMatch(/^ {2}… Fetch source \(0 min\)$/m);
    expect(out).toMatch(/^ {2}… base@1\.4\.20261121093000: Bake prod AMIs \(\d+ min\)$/m);
  });

  test('prints one document with --json: the handle, or how it ended', async () => {
    const { release } = await openOperator();
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
    const { release, sandbox, engine } = await openOperator();
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
    const { release, sandbox } = await openOperator();
    const before = process.listenerCount('SIGINT');
    const watching = release({ wait: true, key: 'run-1' });
    await sandbox.clock.sleep(5 * 60_000);
    process.emit('SIGINT');
    expect((await watching).exit).toBe(4);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  test('credentials that expire while it is watched end the watching, not the release', async () => {
    const { release, sandbox } = await openOperator();
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
    const { release, sandbox } = await openOperator();
    sandbox.intercept(async (call, next) => {
      await next();
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', call });
    });
    const { exit, err } = await release({ key: 'run-1' });
    expect(exit).toBe(4);
    expect(err).toContain('it may have been started all the same');
  });
});
