import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { Files } from '../../../core/configuration/files.ts';
import { sourceProblems } from '../../../core/source/check.ts';
import { followed } from '../../../core/source/links.ts';
import { filesInZip } from '../../../core/source/zip.ts';

const recorded = (name: string) => readFileSync(new URL(`recorded/${name}`, import.meta.url));
const bytes = (text: string) => new TextEncoder().encode(text);

function factory({
  files = {},
  links = {},
  submodules = [],
}: {
  files?: Record<string, string | Uint8Array>;
  links?: Record<string, string>;
  submodules?: string[];
}): Files {
  const contents = Object.entries({ 'images/web/image.yaml': '', 'shared/setup.sh': 'shared', ...files });
  return followed({
    files: new Map(contents.map(([name, text]) => [name, typeof text === 'string' ? bytes(text) : text])),
    links: new Map(Object.entries(links)),
    submodules,
  });
}
const images = [{ name: 'web' }, { name: 'laid', template: 'linux' }];
const said = (files: Files, of = images) =>
  sourceProblems(files, of).map(({ file, message }) => `${file}: ${message}`);

describe('names', () => {
  it.each([
    ['a\\b', 'no backslash'],
    ['new\nline', 'no control character'],
    ['co:lon', 'none of : *'],
    ['what?', 'none of : *'],
    ['dot.', 'neither a dot nor a space'],
    ['space ', 'neither a dot nor a space'],
    ['CON', 'a device of Windows'],
    ['nul.txt', 'a device of Windows'],
    ['setup;1', 'a semicolon and a number'],
    ['bad\uFFFD', 'must be UTF-8'],
  ])('fails for %j, wherever it is and whatever is to be baked', (name, why) => {
    for (const path of [name, `images/other/${name}`, `images/web/${name}/file`]) {
      const found = said(factory({ files: { [path]: '' } }));
      expect(found).toEqual([expect.stringContaining(why)]);
      expect(found[0]).not.toContain('\n');
      expect(found[0]).toContain(JSON.stringify(name));
    }
  });

  it.each(['.hidden', 'console.log', 'two words', 'ümläut', 'a;b', 'a+b@c,d', 'com.sh', '木'])(
    'may be %j',
    (name) => {
      expect(said(factory({ files: { [`images/web/${name}`]: '' } }))).toEqual([]);
    },
  );

  it('fails for two that differ in case only, of files and of directories, once', () => {
    const files = { 'images/web/Setup.sh': '', 'images/web/setup.sh': '', 'Shared/a': '', 'Shared/b': '' };
    expect(said(factory({ files }))).toEqual([
      expect.stringMatching(/^images\/web\/setup\.sh: found "images\/web\/Setup\.sh" as well/),
      expect.stringMatching(/^shared: found "Shared" as well/),
    ]);
  });
});

describe('what git keeps elsewhere', () => {
  it.each([
    ['lfs-pointer', 'found a pointer of Git LFS'],
    ['git-crypt', 'found a file that git-crypt has encrypted'],
  ])('fails for a %s of an image, of its template and of what all share', (name, why) => {
    for (const path of ['images/web/big', 'templates/linux/big', 'shared/big'])
      expect(said(factory({ files: { [path]: recorded(name) } }))).toEqual([
        expect.stringContaining(`${path}: ${why}`),
      ]);
    for (const path of ['images/other/big', 'templates/windows/big'])
      expect(said(factory({ files: { [path]: recorded(name) } }))).toEqual([]);
  });

  it('may be written about', () => {
    const files = { 'shared/NOTES': `See ${recorded('lfs-pointer').toString()}`, 'shared/empty': '' };
    expect(said(factory({ files }))).toEqual([]);
  });
});

describe('submodules', () => {
  it('fails for one of an image, of its template and of what all share, and for one in place of an image', () => {
    for (const path of ['images/web/lib', 'templates/linux/lib', 'lib', 'images/other', 'templates/other'])
      expect(said(factory({ submodules: [path] }))).toEqual([
        expect.stringContaining(`${path}: found a submodule`),
      ]);
    expect(said(factory({ submodules: ['images/other/lib'] }))).toEqual([]);
  });
});

describe('symbolic links', () => {
  it.each([
    ['images/web/run', '/etc/passwd', 'must be relative'],
    ['images/web/run', '../../../outside', 'must lead to a file or directory of the factory'],
    ['images/web/run', 'absent', 'must lead to a file or directory of the factory'],
    ['images/web/run', 'run', 'must lead to a file or directory of the factory'],
    ['images/web/run', '../other/run', 'must lead to its own image'],
    ['images/web/run', '../../templates/linux/run.sh', 'must lead to its own image'],
    ['images/web/run', '../..', 'must lead to its own image'],
    ['images/web/run', '..', 'must lead to its own image'],
    ['shared/run', '../images/web/image.yaml', 'must lead to its own image'],
    ['images/web/run', '.', 'must lead to a directory without links'],
    ['images/laid/run', '../../shared/setup.sh', 'must be a file: a template, and'],
    ['templates/linux/run', 'run.sh', 'must be a file: a template, and'],
    ['images/new', 'web', 'must be a directory'],
    ['images', 'shared', 'must be a directory'],
  ])('fails for %s -> %s', (path, to, why) => {
    const files = { 'images/other/run': '', 'templates/linux/run.sh': '' };
    expect(said(factory({ files, links: { [path]: to } }))).toContainEqual(
      expect.stringContaining(`${path}: found a symbolic link to ${JSON.stringify(to)}, ${why}`),
    );
  });

  it('are what they lead to: a file, a directory, another link, all within reach', () => {
    const files = factory({
      files: { 'images/web/deep/a.sh': 'own' },
      links: {
        'images/web/setup.sh': '../../shared/setup.sh',
        'images/web/all': '../../shared',
        'images/web/again': 'setup.sh',
        'images/web/own': 'deep/../deep/a.sh',
      },
    });
    expect(said(files)).toEqual([]);
    const text = (name: string) => new TextDecoder().decode(files.get(name));
    for (const name of ['setup.sh', 'all/setup.sh', 'again'])
      expect(text(`images/web/${name}`)).toBe('shared');
    expect(text('images/web/own')).toBe('own');
  });

  it('are followed as Linux does: .. leaves what a link has led to', () => {
    const links = { 'images/web/all': '../../shared/deep', 'images/web/up': 'all/../setup.sh' };
    const files = factory({ files: { 'shared/deep/x': '' }, links });
    expect(files.links?.get('images/web/up')?.leadsTo).toBe('shared/setup.sh');
  });

  it('fail in a circle, and where a directory that is led to holds one', () => {
    const circle = { 'images/web/a': 'b', 'images/web/b': 'a' };
    expect(said(factory({ links: circle }))).toHaveLength(2);
    const nested = { 'images/web/all': '../../shared', 'shared/again': 'setup.sh' };
    expect(said(factory({ links: nested }))).toEqual([
      expect.stringContaining('must lead to a directory without links'),
    ]);
  });

  it('of another image keep none from being baked', () => {
    expect(said(factory({ links: { 'images/other/run': '/etc/passwd' } }))).toEqual([]);
  });
});

describe('a zip', () => {
  it('is read with its links, and with the empty directories that are submodules', () => {
    const zip = zipSync({
      'a/': bytes(''),
      'a/file': bytes('text'),
      'a/link': [bytes('file'), { os: 3, attrs: (0o120777 << 16) >>> 0 }],
      'a/run': [bytes('true'), { os: 3, attrs: (0o100755 << 16) >>> 0 }],
      'lib/': bytes(''),
    });
    const files = filesInZip(zip);
    expect([...files.keys()]).toEqual(['a/file', 'a/link', 'a/run']);
    expect(files.get('a/link')).toEqual(bytes('text'));
    expect([...(files.links ?? [])]).toEqual([['a/link', { to: 'file', leadsTo: 'a/file' }]]);
    expect(files.submodules).toEqual(['lib']);
  });
});
