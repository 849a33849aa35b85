import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadFactory } from '../../core/configuration/factory.ts';
import { readFactoryDirectory } from '../../core/configuration/factory-directory.ts';

const packer = join(import.meta.dirname, '..', '..', 'packer');
const { images } = loadFactory(readFactoryDirectory(packer));
const platforms = [...Map.groupBy(images, ({ platform }) => platform)];
const template = (image: string, file: string) => readFileSync(join(packer, 'images', image, file), 'utf8');

describe('the templates of the shipped images', () => {
  it('are there for two images of each platform at least', () => {
    const several = platforms.filter(([, of]) => of.length > 1).map(([platform]) => platform);
    expect(several.toSorted()).toEqual(['linux', 'windows']);
  });

  it.each(
    platforms.flatMap(([platform, of]) =>
      ['variables.pkr.hcl', 'source.pkr.hcl', 'build.pkr.hcl'].map((file) => ({ platform, file, of })),
    ),
  )('have the same $file in every $platform image', ({ file, of }) => {
    expect(new Set(of.map(({ name }) => template(name, file))).size).toBe(1);
  });

  it('pin the same plugins in every image', () => {
    expect(new Set(images.map(({ name }) => template(name, 'plugins.pkr.hcl'))).size).toBe(1);
  });

  it('have their differences in image.pkr.hcl and nowhere else', () => {
    for (const { name } of images) {
      const files = readdirSync(join(packer, 'images', name)).filter((file) => file.endsWith('.hcl'));
      expect(files.toSorted()).toEqual([
        'build.pkr.hcl',
        'image.pkr.hcl',
        'plugins.pkr.hcl',
        'source.pkr.hcl',
        'variables.pkr.hcl',
      ]);
    }
  });
});
