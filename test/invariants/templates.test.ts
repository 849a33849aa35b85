import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layOver } from '../../core/templates/laid-over.ts';
import { imageOf } from '../../cli/checks/scopes.ts';
import { checkOutFactory } from '../../cli/input/checkout.ts';
import { loadFactory } from '../../core/configuration/factory.ts';
import { readFactoryDirectory } from '../../core/configuration/factory-directory.ts';

const packer = join(import.meta.dirname, '..', '..', 'packer');
const { images } = loadFactory(readFactoryDirectory(packer));
const { files } = checkOutFactory(packer);
const platforms = [...Map.groupBy(images, ({ platform }) => platform)];
const text = (file: string) => readFileSync(join(packer, file), 'utf8');
const isHcl = (file: string) => file.endsWith('.pkr.hcl');

/** Enough for what is different about an image, and too few for what it shares. */
const MOST_LINES = 120;

describe('the shipped images', () => {
  it('are two of each platform at least, and take its template', () => {
    const several = platforms.filter(([, of]) => of.length > 1).map(([platform]) => platform);
    expect(several.toSorted()).toEqual(['linux', 'windows']);
    for (const { platform, template } of images) expect(template).toBe(platform);
  });

  it.each(images)('have what makes $name different in image.pkr.hcl, and no other HCL', ({ name }) => {
    const own = [...files.keys()].filter((file) => imageOf(file) === name && isHcl(file));
    expect(own).toEqual([`images/${name}/image.pkr.hcl`]);
    expect(text(`images/${name}/image.pkr.hcl`).trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES);
  });

  it.each(images)(
    'become a whole template of Packer when $name is laid over its own',
    ({ name, template }) => {
      const laid = layOver(files, name, template);
      expect(laid.problems).toEqual([]);
      expect([...laid.files.keys()].filter((file) => isHcl(file)).toSorted()).toEqual([
        'build.pkr.hcl',
        'image.pkr.hcl',
        'plugins.pkr.hcl',
        'source.pkr.hcl',
        'variables.pkr.hcl',
      ]);
    },
  );

  it('replace nothing of a template, but for how an instance with nginx provisions itself', () => {
    const replaced = images.flatMap(({ name, template }) =>
      layOver(files, name, template).replaced.map((file) => `${name}: ${file}`),
    );
    expect(replaced).toEqual(['linux-web: playbooks/provision.yml']);
  });
});

describe('the shipped templates', () => {
  it('pin the same plugins', () => {
    const pinned = [...files.keys()].filter((file) => file.endsWith('/plugins.pkr.hcl'));
    expect(pinned).toEqual(['templates/linux/plugins.pkr.hcl', 'templates/windows/plugins.pkr.hcl']);
    expect(new Set(pinned.map(text)).size).toBe(1);
  });

  it('hold, with the images, nothing twice besides', () => {
    const known = new Map<string, string[]>();
    for (const [file, bytes] of files) {
      const content = Buffer.from(bytes).toString();
      known.set(content, [...(known.get(content) ?? []), file]);
    }
    const twice = [...known.values()].filter((of) => of.length > 1);
    expect(twice).toEqual([['templates/linux/plugins.pkr.hcl', 'templates/windows/plugins.pkr.hcl']]);
  });
});
