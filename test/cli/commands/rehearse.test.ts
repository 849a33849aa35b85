import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';
import { run } from '../output.ts';
import { rehearseJson, shipped } from '../rehearsing.ts';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});

/** A copy of the shipped factory, outside every git repository. */
function copyOfFactory(): string {
  const copy = join(directory, 'factory');
  cpSync(shipped, copy, { recursive: true });
  return copy;
}

describe('packleader rehearse', () => {
  test('releases every image of the factory, bases first, and exits with 0', async () => {
    const { exit, outcome, releases, world } = await rehearseJson('--factory', shipped);
    expect([exit, outcome]).toEqual([0, 'released']);
    expect(releases.map(({ image }) => image)).toEqual([
      'linux-base',
      'windows-base',
      'linux-web',
      'windows-web',
    ]);
    expect(Object.keys(world)).toEqual(['111111111111/eu-west-1', '222222222222/eu-west-1']);
    for (const { targets } of releases) {
      for (const { imageId, accountId, region } of targets) {
        const images = z
          .array(z.object({ imageId: z.string() }))
          .parse(world[`${accountId}/${region}`]?.['images']);
        expect(images.map((image) => image.imageId)).toContain(imageId);
      }
    }
  });

  test('exits with 1 and leaves the world empty when prod fails', async () => {
    const { exit, outcome, releases, world } = await rehearseJson(
      'linux-base',
      '--factory',
      shipped,
      '--fail',
      'Bake prod AMIs',
    );
    expect([exit, outcome]).toEqual([1, 'rolled back']);
    expect(releases[0]?.error?.name).toBe('BakeFailed');
    const nothing = {
      images: [],
      snapshots: [],
      instances: [],
      keyPairs: [],
      securityGroups: [],
      parameters: {},
    };
    expect(world).toEqual({ '111111111111/eu-west-1': nothing, '222222222222/eu-west-1': nothing });
  });

  test('exits with 3 and names what is left when the rollback is refused', async () => {
    const faults = ['--fail', 'Bake prod AMIs', '--fail', 'Deregister dev AMIs@111111111111=refused'];
    const { exit, outcome, releases } = await rehearseJson('linux-base', '--factory', shipped, ...faults);
    expect([exit, outcome]).toEqual([3, 'rollback incomplete']);
    const kinds = releases[0]?.leftovers.map(({ resourceId }) => resourceId.split('-')[0]).toSorted();
    expect(kinds).toEqual(['ami', 'snap']);
  });

  test('exits with 2 when a state of --fail was never reached, and says so', async () => {
    const args = ['linux-base', '--factory', shipped, '--fail', 'Bake dev AMIs', '--fail', 'Publish release'];
    const { exit, unmetFaults } = await rehearseJson(...args);
    expect(exit).toBe(2);
    expect(unmetFaults.map(({ state }) => state)).toEqual(['Publish release']);
    const told = await run('rehearse', ...args);
    expect(told.exit).toBe(2);
    expect(told.out).toContain('the fault in "Publish release" was never met: the release did not get there');
  });

  test('lets one image of several fail: what is built on it is not released either, the others are', async () => {
    const { exit, outcome, releases, unmetFaults } = await rehearseJson(
      '--factory',
      shipped,
      '--fail',
      'linux-base:Bake prod AMIs',
    );
    expect([exit, outcome, unmetFaults]).toEqual([1, 'rolled back', []]);
    expect(Object.fromEntries(releases.map(({ image, outcome: ended }) => [image, ended]))).toEqual({
      'linux-base': 'rolled back',
      'windows-base': 'released',
      'linux-web': 'rolled back',
      'windows-web': 'released',
    });
    const web = releases.find(({ image }) => image === 'linux-web');
    expect(web?.path).not.toContain('Bake dev AMIs');
  });

  test('says which image a fault is in, and exits with 2 when that image never got there', async () => {
    const args = ['linux-base', 'windows-base', '--factory', shipped];
    const faults = ['--fail', 'linux-base:Bake dev AMIs', '--fail', 'linux-base:Publish release'];
    const { exit, releases, unmetFaults } = await rehearseJson(...args, ...faults);
    expect([exit, unmetFaults]).toEqual([
      2,
      [{ state: 'Publish release', kind: 'refused', image: 'linux-base' }],
    ]);
    expect(releases.map(({ outcome }) => outcome)).toEqual(['rolled back', 'released']);
    const told = await run('rehearse', ...args, ...faults);
    expect(told.exit).toBe(2);
    expect(told.out).toContain('with a fault: Bake dev AMIs of linux-base is made to fail');
    expect(told.out).toContain('the fault in "Publish release" of linux-base was never met');
    expect(told.out).toContain('rolled back: 1 of 2 images released');
  });

  test('says first which factory it takes', async () => {
    const { out } = await run('rehearse', 'linux-base', '--factory', shipped);
    expect(out).toMatch(/^the factory in packer at [0-9a-f]{7}/);
    const { factory, assumed } = await rehearseJson('linux-base', '--factory', shipped);
    expect(factory).toBe('packer');
    expect(assumed).toEqual([]);
  });

  test('rehearses a single image on a base that was released before', async () => {
    const { exit, releases } = await rehearseJson('linux-web', '--factory', shipped);
    expect(exit).toBe(0);
    expect(releases.map(({ image }) => image)).toEqual(['linux-web']);
  });

  test('takes a factory outside of git, and calls a hash of its files the commit', async () => {
    const factory = copyOfFactory();
    const first = await rehearseJson('linux-base', '--factory', factory);
    writeFiles(factory, { 'images/linux-base/NOTES': 'something else' });
    const second = await rehearseJson('linux-base', '--factory', factory);
    expect(first.exit).toBe(0);
    expect(first.releases[0]?.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(second.releases[0]?.commit).not.toBe(first.releases[0]?.commit);
  });

  test('takes a commit of another repository with --ref, and not what lies in its working tree', async () => {
    cpSync(shipped, join(directory, 'packer'), { recursive: true });
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', directory, ...args], { encoding: 'utf8' }).trim();
    git('init', '--quiet', '--initial-branch', 'main');
    git('add', '.');
    git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message', 'first');
    writeFiles(directory, { 'packer/config/default.yaml': 'instanceTyp: broken\n' });
    const broken = await run('rehearse', '--factory', directory);
    expect(broken.exit).toBe(2);
    const { exit, releases } = await rehearseJson('linux-base', '--factory', directory, '--ref', 'main');
    expect(exit).toBe(0);
    expect(releases[0]?.commit).toBe(git('rev-parse', 'HEAD'));
  });

  test('from another branch, releases into the first stage only', async () => {
    const { exit, releases } = await rehearseJson(
      'linux-base',
      '--factory',
      shipped,
      '--branch',
      'feature/x',
    );
    expect(exit).toBe(0);
    expect(releases[0]?.version).toMatch(/^\d+\.\d+\.\d{14}-feature-x$/);
    expect(releases[0]?.targets.map(({ stage }) => stage)).toEqual(['dev']);
  });

  test('assumes a source that the sandbox does not know, and says so', async () => {
    const factory = copyOfFactory();
    writeFiles(factory, {
      'images/linux-base/config/default.yaml':
        "source:\n  filter: { name: 'golden-*' }\n  owners: ['555555555555']\nrootVolumeSizeGiB: 16\n",
    });
    const { exit, out } = await run('rehearse', 'linux-base', '--factory', factory);
    expect(exit).toBe(0);
    expect(out).toContain('assumed to exist: an AMI named golden-2026.1 of 555555555555 in eu-west-1');
  });

  test('tells what happened, state by state, without escape codes in a pipe', async () => {
    const { exit, out } = await run(
      'rehearse',
      'linux-base',
      '--factory',
      shipped,
      '--fail',
      'Check prod AMIs',
    );
    expect(exit).toBe(1);
    const marks = [...out.matchAll(/^ {2}(ok|FAIL|undo) +(.+?)(?: {2,}.*)?$/gm)].map(
      ([, mark, state]) => `${mark} ${state}`,
    );
    expect(marks).toEqual([
      'ok Resolve source AMIs',
      'ok Bake dev AMIs',
      'ok Check dev AMIs',
      'ok Bake prod AMIs',
      'FAIL Check prod AMIs',
      'undo Deregister prod AMIs',
      'undo Deregister dev AMIs',
      'ok Verify rollback',
      'ok Announce rollback',
    ]);
    expect(out).not.toContain('\u001B');
  });

  test.each([
    [['linux-bse'], 'found no image "linux-bse", the nearest is "linux-base"'],
    [['--fail', 'Bake prd AMIs'], 'found "Bake prd AMIs", the nearest is "Bake prod AMIs"'],
    [
      ['--fail', 'linux-bse:Bake prod AMIs'],
      'found the image "linux-bse" in "linux-bse:Bake prod AMIs", must be one that is rehearsed, the nearest is "linux-base"',
    ],
    [['--fail', 'linux-base:Fetch source'], 'must be without an image: Fetch source is of all of them'],
    [['--fail', 'Bake prod AMIs=boom'], 'must be one of refused, lost, throttled, timeout, full, capacity'],
    [['--fail', 'Check prod AMIs=full'], 'must be a state that starts builds: Check prod AMIs does not'],
    [['--fail', 'Check prod AMIs=capacity'], 'must be one of refused, lost, throttled, timeout, full'],
    [['--fail', 'Check prod AMIs=interrupted'], 'must be one of refused, lost, throttled, timeout, full'],
    [['--fail', 'Bake prod AMIs@333333333333'], 'found the account "333333333333"'],
    [['--fail', 'Bake prod AMIs@111111111111/us-east-1'], 'found the target "111111111111/us-east-1"'],
    [['--override', 'instanceType'], 'must look like instanceType=t3.large'],
    [['--override', 'instanceTyp=t3.large'], 'found an unknown key, the nearest is "instanceType"'],
    [['--override', 'network=x', '--override', 'network.vpcId=y'], 'must not be inside a plain value'],
    [['--ref', 'no-such-ref'], 'git knows no commit, branch or tag no-such-ref'],
    [['--branch', ''], 'found "", must be the name of a branch, as git takes it'],
    [['--branch', 'feature/../x y'], 'found "feature/../x y", must be the name of a branch, as git takes it'],
    [['--fial', 'x'], "unknown option '--fial'"],
  ])('fails with %j, and does nothing', async (args, sentence) => {
    const refused = await rehearseJson('--factory', shipped, ...args);
    expect([refused.exit, refused.outcome]).toEqual([2, 'refused']);
    expect(refused.errors.map(({ message }) => message).join('\n')).toContain(sentence);
    expect(refused.releases).toEqual([]);
  });

  test('fails on a directory that holds no factory', async () => {
    const refused = await rehearseJson('--factory', directory);
    expect(refused.exit).toBe(2);
    expect(refused.errors[0]?.message).toContain('holds neither factory.yaml nor packer/factory.yaml');
  });

  test('fails with file and line of a configuration that is wrong', async () => {
    const factory = copyOfFactory();
    writeFiles(factory, { 'config/dev.yaml': 'network:\n  vpcId: vpc_1\n' });
    const refused = await rehearseJson('linux-base', '--factory', factory);
    expect(refused.errors).toContainEqual({
      file: 'config/dev.yaml',
      line: 2,
      path: 'network.vpcId',
      message: 'found "vpc_1", must look like vpc-0123456789abcdef0',
    });
  });
});

describe('packleader rehearse --then', () => {
  test.each([
    [[], 0, 'repointed'],
    [['--fail', 'Point latest@222222222222'], 1, 'put back'],
  ])('goes back from what it released; with %j it exits with %i', async (fail, code, outcome) => {
    const args = ['--factory', shipped, '--then', 'rollback', '--no-validate', '--json', ...fail];
    const { exit, out } = await run('rehearse', 'linux-base', ...args);
    expect([exit, JSON.parse(out)]).toEqual([
      code,
      expect.objectContaining({
        outcome: 'released',
        repoints: [expect.objectContaining({ image: 'linux-base', outcome })],
      }),
    ]);
  });

  test('fails beside another occasion', async () => {
    const { exit, err } = await run(
      'rehearse',
      '--factory',
      shipped,
      '--then',
      'revoke',
      '--branch',
      'topic',
    );
    expect([exit, err]).toEqual([2, expect.stringContaining('--then')]);
  });
});
