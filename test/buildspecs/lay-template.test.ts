import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { laidOver, laidOverText, layTemplate } from '../../buildspecs/lay-template.mjs';

let factory: string;
beforeEach(() => {
  factory = mkdtempSync(join(tmpdir(), 'packleader-lay-'));
});
afterEach(() => rmSync(factory, { recursive: true }));

/** Each file's content is its path, so that it can be told where it came from. */
function write(...files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(factory, file)), { recursive: true });
    writeFileSync(join(factory, file), file);
  }
}
const text = (file: string) => readFileSync(join(factory, file), 'utf8');

describe('laying an image over its template', () => {
  it("puts the template's files beside the image's own, and leaves the template as it is", () => {
    write('templates/linux/source.pkr.hcl', 'images/web/image.pkr.hcl', 'images/web/image.yaml');
    expect(layTemplate(factory, 'web', 'linux')).toEqual([]);
    expect(text('images/web/source.pkr.hcl')).toBe('templates/linux/source.pkr.hcl');
    expect(text('images/web/image.pkr.hcl')).toBe('images/web/image.pkr.hcl');
    expect(text('templates/linux/source.pkr.hcl')).toBe('templates/linux/source.pkr.hcl');
  });

  it('merges directories, however deep they are', () => {
    write(
      'templates/linux/checks/base.sh',
      'templates/linux/ansible/roles/users/tasks/main.yml',
      'images/web/checks/image.sh',
      'images/web/ansible/roles/web/tasks/main.yml',
    );
    layTemplate(factory, 'web', 'linux');
    expect(text('images/web/checks/base.sh')).toBe('templates/linux/checks/base.sh');
    expect(text('images/web/checks/image.sh')).toBe('images/web/checks/image.sh');
    expect(text('images/web/ansible/roles/users/tasks/main.yml')).toMatch(/^templates/);
    expect(text('images/web/ansible/roles/web/tasks/main.yml')).toMatch(/^images/);
  });

  it("keeps the image's own file where both have one, and names it", () => {
    write(
      'templates/linux/build.pkr.hcl',
      'templates/linux/playbooks/provision.yml',
      'templates/linux/playbooks/bake.yml',
      'images/web/build.pkr.hcl',
      'images/web/playbooks/provision.yml',
    );
    const replaced = layTemplate(factory, 'web', 'linux');
    expect(replaced.toSorted()).toEqual(['build.pkr.hcl', 'playbooks/provision.yml']);
    expect(text('images/web/build.pkr.hcl')).toBe('images/web/build.pkr.hcl');
    expect(text('images/web/playbooks/provision.yml')).toBe('images/web/playbooks/provision.yml');
    expect(text('images/web/playbooks/bake.yml')).toBe('templates/linux/playbooks/bake.yml');
    expect(laidOverText('web', 'linux', replaced)).toBe(
      "images/web is laid over templates/linux, with its own build.pkr.hcl, playbooks/provision.yml in place of the template's.",
    );
  });

  it('keeps what may be run', () => {
    write('templates/linux/bake/run.sh', 'images/web/image.yaml');
    rmSync(join(factory, 'templates/linux/bake/run.sh'));
    writeFileSync(join(factory, 'templates/linux/bake/run.sh'), '', { mode: 0o755 });
    layTemplate(factory, 'web', 'linux');
    expect(statSync(join(factory, 'images/web/bake/run.sh')).mode & 0o111).toBe(0o111);
  });

  it('does nothing to other images, and can be done again', () => {
    write('templates/linux/a', 'images/web/image.yaml', 'images/api/image.yaml');
    layTemplate(factory, 'web', 'linux');
    expect(() => text('images/api/a')).toThrow('ENOENT');
    expect(layTemplate(factory, 'web', 'linux')).toEqual(['a']);
    expect(text('images/web/a')).toBe('templates/linux/a');
  });
});

describe('laying an image over its template fails', () => {
  it.each([
    [['templates/windows/a', 'templates/linux/a'], 'it has templates/linux, templates/windows'],
    [['templates/README.md'], 'it has no templates'],
    [[], 'it has no templates'],
  ])('when the source has no such template, with those that it has: %j', (files, has) => {
    write('images/web/image.yaml', ...files);
    expect(() => layTemplate(factory, 'web', 'linx')).toThrow(
      `images/web takes the template linx, which the source does not have: ${has}.`,
    );
  });

  it.each(['../images', 'linux/ansible', '.', '..', '', '/etc', 'Linux', 'linux\n'])(
    'for %j, before it is taken for a path',
    (template) => {
      write('images/web/image.yaml', 'templates/linux/ansible/a');
      expect(() => layTemplate(factory, 'web', template)).toThrow(
        `takes the template ${JSON.stringify(template)}, which is not the name of a directory below templates/.`,
      );
    },
  );

  it.each(['templates/linux/ansible', 'images/web/checks'])('on the symbolic link %s', (link) => {
    write('templates/linux/a', 'images/web/image.yaml', 'elsewhere/secret');
    symlinkSync(join(factory, 'elsewhere'), join(factory, link));
    expect(() => layTemplate(factory, 'web', 'linux')).toThrow(
      `${link} is no regular file: a template, and an image that is laid over one, may hold no symbolic links.`,
    );
    expect(() => text('images/web/a')).toThrow('ENOENT');
  });

  it('on a template that is a symbolic link itself', () => {
    write('templates/linux/a', 'images/web/image.yaml');
    symlinkSync('linux', join(factory, 'templates/other'));
    expect(() => layTemplate(factory, 'web', 'other')).toThrow('does not have: it has templates/linux.');
  });

  it.each([
    [['templates/linux/checks/base.sh', 'images/web/checks'], 'checks'],
    [['templates/linux/playbooks', 'images/web/playbooks/roles/a/b'], 'playbooks'],
  ])('when a name is a file in one and a directory in the other: %j', (files, name) => {
    write('images/web/image.yaml', 'templates/linux/a', ...files);
    expect(() => layTemplate(factory, 'web', 'linux')).toThrow(
      `images/web cannot be laid over templates/linux: in one of them ${name} is a file, in the other a directory.`,
    );
    expect(() => text('images/web/a')).toThrow('ENOENT');
  });
});

describe('what becomes of the files of a template', () => {
  it('is that each is taken or replaced, and never both', () => {
    const name = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 });
    const names = fc.uniqueArray(name.map((parts) => parts.join('/')));
    fc.assert(
      fc.property(names, names, (ofTemplate, ofImage) => {
        const { taken, replaced } = laidOver(ofTemplate, ofImage);
        expect([...taken, ...replaced].toSorted()).toEqual(ofTemplate.toSorted());
        for (const one of replaced) expect(ofImage).toContain(one);
        for (const one of taken) expect(ofImage).not.toContain(one);
      }),
    );
  });
});
