import { EXIT } from '../../cli/terminal/exit-codes.ts';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory, writeFiles } from '../fixtures/directories.ts';
import { STAGES, filesOf } from '../fixtures/factories.ts';
import { HUB_FLAG, openOperator } from './operator.ts';
import { run } from './output.ts';

describe('the command line', () => {
  test('finds the hub in factory.yaml', async () => {
    const { engine } = await openOperator({ allows: /^(?!sts)/ });
    const directory = temporaryDirectory();
    writeFiles(directory, filesOf({ stages: STAGES }));
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
    expect(engine.executions[0]?.input).toMatchObject({ images: ['base'] });
    expect((await run('status', 'run-1', '--factory', directory)).exit).toBe(EXIT.unknown);
  });

  test.each([
    [['release', '--hub', 'nowhere'], '--hub: found "nowhere", must look like 999999999999/eu-west-1'],
    [['release', '--hub', HUB_FLAG, '--key', ''], 'ReleaseRefused: The key is empty'],
    [
      ['release', '--hub', '888888888888/eu-west-1'],
      'HubNotFound: cannot start arn:aws:states:eu-west-1:888888888888',
    ],
    [['release', '--hub', HUB_FLAG, '--override', 'x'], '--override: found "x"'],
    [
      ['release', '--factory', '/nonexistent'],
      'found neither factory.yaml nor packer/factory.yaml in /nonexistent',
    ],
    [['release', '--timeout', '0'], 'It must be a number above 0.'],
    [
      ['status', 'nope', '--hub', HUB_FLAG],
      'ReleaseNotFound: cannot read arn:aws:states:eu-west-1:999999999999:execution:packleader-release:nope',
    ],
    [['watch', 'nope@1.2.3', '--hub', HUB_FLAG], 'ReleaseNotFound: cannot read'],
    [['watch'], "missing required argument 'release'"],
  ])('fails with 2 for %j and says why', async (args, why) => {
    const { engine } = await openOperator();
    const { exit, err } = await run(...args);
    expect(exit).toBe(2);
    expect(err).toContain(why);
    expect(engine.executions).toEqual([]);
  });

  test('fails with one document when --json was asked for', async () => {
    await openOperator();
    const { exit, out, err } = await run('status', 'nope', '--hub', HUB_FLAG, '--json');
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
