import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FETCH_SOURCE, LAST_ERROR } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { changesSchema } from '../../core/contract/releases.ts';
import { configurationFiles } from '../../core/configuration/files.ts';
import { sourceProblems } from '../../core/source/check.ts';
import { filesInZip } from '../../core/source/zip.ts';
import { buildSpec } from '../../workflow/constructs/buildspec.ts';
import { Build, git, requirePrograms, sha256 } from './build.ts';

let build: Build;
let repository: string;
const first = {
  'packer/factory.yaml': 'defaultBranch: main\n',
  'packer/images/linux-base/image.yaml': 'version: "1.4"\n',
};

beforeAll(() => requirePrograms('git', 'unzip', 'diff'));
beforeEach(() => {
  build = new Build();
  repository = join(build.directory, 'repository');
  mkdirSync(repository);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  commit({ ...first, 'README.md': 'not a part of the factory\n' });
});
afterEach(() => build.remove());

function commit(files: Record<string, string | null>): string {
  for (const [name, text] of Object.entries(files)) {
    const file = join(repository, name);
    mkdirSync(dirname(file), { recursive: true });
    if (text === null) rmSync(file);
    else writeFileSync(file, text);
  }
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--allow-empty', '--message', 'Change something');
  return git(repository, 'rev-parse', 'HEAD');
}

function fetch(request: unknown, environment: Record<string, string> = {}) {
  return build.run('fetch-source', {
    PACKLEADER_REQUEST: JSON.stringify(request),
    PACKLEADER_BUCKET: 'packleader-999999999999-eu-west-1',
    PACKLEADER_REPOSITORY: repository,
    PACKLEADER_DEFAULT_BRANCH: 'main',
    PACKLEADER_FACTORY: 'packer',
    ...environment,
  });
}

const changesOf = (exported: Record<string, string>) =>
  changesSchema.parse(JSON.parse(build.get(exported['CHANGES_KEY'] ?? '').toString()));

function released(image: string, version: string, at: string): void {
  build.put(keys.released(image, version), JSON.stringify({ commit: at }));
}

describe('which commit', () => {
  it('is the head of the default branch when nothing is asked for', () => {
    const head = commit({});
    const { exported, log } = fetch({});
    expect(exported, log).toMatchObject({ COMMIT: head, BRANCH: 'main' });
  });

  it('is the head of the branch that is asked for', () => {
    git(repository, 'switch', '--quiet', '--create', 'feature/x');
    const head = commit({});
    expect(fetch({ branch: 'feature/x' }).exported).toMatchObject({ COMMIT: head, BRANCH: 'feature/x' });
  });

  it('is what a tag, an annotated tag, a full id or the beginning of an id names', () => {
    const head = git(repository, 'rev-parse', 'HEAD');
    git(repository, 'tag', 'plain');
    git(repository, 'tag', '--annotate', '--message', 'one', 'annotated');
    commit({ 'packer/factory.yaml': 'defaultBranch: main # later\n' });
    for (const ref of ['plain', 'annotated', 'refs/tags/plain', head, head.slice(0, 8)]) {
      const { exported, log } = fetch({ ref });
      expect(exported, log).toMatchObject({ COMMIT: head, BRANCH: 'main' });
    }
  });

  it('comes from the default branch once that has it, else from the branch that has it', () => {
    git(repository, 'switch', '--quiet', '--create', 'feature');
    const head = commit({});
    expect(fetch({ ref: head }).exported).toMatchObject({ COMMIT: head, BRANCH: 'feature' });
    git(repository, 'switch', '--quiet', 'main');
    git(repository, 'merge', '--quiet', 'feature');
    expect(fetch({ ref: head }).exported).toMatchObject({ COMMIT: head, BRANCH: 'main' });
  });

  it('fails when the commit is not on the branch: no feature is released as if it came from main', () => {
    git(repository, 'switch', '--quiet', '--create', 'feature');
    const head = commit({});
    const { status, log } = fetch({ ref: head, branch: 'main' });
    expect({ status, log }).toMatchObject({
      status: 1,
      log: expect.stringContaining('is not on the branch main'),
    });
    expect(build.keys()).toEqual([]);
  });

  it('fails when a tag and a branch of one name differ', () => {
    git(repository, 'tag', 'twice');
    commit({});
    git(repository, 'branch', 'twice');
    expect(fetch({ ref: 'twice' })).toMatchObject({
      status: 1,
      log: expect.stringContaining('both a tag and a branch'),
    });
  });

  it.each([{ ref: 'f'.repeat(40) }, { ref: 'nowhere' }, { branch: 'nowhere' }])(
    'fails for %j, which is not there',
    (request) => {
      expect(fetch(request)).toMatchObject({
        status: 1,
        log: expect.stringContaining('The repository has no'),
      });
    },
  );

  it('fails without a factory', () => {
    commit({ 'packer/factory.yaml': null });
    expect(fetch({})).toMatchObject({
      status: 1,
      log: expect.stringContaining('has no packer/factory.yaml'),
    });
  });
});

describe('what nobody may make it do', () => {
  const evil = [
    '--upload-pack=touch pwned',
    '-h',
    '$(touch pwned)\n',
    '`touch pwned` ',
    'main; touch pwned',
    'a b',
    'main..feature',
    'HEAD~1',
    'main^{tree}',
    'main:packer',
    '@{-1}',
    '../../etc/passwd',
    'ends.lock',
    'file://\u0000',
    '',
    7,
    { toString: 'main' },
  ];
  it.each(evil)('fails for the ref and the branch %j before git sees it', (value) => {
    for (const request of [{ ref: value }, { branch: value }]) {
      const { status, log, calls } = fetch(request);
      expect({ status, calls, log }).toEqual({
        status: 1,
        calls: [],
        log: expect.stringContaining('is not the name of'),
      });
    }
    expect(build.left('pwned')).toBeUndefined();
  });

  it.each(['$(touch${IFS}pwned)', "quote'quote", 'ümläut-木', '`id`', '{"a"}'])(
    'takes a branch that git allows for a name and nothing else: %s',
    (branch) => {
      git(repository, 'switch', '--quiet', '--create', branch);
      const head = commit({});
      const { exported, log } = fetch({ branch });
      expect(exported, log).toMatchObject({ COMMIT: head, BRANCH: branch });
      expect(build.left('pwned')).toBeUndefined();
    },
  );

  it.each(['[]', 'null', '"main"'])(
    'leaves the request %j, which names no commit, to the task that explains it',
    (request) => {
      expect(fetch({}, { PACKLEADER_REQUEST: request }).status).toBe(0);
    },
  );

  it.each(['', 'no json'])('fails for the request %j', (request) => {
    expect(fetch({}, { PACKLEADER_REQUEST: request }).status).toBe(1);
  });

  it('keeps the token of the repository out of the log and of the arguments', () => {
    const { status, log } = fetch({}, { PACKLEADER_REPOSITORY_TOKEN: 'hunter2hunter2' });
    expect({ status, log }).toEqual({ status: 1, log: expect.stringContaining('https URL') });
    expect(log).not.toContain('hunter2');
  });
});

describe('a repository in CodeCommit', () => {
  const gitItself = execFileSync('bash', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();

  /** Asks for a credential where the real one would, by git's own protocol, and clones what is here. */
  const asking = (host: string) => `#!/bin/bash
if [ "$1" = clone ]; then
  printf 'protocol=https\\nhost=${host}\\npath=v1/repos/images\\n\\n' | '${gitItself}' credential fill
  exec '${gitItself}' clone --quiet --bare -- '${repository}' source.git
fi
exec '${gitItself}' "$@"
`;

  it.each([
    ['git-codecommit.us-east-1.amazonaws.com', 1],
    ['git-codecommit-fips.us-east-1.amazonaws.com', 1],
    ['github.com', 0],
  ])('at %s is cloned with the credential that the AWS CLI makes of the build’s role: %i', (host, asked) => {
    build.program('git', asking(host));
    build.answer('codecommit credential-helper', { username: 'somebody' });
    const url = `https://${host}/v1/repos/images`;
    const { exported, calls, log } = fetch({}, { PACKLEADER_REPOSITORY: url });
    expect(exported, log).toMatchObject({ BRANCH: 'main' });
    expect(calls.filter((call) => call === 'codecommit credential-helper get')).toHaveLength(asked);
  });
});

describe('the zip', () => {
  it('holds the factory directory and nothing else, byte for byte', () => {
    const { exported } = fetch({});
    const zip = build.get(exported['SOURCE_KEY'] ?? '');
    expect(Object.keys(unzipSync(zip)).filter((name) => !name.endsWith('/'))).toEqual([
      'factory.yaml',
      'images/linux-base/image.yaml',
    ]);
    expect(configurationFiles(filesInZip(zip)).get('factory.yaml')).toBe('defaultBranch: main\n');
    expect(exported['SOURCE_SHA256']).toBe(sha256(zip));
    expect(exported['SOURCE_KEY']).toBe(keys.source(exported['COMMIT'] ?? '', sha256(zip)));
    expect(exported['CHANGES_KEY']).toBe(keys.changes(exported['COMMIT'] ?? '', sha256(zip)));
  });

  it.each([
    ['at the root', '.', ''],
    ['two directories down', 'teams/images', 'teams/images/'],
  ])('holds a factory that lies %s of its repository, and what changed in it', (_, place, prefix) => {
    const since = commit({
      'packer/factory.yaml': null,
      'packer/images/linux-base/image.yaml': null,
      [`${prefix}factory.yaml`]: 'defaultBranch: main\n',
      [`${prefix}images/own/image.yaml`]: 'version: "1.0"\n',
    });
    released('own', '1.0.20260101000000', since);
    commit({ [`${prefix}images/own/setup.sh`]: 'true\n' });
    const { exported, log } = fetch({}, { PACKLEADER_FACTORY: place });
    const files = filesInZip(build.get(exported['SOURCE_KEY'] ?? ''));
    expect([...files.keys()], log).toEqual(expect.arrayContaining(['factory.yaml', 'images/own/setup.sh']));
    expect(files.has('README.md')).toBe(place === '.');
    expect(changesOf(exported)).toEqual({ own: { since, files: ['images/own/setup.sh'] } });
  });

  it('is not made when the commit has no factory where it was deployed from', () => {
    expect(fetch({}, { PACKLEADER_FACTORY: 'elsewhere' })).toMatchObject({
      status: 1,
      log: expect.stringContaining('has no elsewhere/factory.yaml'),
    });
  });

  it('is the same for the same files, whatever the commit, the clock, the time zone and the configuration of git', () => {
    const before = fetch({}).exported['SOURCE_SHA256'];
    commit({ 'README.md': 'another commit\n' });
    writeFileSync(join(build.directory, '.gitconfig'), '[core]\n\tautocrlf = true\n[tar]\n\tumask = user\n');
    expect(fetch({}, { TZ: 'Asia/Tokyo' }).exported['SOURCE_SHA256']).toBe(before);
    commit({ 'packer/factory.yaml': 'defaultBranch: main # changed\n' });
    expect(fetch({}).exported['SOURCE_SHA256']).not.toBe(before);
  });
});

describe('a factory that is too large', () => {
  it('fails before it is packed, with the file that makes it so', () => {
    writeFileSync(join(repository, 'packer/installer.bin'), '');
    truncateSync(join(repository, 'packer/installer.bin'), 201 * 1024 * 1024);
    commit({});
    const { exported, status, log } = fetch({});
    expect(status).not.toBe(0);
    expect(log).toContain(
      'installer.bin is the largest of the factory’s files, 201.0 of 201.0 MiB, must leave them at most 200',
    );
    expect(exported['LAST_ERROR']).toContain('let the bake fetch what is large, from S3 for example');
    expect(build.left('out/source.zip')).toBeUndefined();
  });
});

describe('what a checkout has', () => {
  const zipOf = (): Buffer => {
    const { exported, log } = fetch({});
    expect(exported['SOURCE_KEY'], log).toMatch(/^sources\//);
    return build.get(exported['SOURCE_KEY'] ?? '');
  };
  /** As a bake opens it. */
  function unzipped(zip = zipOf()): string {
    const directory = mkdtempSync(join(build.directory, 'unzipped-'));
    writeFileSync(join(directory, 'source.zip'), zip);
    execFileSync('unzip', ['-q', 'source.zip', '-d', 'factory'], {
      cwd: directory,
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
    });
    return join(directory, 'factory');
  }
  const conversions = {
    '.gitattributes': '*.ps1 text eol=crlf\n*.id ident\n*.txt working-tree-encoding=UTF-16LE\n',
    'packer/.gitattributes': 'left-out export-ignore\n*.subst export-subst\n*.bin filter=lfs\n',
    'packer/left-out/a': 'a\n',
    'packer/b.subst': '$Format:%H %an$\n',
    'packer/c.ps1': 'one\ntwo\n',
    'packer/d.id': '$Id$\n',
    'packer/e.txt': Buffer.from('ü\n', 'utf16le').toString('latin1'),
    'packer/f.bin': 'no filter\n',
    'packer/g.sh': '#!/bin/sh\r\ntrue\r\n',
    'packer/ümläut.sh': 'true\n',
  };

  it('is packed: what attributes convert, those above the factory included, and what they would leave out', () => {
    for (const [name, text] of Object.entries(conversions)) {
      mkdirSync(dirname(join(repository, name)), { recursive: true });
      writeFileSync(join(repository, name), text, name.endsWith('.txt') ? 'latin1' : 'utf8');
    }
    commit({});
    // A clone is what the real git checks out.
    const clone = join(build.directory, 'clone');
    git(build.directory, 'clone', '--quiet', '-c', 'core.autocrlf=false', repository, clone);
    const made = unzipped();
    expect(execFileSync('diff', ['--recursive', join(clone, 'packer'), made]).toString()).toBe('');
    expect(readFileSync(join(made, 'c.ps1'), 'utf8')).toBe('one\r\ntwo\r\n');
    expect(readFileSync(join(made, 'b.subst'), 'utf8')).toBe('$Format:%H %an$\n');
    expect(readFileSync(join(made, 'd.id'), 'utf8')).toMatch(/^\$Id: [0-9a-f]{40} \$\n$/);
    expect(readFileSync(join(made, 'e.txt'), 'utf16le')).toBe('ü\n');
    expect(readFileSync(join(made, 'left-out/a'), 'utf8')).toBe('a\n');
  });

  it('keeps links and executable bits when a bake opens it', () => {
    commit({ 'packer/shared/setup.sh': '#!/bin/sh\n', 'packer/shared/plain.sh': '#!/bin/sh\n' });
    symlinkSync('../../shared/setup.sh', join(repository, 'packer/images/linux-base/setup.sh'));
    symlinkSync('../../shared', join(repository, 'packer/images/linux-base/all'));
    git(repository, 'add', '--all');
    git(repository, 'update-index', '--chmod=+x', 'packer/shared/setup.sh');
    git(repository, 'commit', '--quiet', '--message', 'Link');
    const zip = zipOf();
    const made = unzipped(zip);
    expect(statSync(join(made, 'shared/setup.sh')).mode & 0o111).toBe(0o111);
    expect(statSync(join(made, 'shared/plain.sh')).mode & 0o111).toBe(0);
    expect(readlinkSync(join(made, 'images/linux-base/setup.sh'))).toBe('../../shared/setup.sh');
    const files = filesInZip(zip);
    expect(Buffer.from(files.get('images/linux-base/all/plain.sh') ?? '').toString()).toBe('#!/bin/sh\n');
    expect(sourceProblems(files)).toEqual([]);
  });

  it('tells of a submodule, of a link out of the factory, of a pointer and of a name, each by its path', () => {
    const head = git(repository, 'rev-parse', 'HEAD');
    const pointer = readFileSync(new URL('../core/source/recorded/lfs-pointer', import.meta.url), 'utf8');
    commit({ 'packer/big.bin': pointer, 'packer/a\\b': '', 'packer/images/linux-base/x': '' });
    symlinkSync('../README.md', join(repository, 'packer/out'));
    git(repository, 'add', '--all');
    git(
      repository,
      'update-index',
      '--add',
      '--cacheinfo',
      `160000,${head},packer/images/linux-base/lib, one`,
    );
    git(repository, 'commit', '--quiet', '--message', 'Add what no bake gets');
    expect(sourceProblems(filesInZip(zipOf())).map(({ file }) => file)).toEqual([
      'a\\b',
      'big.bin',
      'images/linux-base/lib, one',
      'out',
    ]);
  });

  it.each([
    [
      'that is not UTF-8',
      ['-c', 'printf x > "$(printf \'packer/bad\\377\')"; git add --all'],
      'must be UTF-8',
    ],
    [
      'that is too long for a file system',
      [
        '-c',
        'git update-index --add --cacheinfo "100644,$(echo x | git hash-object -w --stdin),packer/$(printf %0256d 0)"',
      ],
      'a name of more than 255 bytes',
    ],
  ])('fails for a name %s', (_, script, why) => {
    execFileSync('bash', script, { cwd: repository });
    git(repository, 'commit', '--quiet', '--message', 'Name something');
    expect(fetch({})).toMatchObject({ status: 1, log: expect.stringContaining(why) });
    expect(build.keys()).toEqual([]);
  });
});

describe('the history', () => {
  it('is whole: what was released far back is compared with, and its branch known', () => {
    const since = git(repository, 'rev-parse', 'HEAD');
    for (let at = 0; at < 5; at += 1) commit({ 'packer/images/linux-base/x': `${at}\n` });
    git(repository, 'branch', 'old', since);
    released('linux-base', '1.4.20260101000000', since);
    // Git fetches from a URL what it would only link to in a directory.
    const { exported } = fetch({}, { PACKLEADER_REPOSITORY: `file://${repository}` });
    expect(changesOf(exported)).toEqual({ 'linux-base': { since, files: ['images/linux-base/x'] } });
    const old = fetch({ ref: since, branch: 'old' }, { PACKLEADER_REPOSITORY: `file://${repository}` });
    expect(old.exported).toMatchObject({ COMMIT: since, BRANCH: 'old' });
  });

  it('fails where the repository itself lacks some of it', () => {
    commit({});
    const shallow = join(build.directory, 'shallow');
    git(build.directory, 'clone', '--quiet', '--depth', '1', `file://${repository}`, shallow);
    expect(fetch({}, { PACKLEADER_REPOSITORY: `file://${shallow}` })).toMatchObject({
      status: 1,
      log: expect.stringContaining('must have its whole history'),
    });
  });
});

describe('what changed', () => {
  it('is unknown for an image that was never released', () => {
    expect(changesOf(fetch({}).exported)).toEqual({ 'linux-base': { since: null, files: [] } });
  });

  it('is every file since the newest release of each image: added, changed, deleted, renamed, with odd names', () => {
    const since = commit({
      'packer/images/linux-web/image.yaml': 'version: "1.0"\n',
      'packer/images/linux-base/old': 'old\n',
    });
    released('linux-base', '1.4.20260101000000', since);
    released('linux-web', '1.0.20260101000000', since);
    const now = commit({
      'packer/images/linux-base/old': null,
      'packer/images/linux-base/new': 'old\n',
      'packer/config/ü "x"\n$(id).yaml': '{}\n',
      'README.md': 'outside\n',
    });
    const files = ['config/ü "x"\n$(id).yaml', 'images/linux-base/new', 'images/linux-base/old'];
    expect(changesOf(fetch({}).exported)).toEqual({
      'linux-base': { since, files },
      'linux-web': { since, files },
    });
    released('linux-web', '1.0.20260202000000', now);
    expect(changesOf(fetch({}).exported)['linux-web']).toEqual({ since: now, files: [] });
  });

  it('tells of a template as of everything else: who takes it is for Plan releases to say', () => {
    const since = commit({ 'packer/templates/linux/source.pkr.hcl': 'old\n' });
    released('linux-base', '1.4.20260101000000', since);
    commit({ 'packer/templates/linux/source.pkr.hcl': 'new\n', 'packer/templates/windows/bake/a.ps1': '' });
    const { exported } = fetch({});
    expect(changesOf(exported)['linux-base']).toEqual({
      since,
      files: ['templates/linux/source.pkr.hcl', 'templates/windows/bake/a.ps1'],
    });
    const files = configurationFiles(filesInZip(build.get(exported['SOURCE_KEY'] ?? '')));
    expect([...files]).toContainEqual(['templates/linux/source.pkr.hcl', '']);
  });

  it('is measured from the newest time, not from the highest number or the last name', () => {
    const [old, recent] = [commit({}), commit({ 'packer/factory.yaml': 'defaultBranch: main # v2\n' })];
    released('linux-base', '1.9.20260301000000', recent);
    released('linux-base', '1.10.20260201000000', old);
    released('linux-base', '2.0.20260101000000', old);
    released('linux-base-x', '1.0.20270101000000', old);
    expect(changesOf(fetch({}).exported)).toEqual({ 'linux-base': { since: recent, files: [] } });
  });

  it('is nothing for a commit that is older than the released one: a late or repeated push releases nothing', () => {
    const old = commit({ 'packer/config/default.yaml': 'instanceType: m7i.large\n' });
    const recent = commit({ 'packer/config/default.yaml': 'instanceType: m7i.xlarge\n' });
    released('linux-base', '1.4.20260101000000', recent);
    const { exported, log } = fetch({ ref: old, branch: 'main' });
    expect(changesOf(exported)).toEqual({ 'linux-base': { since: recent, files: [] } });
    expect(log).toContain(`which is newer than ${old}`);
  });

  it('is what differs when a branch was moved back by force', () => {
    const old = commit({ 'packer/config/default.yaml': 'instanceType: m7i.large\n' });
    const recent = commit({ 'packer/config/default.yaml': 'instanceType: m7i.xlarge\n' });
    git(repository, 'branch', 'keep');
    git(repository, 'reset', '--quiet', '--hard', old);
    released('linux-base', '1.4.20260101000000', recent);
    const { exported } = fetch({ ref: old, branch: 'main' });
    expect(changesOf(exported)).toEqual({ 'linux-base': { since: recent, files: ['config/default.yaml'] } });
  });

  it('is unknown when the repository lost the released commit', () => {
    released('linux-base', '1.4.20260101000000', 'a'.repeat(40));
    expect(changesOf(fetch({}).exported)).toEqual({ 'linux-base': { since: null, files: [] } });
  });

  it('fails when a record names no commit', () => {
    released('linux-base', '1.4.20260101000000', '--output=/tmp/x');
    expect(fetch({})).toMatchObject({ status: 1, log: expect.stringContaining('names no commit') });
  });
});

describe('the buildspec', () => {
  it('exports what the state machine reads, under the names of the contract', () => {
    const { commit: commitName, branch, key, sha256: digest, changesKey } = FETCH_SOURCE;
    expect(buildSpec('fetch-source')).toMatchObject({
      env: { 'exported-variables': [commitName, branch, key, digest, changesKey, LAST_ERROR] },
    });
  });
});

describe('what images bake that lies outside of the factory', () => {
  const image = (yaml: string) => ({ 'packer/images/web/image.yaml': yaml });
  const takes = 'packer:\n  directory: /mine/web\n  alongside: ["/mine/shared"]\n';
  const mine = {
    'mine/web/web.pkr.hcl': 'HCL\n',
    'mine/shared/x.sh': 'x\n',
    'mine/other/y.sh': 'nobody named it\n',
  };
  const packed = (exported: Record<string, string>) => filesInZip(build.get(exported['SOURCE_KEY'] ?? ''));

  it('is packed under its own path, and nothing else is', () => {
    commit({ ...image(takes), ...mine });
    const { exported, log } = fetch({});
    expect([...packed(exported).keys()].sort(), log).toEqual([
      '.repository/mine/shared/x.sh',
      '.repository/mine/web/web.pkr.hcl',
      'factory.yaml',
      'images/linux-base/image.yaml',
      'images/web/image.yaml',
    ]);
  });

  it('makes the same bytes for the same files, whatever else the commit has', () => {
    commit({ ...image(takes), ...mine });
    const once = fetch({}).exported['SOURCE_SHA256'];
    commit({ 'README.md': 'changed\n', 'mine/other/y.sh': 'changed\n' });
    expect(fetch({}).exported['SOURCE_SHA256']).toBe(once);
    commit({ 'mine/shared/x.sh': 'changed\n' });
    expect(fetch({}).exported['SOURCE_SHA256']).not.toBe(once);
  });

  it('is nothing where no image names what the commit has', () => {
    commit({ ...image('packer: { directory: /elsewhere, rootDeviceName: /dev/xvda }\n'), ...mine });
    const { exported } = fetch({});
    expect([...packed(exported).keys()].some((name) => name.startsWith('.repository'))).toBe(false);
  });

  it('is told of when it changed, by its name in the zip', () => {
    const at = commit({ ...image(takes), ...mine });
    released('web', '1.0.20261121093000', at);
    commit({ 'mine/web/web.pkr.hcl': 'changed\n', 'mine/other/y.sh': 'changed\n', 'README.md': 'changed\n' });
    expect(changesOf(fetch({}).exported)['web']).toEqual({
      since: at,
      files: ['.repository/mine/web/web.pkr.hcl'],
    });
  });

  it('is packed as a checkout has it, by the attributes of its own place', () => {
    const attributes = {
      '.gitattributes': 'mine/web/*.txt text eol=crlf\n',
      'mine/web/.gitattributes': 'x.sh export-ignore\n',
    };
    commit({ ...image(takes), ...mine, ...attributes, 'mine/web/a.txt': 'a\n', 'mine/web/x.sh': 'x\n' });
    const files = packed(fetch({}).exported);
    expect(Buffer.from(files.get('.repository/mine/web/a.txt') ?? '').toString()).toBe('a\r\n');
    expect(files.has('.repository/mine/web/x.sh')).toBe(true);
  });

  it('has its symbolic links, which are read as the files that they lead to', () => {
    symlinkSync('../shared/x.sh', join(repository, 'link'));
    mkdirSync(join(repository, 'mine/web'), { recursive: true });
    renameSync(join(repository, 'link'), join(repository, 'mine/web/x.sh'));
    commit({ ...image(takes), ...mine });
    const files = packed(fetch({}).exported);
    expect(Buffer.from(files.get('.repository/mine/web/x.sh') ?? '').toString()).toBe('x\n');
  });
});
