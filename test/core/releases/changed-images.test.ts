import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedImages } from '../../../core/releases/changed-images.ts';
import type { Changes } from '../../../core/contract/releases.ts';

const IMAGES = ['web', 'base', 'app', 'desktop'];
const BASES: Readonly<Record<string, readonly string[]>> = { web: ['base'], app: ['web'] };
const basesOf = (image: string) => BASES[image] ?? [];

/** Changes since a release of every image. */
const since = (...files: readonly string[]): Changes =>
  Object.fromEntries(IMAGES.map((image) => [image, { since: 'c0ffee', files: [...files] }]));

const TEMPLATES: Readonly<Record<string, string>> = { web: 'linux', base: 'linux', desktop: 'windows' };
const templates = ['linux', 'windows', 'unused'];
const images = IMAGES.map((name) => {
  const template = TEMPLATES[name];
  return template === undefined ? { name } : { name, template };
});

const changed = (changes: Changes) => changedImages(images, changes, { templates, basesOf });

describe('the changed images', () => {
  it.each([
    ['none when nothing changed', [], []],
    ['one with a changed file of its own', ['images/desktop/template.pkr.hcl'], ['desktop']],
    ['one whose layer changed', ['images/app/config/prod.yaml'], ['app']],
    ['those built on one, through any number of others', ['images/base/x.sh'], ['web', 'base', 'app']],
    ['all when a common layer changed', ['config/prod.yaml'], IMAGES],
    ['all when the factory changed', ['factory.yaml'], IMAGES],
    ['all when shared scripts changed', ['scripts/update.sh'], IMAGES],
    [
      'those that take a template, and those built on them',
      ['templates/linux/source.pkr.hcl'],
      ['web', 'base', 'app'],
    ],
    ['one alone when nobody else takes its template', ['templates/windows/bake/seal.ps1'], ['desktop']],
    ['none when no image takes the template', ['templates/unused/source.pkr.hcl'], []],
    ['all when the template is gone, because it is not known who took it', ['templates/gone/a.sh'], IMAGES],
    ['all when a file beside the templates changed', ['templates/README.md'], IMAGES],
    ['none when an image of a longer name changed', ['images/web-2/x.sh'], []],
  ])('are %s', (_, files, expected) => {
    expect(changed(since(...files))).toEqual(expected);
  });

  it('are those that were never released, and those nothing is known of', () => {
    const { base: _, ...rest } = since();
    expect(changed({ ...rest, desktop: { since: null, files: [] } })).toEqual([
      'web',
      'base',
      'app',
      'desktop',
    ]);
  });

  it('are never fewer when more files changed', () => {
    const files = fc.array(fc.constantFrom('images/web/a', 'images/base/b', 'images/x/c', 'config/dev.yaml'));
    fc.assert(
      fc.property(files, files, (some, more) => {
        expect(changed(since(...some, ...more))).toEqual(expect.arrayContaining(changed(since(...some))));
      }),
    );
  });

  it('end even for images that are built on each other', () => {
    const changes = since('images/web/x');
    const circle = (image: string) => [image === 'web' ? 'app' : 'web'];
    const two = [{ name: 'web' }, { name: 'app' }];
    expect(changedImages(two, changes, { templates: [], basesOf: circle })).toEqual(['web', 'app']);
  });
});

describe('of images that take a directory as it is', () => {
  const packer = (directory: string, ...alongside: readonly string[]) => ({
    directory,
    alongside: [...alongside],
    variables: {},
    varFiles: [],
  });
  const adopting: Parameters<typeof changedImages>[0] = [
    { name: 'web', packer: packer('/mine/web', '/mine/shared') },
    { name: 'app', packer: packer('../../mine/app', '/mine/shared') },
    { name: 'base' },
  ];
  const changesOf = (...files: readonly string[]): Changes =>
    Object.fromEntries(adopting.map(({ name }) => [name, { since: 'c0ffee', files: [...files] }]));
  it.each([
    ['one alone when its directory changed', ['.repository/mine/web/x.sh'], ['web']],
    ['one alone when its directory in the factory changed', ['mine/app/x.sh'], ['app']],
    ['those that read what changed beside it', ['.repository/mine/shared/x.sh'], ['web', 'app']],
    ['all when something else in the factory changed', ['mine/other.sh'], ['web', 'app', 'base']],
  ])('%s', (_, files, names) => {
    expect(changedImages(adopting, changesOf(...files), { templates: [], basesOf: () => [] })).toEqual(names);
  });
});
