import { describe, expect, it } from 'vitest';
import { downloadProblem } from '../../../core/templates/downloads.ts';
import { exactVersion, meets, requiredPlugins, unmet } from '../../../core/templates/plugins.ts';
import { filesInDirectory } from '../../../core/source/directory.ts';
import { ownFactory } from '../../fixtures/factories.ts';

const { images } = ownFactory();
const files = filesInDirectory(new URL('../../../packer', import.meta.url).pathname);
const AMAZON = {
  source: 'github.com/hashicorp/amazon',
  version: '1.3.2',
  url: 'https://example.com/amazon_1.3.2_.zip',
  sha256: 'f'.repeat(64),
};
const PACKER = { version: '1.14.2', sha256: 'a'.repeat(64) };

describe('a plugin that templates require', () => {
  it('is told once, with its file and line, whichever images take the template', async () => {
    const required = await requiredPlugins(files, images);
    expect(required).toEqual([
      {
        source: 'github.com/hashicorp/amazon',
        version: '= 1.3.2',
        file: expect.stringMatching(/plugins\.pkr\.hcl$/),
        line: 5,
      },
    ]);
    expect(required.map(exactVersion)).toEqual(['1.3.2']);
  });

  it.each([
    ['1.3.2', '= 1.3.2', true],
    ['1.3.2', '1.3.2', true],
    ['1.3.2', 'v1.3.2', true],
    ['1.3.2', '', true],
    ['1.3.2', '!= 1.3.2', false],
    ['1.3.2', '> 1.3.1', true],
    ['1.3.2', '> 1.3.2', false],
    ['1.3.2', '>= 1.2.8, < 2.0', true],
    ['2.0.0', '>= 1.2.8, < 2.0', false],
    ['1.3.2', '<= 1.3.2', true],
    ['1.10.0', '<= 1.9.0', false],
    ['1.4.0', '~> 1.3', true],
    ['2.0.0', '~> 1.3', false],
    ['1.4.0', '~> 1.3.2', false],
    ['1.3.9', '~> 1.3.2', true],
    ['1.3.1', '~> 1.3.2', false],
    ['1.3.2', 'newest', false],
  ])('of %s and asked for as "%s" is met: %s', (version, constraints, is) => {
    expect(meets(version, constraints)).toBe(is);
  });

  it('is unmet by one of another source, or of another version', () => {
    const required = [{ source: AMAZON.source, version: '= 1.3.2', file: 'a.pkr.hcl', line: 1 }];
    expect(unmet(required, [AMAZON])).toBeUndefined();
    expect(
      unmet(required, [
        { ...AMAZON, version: '1.3.3' },
        { ...AMAZON, version: '1.3.2' },
      ]),
    ).toBeUndefined();
    expect(unmet(required, [{ ...AMAZON, version: '1.3.3' }])).toBe(required[0]);
    expect(unmet(required, [{ ...AMAZON, source: 'github.com/example/amazon' }])).toBe(required[0]);
  });
});

describe('what is pinned', () => {
  const problemOf = (settings: Parameters<typeof downloadProblem>[0]) =>
    downloadProblem(settings, files, images);

  it('is enough with all that the templates require, and nothing need be', async () => {
    expect(await problemOf({})).toBeUndefined();
    expect(await problemOf({ plugins: [AMAZON] })).toBeUndefined();
    expect(await problemOf({ downloads: 'bucket', packer: PACKER, plugins: [AMAZON] })).toBeUndefined();
  });

  it('fails with what is missing', async () => {
    expect(await problemOf({ downloads: 'bucket', plugins: [AMAZON] })).toEqual({
      path: ['downloads'],
      message: expect.stringMatching(/^needs packer, which is not said/),
    });
    expect(await problemOf({ downloads: 'bucket', packer: PACKER })).toEqual({
      path: ['downloads'],
      message: expect.stringMatching(/^needs plugins, which is not said/),
    });
    expect(await problemOf({ plugins: [{ ...AMAZON, version: '1.3.1' }] })).toEqual({
      path: ['plugins'],
      message: expect.stringMatching(
        /^found no github\.com\/hashicorp\/amazon of = 1\.3\.2, which \S+plugins\.pkr\.hcl:5 requires: builds install these plugins and no others/,
      ),
    });
  });
});
