import { describe, expect, test } from 'vitest';
import { run } from '../output.ts';
import { rehearseJson, shipped } from '../rehearsing.ts';

const FAILS = ['--factory', shipped, '--fail', 'linux-base:Bake prod AMIs', '--no-validate'];

describe('packleader rehearse --retry', () => {
  test('retries what came to nothing, without the fault: the same version, from the same source AMIs', async () => {
    const { exit, outcome, error, releases, retried } = await rehearseJson('linux-base', ...FAILS, '--retry');
    expect([exit, outcome, error]).toEqual([0, 'released', undefined]);
    const facts = ({ releaseId, commit, targets }: (typeof releases)[number]) => ({
      releaseId,
      commit,
      sources: targets.map(({ sourceImageId }) => sourceImageId),
    });
    expect(retried?.map((one) => one.outcome)).toEqual(['rolled back']);
    expect(releases.map(facts)).toEqual(retried?.map(facts));
    expect(retried?.[0]?.targets.map(({ imageId }) => imageId)).toEqual([null, null]);
  });

  test('retries a base before the images built on it, and tells both attempts of each', async () => {
    const { exit, out } = await run('rehearse', 'linux-web', 'linux-base', ...FAILS, '--retry');
    expect(exit).toBe(0);
    const told = [
      ...out.matchAll(/^ {2}(linux-\w+)@\S+ {2}\(g|once more, with no fault: packleader retry (\S+)@/gm),
    ];
    expect(told.map(([, block, retry]) => block ?? `retry ${retry}`)).toEqual([
      'linux-base',
      'linux-web',
      'retry linux-base',
      'retry linux-web',
      'linux-base',
      'linux-web',
    ]);
    expect(out).toContain('2 images released');
  });

  test('leaves alone what was released', async () => {
    const { exit, releases, retried } = await rehearseJson('linux-base', 'windows-base', ...FAILS, '--retry');
    expect(exit).toBe(0);
    expect(retried?.map(({ image }) => image)).toEqual(['linux-base']);
    expect(releases.map(({ image, outcome }) => [image, outcome])).toEqual([
      ['linux-base', 'released'],
      ['windows-base', 'released'],
    ]);
  });

  test('names what the rollback left, beside which it begins nothing, and exits with 3', async () => {
    const left = ['--fail', 'Deregister dev AMIs=refused'];
    const { exit, outcome, releases } = await rehearseJson('linux-base', ...FAILS, ...left, '--retry');
    expect([exit, outcome]).toEqual([3, 'rollback incomplete']);
    expect(releases[0]?.path).not.toContain('Bake dev AMIs');
    expect(releases[0]?.leftovers.map(({ why }) => why)).toEqual(
      Array(2).fill('it is of an earlier attempt'),
    );
  });

  test('exits with 2 when nothing failed: it has shown nothing', async () => {
    const { exit, out } = await run(
      'rehearse',
      'linux-base',
      '--factory',
      shipped,
      '--no-validate',
      '--retry',
    );
    expect(exit).toBe(2);
    expect(out).toContain('nothing failed, so nothing was retried');
  });
});
