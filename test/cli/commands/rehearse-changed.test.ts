/** What a push would release, by git repositories that hold a copy of this repository's factory. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';
import { run } from '../output.ts';
import { git, rehearseJson, shipped } from '../rehearsing.ts';

let directory: string;
let repository: string;
let first: string;
beforeEach(() => {
  directory = temporaryDirectory();
  repository = join(directory, 'repository');
  cpSync(shipped, join(repository, 'packer'), { recursive: true });
  git(repository, 'init', '--quiet', '--initial-branch', 'main');
  first = commit({});
});

function commit(files: Readonly<Record<string, string>>): string {
  writeFiles(repository, files);
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--allow-empty', '--message', 'Change something');
  return git(repository, 'rev-parse', 'HEAD');
}

const changed = async (...args: string[]) => rehearseJson('--factory', repository, '--changed', ...args);
const imagesOf = (releases: readonly { readonly image: string }[]) =>
  releases.map(({ image }) => image).toSorted();

describe('packleader rehearse --changed', () => {
  test('releases what changed since the default branch, committed or not', async () => {
    git(repository, 'checkout', '--quiet', '-b', 'feature/x');
    commit({ 'packer/images/linux-web/NOTES': 'committed' });
    writeFiles(repository, { 'packer/images/windows-web/NOTES': 'not committed', 'README.md': 'elsewhere' });
    const { exit, outcome, changed: what, releases } = await changed();
    expect([exit, outcome]).toEqual([0, 'released']);
    expect(what).toEqual({
      since: first,
      until: 'the working tree',
      branch: 'main',
      files: ['images/linux-web/NOTES', 'images/windows-web/NOTES'],
      images: ['linux-web', 'windows-web'],
    });
    expect(imagesOf(releases)).toEqual(['linux-web', 'windows-web']);
  });

  test('says in one line what it compared and which images that gives', async () => {
    writeFiles(repository, { 'packer/images/linux-web/NOTES': 'not committed' });
    const { exit, out } = await run('rehearse', '--factory', repository, '--changed');
    expect(exit).toBe(0);
    expect(out).toContain(
      `\na push to main releases linux-web: 1 file differs between ${first.slice(0, 7)} (in common with main) and the working tree\n`,
    );
  });

  test.each([
    [
      'a layer of every image',
      'config/prod.yaml',
      ['linux-base', 'linux-web', 'windows-base', 'windows-web'],
    ],
    ['a base', 'images/linux-base/NOTES', ['linux-base', 'linux-web']],
    ['a template', 'templates/windows/NOTES', ['windows-base', 'windows-web']],
  ])('releases what the workflow itself finds when %s changed', async (_, file, images) => {
    const path = join(repository, 'packer', file);
    writeFileSync(path, '\n# changed\n', { flag: 'a' });
    const { exit, changed: what, releases } = await changed(first);
    expect(exit).toBe(0);
    expect(what?.images).toEqual(images);
    expect(imagesOf(releases)).toEqual(images);
  });

  test('counts a file that is gone', async () => {
    rmSync(join(repository, 'packer/images/linux-web/checks'), { recursive: true });
    const { changed: what } = await changed();
    expect(what?.images).toEqual(['linux-web']);
  });

  test('compares with what was fetched last, so that unpushed commits of the default branch count', async () => {
    const clone = join(directory, 'clone');
    git(directory, 'clone', '--quiet', repository, clone);
    repository = clone;
    commit({ 'packer/images/linux-web/NOTES': 'unpushed' });
    const { changed: what } = await changed();
    expect([what?.since, what?.images]).toEqual([first, ['linux-web']]);
    const { out } = await run('rehearse', '--factory', clone, '--changed');
    expect(out).toContain('(in common with origin/main)');
  });

  test('compares two commits with --ref', async () => {
    const second = commit({ 'packer/images/linux-web/NOTES': 'second' });
    commit({ 'packer/images/windows-web/NOTES': 'third' });
    const { changed: what, releases } = await changed(first, '--ref', second);
    expect([what?.until, what?.images]).toEqual([second, ['linux-web']]);
    expect(releases.map((release) => release.commit)).toEqual([second]);
  });

  test('exits with 0 when nothing changed, and rehearses nothing', async () => {
    const { exit, outcome, changed: what, releases, world } = await changed();
    expect([exit, outcome, what?.images, releases, world]).toEqual([0, 'nothing to release', [], [], {}]);
    const told = await run('rehearse', '--factory', repository, '--changed');
    expect(told.exit).toBe(0);
    expect(told.out).toContain('a push to main releases nothing: no file differs between');
    expect(told.out).not.toContain('released');
  });

  test('releases nothing when what is pushed is older than what was released', async () => {
    const newer = commit({ 'packer/images/linux-web/NOTES': 'newer' });
    git(repository, 'checkout', '--quiet', first);
    const { exit, out } = await run('rehearse', '--factory', repository, '--changed', newer);
    expect(exit).toBe(0);
    expect(out).toContain('a push to main releases nothing: ');
    expect(out).toContain(`${first.slice(0, 7)} is older than ${newer.slice(0, 7)}`);
  });

  test('releases nothing from a branch whose pushes start nothing, and a prerelease from one whose do', async () => {
    writeFiles(repository, { 'packer/images/linux-web/NOTES': 'not committed' });
    const ignored = await run('rehearse', '--factory', repository, '--changed', '--branch', 'feature/x');
    expect(ignored.exit).toBe(0);
    expect(ignored.out).toContain('a push to feature/x releases nothing: only one to main starts a release');
    const factory = readFileSync(join(repository, 'packer/factory.yaml'), 'utf8');
    const since = commit({ 'packer/factory.yaml': `${factory}\npushBranches: [main, 'feature/*']\n` });
    writeFiles(repository, { 'packer/images/linux-web/NOTES': 'changed again' });
    const { exit, releases } = await changed(since, '--branch', 'feature/x');
    expect(exit).toBe(0);
    expect(releases.map(({ image, targets }) => [image, targets.map(({ stage }) => stage)])).toEqual([
      ['linux-web', ['dev']],
    ]);
  });

  test('exits with 2 when a fault was never met, for nothing changed', async () => {
    const { exit, outcome, unmetFaults } = await changed('--fail', 'linux-web:Bake dev AMIs');
    expect([exit, outcome]).toEqual([2, 'nothing to release']);
    expect(unmetFaults).toEqual([{ state: 'Bake dev AMIs', kind: 'failed', image: 'linux-web' }]);
  });

  test('exits with 1 when the release fails', async () => {
    writeFiles(repository, { 'packer/images/linux-web/NOTES': 'not committed' });
    const { exit, outcome } = await changed('--fail', 'linux-web:Bake dev AMIs');
    expect([exit, outcome]).toEqual([1, 'rolled back']);
  });

  test.each([
    [['--changed', 'no-such'], 'git knows no commit, branch or tag no-such'],
    [['linux-web', '--changed'], 'found linux-web too, must be alone: a push names no images'],
    [['--changed', '--schedule'], 'found --changed too, must be one of them'],
    [['--changed', '--override', 'instanceType=t3.large'], 'neither a push nor a schedule has any'],
  ])('fails with %j', async (args, sentence) => {
    await refuses(repository, args, sentence);
  });

  test('fails outside of git, and before the first commit', async () => {
    const factory = join(directory, 'factory');
    cpSync(shipped, factory, { recursive: true });
    await refuses(factory, ['--changed'], 'is not in a git repository, so nothing tells what changed');
    git(factory, 'init', '--quiet', '--initial-branch', 'main');
    await refuses(factory, ['--changed'], 'has no commit yet, so nothing tells what changed');
  });

  test('fails in a shallow clone, unless it holds the commit that is named', async () => {
    const second = commit({});
    const clone = join(directory, 'clone');
    git(directory, 'clone', '--quiet', '--depth', '1', `file://${repository}`, clone);
    await refuses(clone, ['--changed'], 'this clone is shallow, so its history does not tell what changed');
    await refuses(clone, ['--changed', first], 'this clone is shallow, and "git fetch --unshallow"');
    writeFiles(clone, { 'packer/images/linux-web/NOTES': 'not committed' });
    const { exit, changed: what } = await rehearseJson('--factory', clone, '--changed', second);
    expect([exit, what?.images]).toEqual([0, ['linux-web']]);
  });

  test('fails without the default branch, or with nothing in common with it', async () => {
    git(repository, 'branch', '--quiet', '--move', 'other');
    await refuses(repository, ['--changed'], 'git knows neither the branch main nor origin/main');
    git(repository, 'checkout', '--quiet', '--orphan', 'main');
    commit({ 'README.md': 'A history of its own' });
    git(repository, 'checkout', '--quiet', 'other');
    await refuses(repository, ['--changed'], 'nothing is in common with main');
  });
});

async function refuses(factory: string, args: readonly string[], sentence: string): Promise<void> {
  const { exit, outcome, errors, releases } = await rehearseJson('--factory', factory, ...args);
  expect([exit, outcome, releases]).toEqual([2, 'refused', []]);
  expect(errors.map(({ message }) => message).join('\n')).toContain(sentence);
}
