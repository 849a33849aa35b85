import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { writeFiles } from '../../fixtures/directories.ts';
import { TOLD, linesBelow, openRepository } from '../repository.ts';
import { editorTakes, schemaOf } from '../editor.ts';

/** A repository in which `packleader init` was run, with these files put over it first. */
async function openFactory() {
  const repository = openRepository();
  await repository.run('init', ...TOLD);
  return repository;
}

describe('packleader new image', () => {
  it.each([
    ['al2023', 'linux'],
    ['ubuntu-24.04', 'linux'],
    ['windows-2025', 'windows'],
  ])('begins one from %s that every command takes, with less than 60 lines', async (system, platform) => {
    const { run, files, text } = await openFactory();
    const begun = await run('new', 'image', 'base', '--from', system);
    expect({ exit: begun.exit, err: begun.err }).toEqual({ exit: 0, err: '' });
    expect(begun.out).toContain('  wrote  packer/images/base/image.yaml\n');
    expect(begun.out).toContain('\nNext: npx packleader rehearse base\n');
    expect(linesBelow(files(), 'packer/images/base')).toBeLessThan(60);
    expect(parse(text('packer/images/base/image.yaml'))).toMatchObject({ platform, version: '1.0' });

    // And another one on it.
    const onIt = await run('new', 'image', 'web', '--on', 'base');
    expect({ exit: onIt.exit, err: onIt.err }).toEqual({ exit: 0, err: '' });
    expect(linesBelow(files(), 'packer/images/web')).toBeLessThan(60);

    const rehearsal = await run('rehearse', 'base', 'web', '--no-validate');
    expect(rehearsal.out).toContain('2 images released');
    const validation = await run('validate', 'base', 'web');
    expect({ exit: validation.exit, out: validation.out }).toEqual({
      exit: 0,
      out: expect.stringMatching(/ok {4}variables +2 images in 2 stages/),
    });
    const explained = await run('config', 'explain', 'web', '--stage', 'prod');
    expect(explained.out).toContain('source.image = "base"');
  });

  it('takes the template of the package for a platform of which the factory has none, and keeps the one it has', async () => {
    const { run, files } = await openFactory();
    expect(Object.keys(files()).filter((name) => name.startsWith('packer/templates/windows/'))).toEqual([]);
    const first = await run('new', 'image', 'windows-base', '--from', 'windows-2025');
    expect(first.out).toMatch(/wrote {2}packer\/templates\/windows\/ {2}\d+ files/);
    const second = await run('new', 'image', 'windows-other', '--from', 'windows-2025');
    expect(second.out).not.toContain('templates/');
  });

  it('says on an image how its builder is reached, and no smaller volume in any stage', async () => {
    const { run, text, root } = await openFactory();
    await run('new', 'image', 'ubuntu', '--from', 'ubuntu-24.04');
    writeFiles(root, { 'packer/images/ubuntu/config/prod.yaml': 'rootVolumeSizeGiB: 40\n' });
    await run('new', 'image', 'api', '--on', 'ubuntu');
    expect(parse(text('packer/images/api/config/default.yaml'))).toEqual({
      source: { image: 'ubuntu' },
      rootVolumeSizeGiB: 40,
      variables: { ssh_username: 'ubuntu', root_device_name: '/dev/sda1' },
    });
  });

  it('starts from the AMI of the architecture that all images have', async () => {
    const { run, text, root } = await openFactory();
    const layer = text('packer/config/default.yaml');
    writeFiles(root, {
      'packer/config/default.yaml': layer.replace('x86_64', 'arm64').replace('m7i', 'm7g'),
    });
    await run('new', 'image', 'arm', '--from', 'al2023');
    expect(text('packer/images/arm/config/default.yaml')).toContain('al2023-ami-kernel-6.1-arm64\n');
    // Of Windows there is no other.
    await run('new', 'image', 'windows', '--from', 'windows-2025');
    expect(parse(text('packer/images/windows/config/default.yaml'))).toMatchObject({
      architecture: 'x86_64',
      instanceType: 'm7i.xlarge',
    });
  });

  it('is found from a directory below, and names its schemas from where its files are', async () => {
    const { run, text } = await openFactory();
    process.chdir('packer/images');
    const { exit, out } = await run('new', 'image', 'web', '--on', 'linux-base');
    expect(exit).toBe(0);
    expect(out).toContain('/images/web/image.yaml\n');
    const image = text('packer/images/web/image.yaml');
    expect(schemaOf(image)).toBe('../../../node_modules/packleader/schemas/image.json');
    expect(editorTakes('image', parse(image))).toBe(true);
  });
});

describe('packleader new image fails with one sentence, and writes nothing,', () => {
  it.each<[string, readonly string[], string]>([
    [
      'for a name that is taken',
      ['linux-base', '--from', 'al2023'],
      'images/linux-base: is there already, must be the name of a new image',
    ],
    [
      'for a name that no image may have',
      ['Web', '--on', 'linux-base'],
      'images/Web: found the name "Web", must be lower-case letters, digits and single dashes',
    ],
    ['for a name that leads elsewhere', ['../web', '--on', 'linux-base'], '../web'],
    [
      'without a word of what it starts from',
      ['web'],
      'packleader new image: must have either --on, an image of this factory, or --from, a public AMI',
    ],
    ['with two words of it', ['web', '--on', 'linux-base', '--from', 'al2023'], 'must have either --on'],
    [
      'on an image that is not there',
      ['web', '--on', 'linux-bas'],
      'found no image "linux-bas", the nearest is "linux-base"',
    ],
    [
      'from a system that is not known',
      ['web', '--from', 'debian'],
      'Allowed choices are al2023, ubuntu-24.04, windows-2025.',
    ],
  ])('%s', async (_title, args, sentence) => {
    const { run, files } = await openFactory();
    const before = files();
    const { exit, out, err } = await run('new', 'image', ...args);
    expect(err).toContain(sentence);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(files()).toEqual(before);
  });

  it('where there is no factory', async () => {
    const { run, files } = openRepository();
    const { exit, err } = await run('new', 'image', 'web', '--from', 'al2023');
    expect(err).toContain('holds neither factory.yaml nor packer/factory.yaml');
    expect(exit).toBe(2);
    expect(files()).toEqual({});
  });

  it('where a template would come under images that stand alone', async () => {
    const factory = (await openFactory()).files();
    const own = Object.entries(factory).filter(([name]) => /^packer\/(factory|config|images)/.test(name));
    const { run, files } = openRepository(Object.fromEntries(own));
    const before = files();
    const { exit, err } = await run('new', 'image', 'web', '--from', 'al2023');
    expect(err).toContain(
      'templates/linux: would be laid under linux-base as well, which say nothing of a template: write template: none into their image.yaml first',
    );
    expect(exit).toBe(2);
    expect(files()).toEqual(before);
  });
});
