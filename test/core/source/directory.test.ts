/** What git makes of a directory, with the real git. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkOutFactory } from '../../../cli/input/checkout.ts';
import { sourceProblems } from '../../../core/source/check.ts';
import { filesInDirectory } from '../../../core/source/directory.ts';
import { git } from '../../buildspecs/build.ts';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';

const recorded = (name: string) => readFileSync(new URL(`recorded/${name}`, import.meta.url));

let repository: string;
let root: string;
beforeEach(() => {
  repository = temporaryDirectory();
  root = join(repository, 'packer');
  git(repository, 'init', '--quiet', '--initial-branch=main');
  commit({ 'packer/factory.yaml': 'one: 1\n', 'packer/shared/setup.sh': 'true\n', 'README.md': 'outside\n' });
});

function commit(files: Record<string, string>): void {
  writeFiles(repository, files);
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--message', 'Change something');
}
const said = (files = filesInDirectory(root)) =>
  sourceProblems(files).map(({ file, message }) => `${file}: ${message}`);
const textOf = (ref: string | undefined, name: string) =>
  Buffer.from(checkOutFactory(root, ref).files.get(name) ?? '').toString();

describe('the working tree', () => {
  it('is what would be committed: changes and new files, and nothing that is ignored', () => {
    writeFiles(root, {
      '.gitignore': 'build/\n',
      'build/x:y': 'ignored',
      'new.sh': 'new',
      'factory.yaml': 'two',
    });
    rmSync(join(root, 'shared'), { recursive: true });
    const files = filesInDirectory(root);
    expect([...files.keys()]).toEqual(['.gitignore', 'factory.yaml', 'new.sh']);
    expect(Buffer.from(files.get('factory.yaml') ?? '').toString()).toBe('two');
  });

  it('without git is all that lies there, but for node_modules and what is another repository', () => {
    rmSync(join(repository, '.git'), { recursive: true });
    writeFiles(root, {
      'node_modules/x/index.js': '',
      'lib/.git': 'gitdir: elsewhere\n',
      'lib/a.sh': 'true\n',
    });
    const files = filesInDirectory(root);
    expect([...files.keys()]).toEqual(['factory.yaml', 'shared/setup.sh']);
    expect(files.submodules).toEqual(['lib']);
  });

  it('fails before it is read when it is too large for a release, and so does its commit', () => {
    const large = (name: string, mib: number) => {
      writeFiles(root, { [name]: '' });
      truncateSync(join(root, name), mib * 1024 * 1024);
    };
    large('images/web/files/a.bin', 120);
    large('images/web/files/b.bin', 79);
    expect(filesInDirectory(root).size).toBe(4);
    large('images/web/files/c.bin', 2);
    const message =
      'images/web/files/a.bin: is the largest of the factory’s files, 120.0 of 201.0 MiB, must leave them at most 200: let the bake fetch what is large, from S3 for example';
    expect(() => filesInDirectory(root)).toThrow(message);
    commit({});
    expect(() => checkOutFactory(root, 'main')).toThrow(message.replace('bin: is', 'bin is'));
    // Node itself reads no file of so many, and says so with a trace.
    large('images/web/files/c.bin', 3000);
    expect(() => filesInDirectory(root)).toThrow('images/web/files/c.bin: is the largest');
  });

  it('is not too large for what git ignores, or does not keep itself', () => {
    writeFiles(root, { '.gitignore': 'build/\n', 'build/x.bin': '' });
    truncateSync(join(root, 'build/x.bin'), 300 * 1024 * 1024);
    expect([...filesInDirectory(root).keys()]).toEqual(['.gitignore', 'factory.yaml', 'shared/setup.sh']);
  });

  it('is not looked for behind a link to a directory', () => {
    const other = temporaryDirectory();
    writeFiles(other, { 'a:b': '', 'deep/c': '' });
    symlinkSync(other, join(root, 'away'));
    for (const inGit of [true, false]) {
      if (!inGit) rmSync(join(repository, '.git'), { recursive: true });
      expect([...filesInDirectory(root).keys()]).toEqual(['factory.yaml', 'shared/setup.sh']);
      expect(said()).toEqual([expect.stringContaining('away: found a symbolic link')]);
    }
  });

  it('fails when a sparse checkout leaves out some of the factory, and --ref has it', () => {
    git(repository, 'sparse-checkout', 'set', '--no-cone', '/README.md', '/packer/factory.yaml');
    expect(() => filesInDirectory(root)).toThrow(
      'shared/setup.sh: is one of 1 files that this sparse checkout leaves out',
    );
    expect(textOf('main', 'shared/setup.sh')).toBe('true\n');
    git(repository, 'sparse-checkout', 'set', '--no-cone', '/packer/');
    expect([...filesInDirectory(root).keys()]).toEqual(['factory.yaml', 'shared/setup.sh']);
  });

  it('fails for a submodule, checked out or not, and for a repository that would become one', () => {
    const other = temporaryDirectory();
    git(other, 'init', '--quiet');
    git(other, 'commit', '--quiet', '--allow-empty', '--message', 'one');
    git(repository, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other, 'packer/lib');
    expect(said()).toEqual([expect.stringContaining('lib: found a submodule')]);
    git(repository, 'commit', '--quiet', '--message', 'Add a submodule');
    expect(said(checkOutFactory(root, 'main').files)).toEqual([
      expect.stringContaining('lib: found a submodule'),
    ]);
    git(repository, 'submodule', '--quiet', 'deinit', '--force', 'packer/lib');
    expect(said()).toEqual([expect.stringContaining('lib: found a submodule')]);
    git(repository, 'rm', '--quiet', 'packer/lib');
    expect(said()).toEqual([]);
    git(repository, 'clone', '--quiet', other, 'packer/clone');
    expect(said()).toEqual([expect.stringContaining('clone: found a submodule')]);
  });

  it('fails for a file that Git LFS has put in place of its pointer, and takes one that git keeps whole', () => {
    writeFileSync(join(root, 'big.bin'), recorded('lfs-pointer'));
    commit({ 'packer/whole.bin': 'kept by git itself\n' });
    // No filter is here, so the attribute does nothing but tell.
    commit({ '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' });
    for (const lies of [recorded('lfs-pointer'), 'the file that git lfs fetched\n']) {
      writeFileSync(join(root, 'big.bin'), lies);
      expect(said()).toEqual([expect.stringContaining('big.bin: found a pointer of Git LFS')]);
    }
  });

  it('fails for a name that is not UTF-8, which nothing finds again, in git and outside, and at a commit', () => {
    execFileSync('bash', ['-c', `printf x > "$(printf 'bad\\377')"`], { cwd: root });
    expect(said()).toEqual([expect.stringContaining('must be UTF-8')]);
    commit({});
    expect(said()).toEqual([expect.stringContaining('must be UTF-8')]);
    expect(() => checkOutFactory(root, 'main')).toThrow(
      '--ref: "bad\uFFFD" has a name that is not UTF-8, must be UTF-8: rename it',
    );
    rmSync(join(repository, '.git'), { recursive: true });
    expect(said()).toEqual([expect.stringContaining('must be UTF-8')]);
  });

  it('has links as git keeps them', () => {
    symlinkSync('shared/setup.sh', join(root, 'run'));
    symlinkSync('/etc/passwd', join(root, 'away'));
    expect(said()).toEqual([expect.stringContaining('away: found a symbolic link to "/etc/passwd"')]);
    expect(textOf(undefined, 'run')).toBe('true\n');
    commit({});
    expect(said(checkOutFactory(root, 'main').files)).toEqual([expect.stringContaining('away: found')]);
    expect(textOf('main', 'run')).toBe('true\n');
  });
});

describe('--ref', () => {
  it('has what a checkout has, and leaves the index and the working tree alone', () => {
    commit({
      '.gitattributes': '*.ps1 text eol=crlf\n',
      'packer/.gitattributes': 'shared export-ignore\n*.txt export-subst\n',
      'packer/setup.ps1': 'one\ntwo\n',
      'packer/id.txt': '$Format:%H$\n',
      'packer/node_modules/x.js': 'committed\n',
    });
    writeFiles(root, { 'factory.yaml': 'changed: 1\n' });
    const before = git(repository, 'status', '--porcelain');
    expect(textOf('main', 'setup.ps1')).toBe('one\r\ntwo\r\n');
    expect(textOf('main', 'node_modules/x.js')).toBe('committed\n');
    expect(textOf('main', 'id.txt')).toBe('$Format:%H$\n');
    expect(textOf('main', 'shared/setup.sh')).toBe('true\n');
    expect(textOf('main', 'factory.yaml')).toBe('one: 1\n');
    expect(git(repository, 'status', '--porcelain')).toBe(before);
  });

  it('runs no program that a filter of this machine names', () => {
    git(repository, 'config', 'filter.lfs.smudge', 'false');
    git(repository, 'config', 'filter.lfs.required', 'true');
    git(repository, 'config', 'filter.lfs.clean', 'cat');
    commit({ '.gitattributes': '*.bin filter=lfs\n', 'packer/a.bin': recorded('lfs-pointer').toString() });
    expect(said(checkOutFactory(root, 'main').files)).toEqual([
      expect.stringContaining('a.bin: found a pointer'),
    ]);
  });
});
