import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

describe('the clean-up of a Linux image', () => {
  // What runs only when a bake has failed is no step of an image.
  const [whenWell = ''] = text('templates/linux/build.pkr.hcl').split(/^ {2}error-cleanup-provisioner /m);
  const [, ...steps] = whenWell.split(/^ {2}provisioner /m);
  const at = steps.findIndex((step) => step.includes('bake/clean-up.sh'));
  const after = steps.slice(at + 1);
  const BREAKS =
    /\b(reboot|shutdown|systemctl|service) |expect_disconnect|start_retry_timeout|amazon-ssm-agent/;

  it('is followed by checks and downloads alone, none of which breaks the connection that cannot be made again', () => {
    expect(at).toBeGreaterThan(0);
    const scripts = after.flatMap((step) => /scripts? += "\$\{path\.root\}\/(.+)"/.exec(step)?.[1] ?? []);
    expect(scripts).toEqual(['bake/run-checks.sh']);
    const runs = [...after, ...scripts.map((file) => text(`templates/linux/${file}`))];
    expect(runs.filter((step) => BREAKS.test(step))).toEqual([]);
    // What comes before does: the rule sees it.
    expect(steps.slice(0, at).some((step) => BREAKS.test(step))).toBe(true);
  });
});

describe('an image that was copied under another name', () => {
  const copyOf = (image: string): ReadonlyMap<string, Uint8Array> =>
    new Map(
      [...files].flatMap(([file, bytes]) => {
        const copy = file.replace(`images/${image}/`, 'images/copied/');
        return copy === file
          ? [[file, bytes]]
          : [
              [file, bytes],
              [copy, bytes],
            ];
      }),
    );

  it.each(images)('finds nothing in its checks that names $name', ({ name, template }) => {
    const copied = copyOf(name);
    const laid = [...layOver(copied, 'copied', template).files];
    const checks = laid.filter(([file]) => file.startsWith('checks/'));
    expect(checks.map(([, file]) => file)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^images\/copied\/checks\/image\./)]),
    );
    for (const [, file] of checks) {
      const content = new TextDecoder().decode(copied.get(file));
      expect(images.filter((image) => content.includes(image.name))).toEqual([]);
    }
  });

  describe('and says what it is', () => {
    let place: string;
    beforeEach(() => {
      place = mkdtempSync(join(tmpdir(), 'packleader-checks-'));
    });
    afterEach(() => rmSync(place, { recursive: true }));

    /** Runs the shared check of the name as run-checks.sh does, with a directory of the test's in place of the image's. */
    const passes = (baked: string, says: string): boolean => {
      writeFileSync(join(place, 'image.json'), JSON.stringify({ commit: 'c0ffee', image: says }));
      const checks = text('templates/linux/checks/base.sh').replaceAll('/etc/packleader/', `${place}/`);
      writeFileSync(join(place, 'base.sh'), checks);
      const command = 'source "$1"; check_image_is_the_one_that_was_baked';
      const { status } = spawnSync('bash', ['-euc', command, 'check', join(place, 'base.sh')], {
        env: { PATH: process.env['PATH'], IMAGE: baked },
      });
      return status === 0;
    };

    it.each(images)('passes the check that $name passes', ({ name }) => {
      expect(passes(name, name)).toBe(true);
      expect(passes('copied', 'copied')).toBe(true);
    });

    it('fails it when what it was built on still says what that was', () => {
      expect(passes('copied', 'linux-base')).toBe(false);
      expect(passes('linux', 'linux-base')).toBe(false);
    });
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
