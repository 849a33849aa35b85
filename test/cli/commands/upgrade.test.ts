import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { PACKAGE_VERSION } from '../../../core/contract/package-version.ts';
import { packageTemplate } from '../../../cli/scaffold/package-files.ts';
import { blobId } from '../../../cli/scaffold/template-note.ts';
import { TOLD, openRepository } from '../repository.ts';

const TEMPLATE = 'packer/templates/linux';
const NOTE = `${TEMPLATE}/TEMPLATE.md`;
const SHIPPED = new Map(
  packageTemplate('linux', TEMPLATE).map(({ path, content }) => [path, Buffer.from(content).toString()]),
);

const documentSchema = z.object({
  packleader: z.string(),
  from: z.string().nullable(),
  templates: z.array(
    z.object({
      directory: z.string(),
      copiedFrom: z.string(),
      files: z.array(
        z.object({
          file: z.string(),
          whose: z.string(),
          conflicts: z.number(),
          byHand: z.string().nullable(),
          lines: z.array(z.string()),
        }),
      ),
    }),
  ),
  notCompared: z.array(z.object({ directory: z.string(), why: z.string() })),
  notes: z.array(z.object({ version: z.string(), about: z.string(), text: z.string() })).nullable(),
});

/** A repository whose template was copied from a package in which some files were others; then the team changes some. */
async function repositoryOf({
  copied = {},
  yours = {},
  inGit = true,
}: {
  /** What the package had; null for a file that it did not have. */
  readonly copied?: Readonly<Record<string, string | null>>;
  /** What the team makes of it; null for a file that it removes. */
  readonly yours?: Readonly<Record<string, string | null>>;
  readonly inGit?: boolean;
} = {}) {
  const { root, run, text } = openRepository();
  await run('init', ...TOLD);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const commit = (message: string) => {
    if (!inGit) return;
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '-m', message);
  };
  const write = (files: Readonly<Record<string, string | null>>) => {
    for (const [name, content] of Object.entries(files))
      if (content === null) rmSync(join(root, TEMPLATE, name));
      else writeFileSync(join(root, TEMPLATE, name), content);
  };
  if (inGit) git('init', '--quiet', '--initial-branch=main');
  write(copied);
  let note = text(NOTE);
  for (const [name, content] of Object.entries(copied)) {
    note = note.replace(new RegExp(`^ {4}[0-9a-f]{40} {2}${name.replaceAll('.', '\\.')}\n`, 'm'), '');
    if (content !== null) note += `    ${blobId(Buffer.from(content))}  ${name}\n`;
  }
  if (Object.keys(copied).length > 0) note = note.replace(PACKAGE_VERSION, '0.0.9');
  writeFileSync(join(root, NOTE), note);
  commit('as it was copied');
  write(yours);
  commit('what the team makes of it');
  return {
    root,
    text,
    run,
    git,
    upgrade: async (...args: string[]) => {
      const { exit, out, err } = await run('upgrade', '--json', ...args);
      expect({ exit, err }).toEqual({ exit: 0, err: '' });
      return documentSchema.parse(JSON.parse(out));
    },
    /** What the patch brings, as git applies it. */
    applied: async () => {
      const { out, err } = await run('upgrade', '--patch');
      const { status } = spawnSync('git', ['apply', '--3way'], { cwd: root, input: out, encoding: 'utf8' });
      return { status, patch: out, err };
    },
  };
}

const shipped = (name: string): string => SHIPPED.get(`${TEMPLATE}/${name}`) ?? '';

function without(name: string, line: string): string {
  expect(shipped(name)).toContain(line);
  return shipped(name).replace(line, '');
}

const lastLine = (name: string): string => `${shipped(name).trimEnd().split('\n').at(-1)}\n`;

describe('packleader upgrade', () => {
  it('has nothing to tell of a template that is what the package has', async () => {
    const { run, upgrade } = await repositoryOf();
    expect((await run('upgrade')).out).toBe(
      [
        `packleader ${PACKAGE_VERSION} is installed`,
        '',
        `templates/linux of packer, copied from packleader ${PACKAGE_VERSION}`,
        '  is what the package has',
        '',
        `Nothing else is to be done since ${PACKAGE_VERSION}.`,
        '',
      ].join('\n'),
    );
    expect(await upgrade()).toMatchObject({ templates: [{ files: [] }], notCompared: [], notes: [] });
    expect((await run('upgrade', '--patch')).out).toBe('');
  });

  it('tells whose each change is, and whether git can merge them', async () => {
    const first = '# What packleader sets for every bake, then what all Linux images have.\n';
    const { upgrade, run } = await repositoryOf({
      copied: {
        'variables.pkr.hcl': without('variables.pkr.hcl', first),
        'source.pkr.hcl': shipped('source.pkr.hcl').replace('# The builder instance', '# The builder'),
        'build.pkr.hcl': `# another first line\n${shipped('build.pkr.hcl')}`,
        'bake/clean-up.sh': `${shipped('bake/clean-up.sh')}# gone since\n`,
        'bake/old.sh': '#!/bin/sh\n',
        'checks/base.sh': null,
        'ansible/patch.yml': '---\n',
      },
      yours: {
        'source.pkr.hcl': `${shipped('source.pkr.hcl').replace('# The builder instance', '# The builder')}# ours\n`,
        'build.pkr.hcl': `# our first line\n${shipped('build.pkr.hcl')}`,
        'plugins.pkr.hcl': `# ours\n${shipped('plugins.pkr.hcl')}`,
        'ansible/patch.yml': null,
      },
    });
    const { templates, from } = await upgrade();
    expect(from).toBe('0.0.9');
    const [template] = templates;
    expect(template).toMatchObject({ directory: 'templates/linux', copiedFrom: '0.0.9' });
    expect(
      template?.files.map(({ file, whose, conflicts, byHand }) => [
        file.slice('templates/linux/'.length),
        whose,
        conflicts,
        byHand,
      ]),
    ).toEqual([
      ['ansible/patch.yml', 'both', 0, 'you have removed it'],
      ['bake/clean-up.sh', 'packleader', 0, null],
      ['bake/old.sh', 'packleader', 0, null],
      ['build.pkr.hcl', 'both', 1, null],
      ['checks/base.sh', 'packleader', 0, null],
      ['plugins.pkr.hcl', 'yours', 0, null],
      ['source.pkr.hcl', 'both', 0, null],
      ['variables.pkr.hcl', 'packleader', 0, null],
    ]);
    const { out } = await run('upgrade', '--lines');
    expect(out).toContain(
      'both        templates/linux/source.pkr.hcl     packleader’s +1 -1, yours +1 -0: they merge',
    );
    expect(out).toContain('packleader’s +0 -1, yours +1 -1: 1 to be solved by hand');
    expect(out).toContain('by hand: you have removed it');
    expect(out).toContain(
      `--- templates/linux/plugins.pkr.hcl, as it was copied\n+++ templates/linux/plugins.pkr.hcl, yours\n@@ -1 +1 @@\n+# ours\n`,
    );
    expect(out).toContain(
      `--- templates/linux/variables.pkr.hcl, as it was copied\n+++ templates/linux/variables.pkr.hcl, packleader’s\n@@ -1 +1 @@\n+${first}`,
    );
    expect(out).toContain('Next: commit what you have, then packleader upgrade --patch | git apply --3way\n');
  });

  it('makes a patch that git merges with what the team has, after which only that is told', async () => {
    const { applied, text, git, upgrade, root } = await repositoryOf({
      copied: {
        'source.pkr.hcl': without('source.pkr.hcl', lastLine('source.pkr.hcl')),
        'bake/clean-up.sh': null,
        'bake/old.sh': '#!/bin/sh\n',
      },
      yours: {
        'source.pkr.hcl': `# ours\n${without('source.pkr.hcl', lastLine('source.pkr.hcl'))}`,
        'build.pkr.hcl': `# ours\n${shipped('build.pkr.hcl')}`,
      },
    });
    chmodSync(join(root, TEMPLATE, 'bake/old.sh'), 0o755);
    git('commit', '--quiet', '--all', '-m', 'executable');
    const before = text(`${TEMPLATE}/build.pkr.hcl`);
    expect(await applied()).toMatchObject({ status: 0, err: '' });
    expect(text(`${TEMPLATE}/source.pkr.hcl`)).toBe(`# ours\n${shipped('source.pkr.hcl')}`);
    expect(text(`${TEMPLATE}/build.pkr.hcl`)).toBe(before);
    expect(git('diff', '--cached', '--summary')).toBe(
      ' create mode 100755 packer/templates/linux/bake/clean-up.sh\n delete mode 100755 packer/templates/linux/bake/old.sh\n',
    );
    const { templates } = await upgrade();
    expect(templates).toMatchObject([{ copiedFrom: PACKAGE_VERSION }]);
    expect(templates[0]?.files.map(({ file, whose }) => [file, whose])).toEqual([
      ['templates/linux/build.pkr.hcl', 'yours'],
      ['templates/linux/source.pkr.hcl', 'yours'],
    ]);
  });

  it('leaves what both have changed in the same place to whoever applies it, as git does', async () => {
    const { applied, text } = await repositoryOf({
      copied: { 'build.pkr.hcl': `# another\n${shipped('build.pkr.hcl')}` },
      yours: { 'build.pkr.hcl': `# ours\n${shipped('build.pkr.hcl')}` },
    });
    expect(await applied()).toMatchObject({ status: 1 });
    expect(text(`${TEMPLATE}/build.pkr.hcl`)).toMatch(/^<<<<<<< ours\n# ours\n/);
  });

  it('says what no patch can bring, and brings the rest', async () => {
    const { applied, text, upgrade } = await repositoryOf({
      copied: { 'ansible/patch.yml': '---\n', 'build.pkr.hcl': '# short\n' },
      yours: { 'ansible/patch.yml': null },
    });
    const { status, err } = await applied();
    expect({ status, err }).toEqual({
      status: 0,
      err: 'not in the patch: templates/linux/ansible/patch.yml: you have removed it\n',
    });
    expect(text(`${TEMPLATE}/build.pkr.hcl`)).toBe(shipped('build.pkr.hcl'));
    const [template] = (await upgrade()).templates;
    expect(template?.files.map(({ whose }) => whose)).toEqual(['yours']);
  });

  it('cannot tell lines apart where no commit has the file as it was copied, and says so', async () => {
    const { upgrade } = await repositoryOf({
      inGit: false,
      copied: { 'build.pkr.hcl': '# short\n', 'source.pkr.hcl': '# short\n' },
      yours: { 'build.pkr.hcl': '# ours\n' },
    });
    const [template] = (await upgrade()).templates;
    expect(template?.files).toMatchObject([
      {
        whose: 'both',
        byHand: 'no commit has it as it was copied',
        lines: [expect.stringContaining('-# ours')],
      },
      // This one nobody has changed, so it is what was copied.
      { whose: 'packleader', byHand: null },
    ]);
  });

  it('compares line by line also where git has put the line ends of Windows', async () => {
    const { upgrade } = await repositoryOf({
      yours: { 'build.pkr.hcl': shipped('build.pkr.hcl').replaceAll('\n', '\r\n') },
    });
    expect((await upgrade()).templates).toMatchObject([{ files: [] }]);
  });

  it.each([
    ['of before it listed its files', () => 'Copied from packleader 0.0.1. It is yours.\n', []],
    [
      'of a newer packleader',
      (note: string) => note.replace(PACKAGE_VERSION, '9.0.0'),
      [
        `was copied from packleader 9.0.0, and ${PACKAGE_VERSION} is installed: \`npm install --save-dev packleader@9.0.0\``,
      ],
    ],
    [
      'of a template that is no more',
      (note: string) => note.replace('template linux', 'template solaris'),
      [`was copied from the template solaris, which packleader ${PACKAGE_VERSION} does not have`],
    ],
    [
      'that says nothing',
      () => 'Ours.\n',
      ['has a TEMPLATE.md that does not say which packleader it was copied from'],
    ],
  ])('takes a TEMPLATE.md %s for what it is', async (_, change, whys) => {
    const { root, text, upgrade } = await repositoryOf({ yours: { 'build.pkr.hcl': '# ours\n' } });
    writeFileSync(join(root, NOTE), change(text(NOTE)));
    const { notCompared, templates } = await upgrade();
    expect(notCompared.map(({ why }) => why)).toEqual(whys);
    const files = templates.flatMap((template) => template.files);
    expect(files.map(({ whose, byHand }) => [whose, byHand])).toEqual(
      whys.length > 0 ? [] : [['unknown', 'TEMPLATE.md does not list what was copied']],
    );
  });

  it('says of a template without a TEMPLATE.md that it is no copy', async () => {
    const { root, run } = await repositoryOf();
    rmSync(join(root, NOTE));
    const { out } = await run('upgrade');
    expect(out).toContain('templates/linux has no TEMPLATE.md: it is no copy of packleader’s\n');
    expect(out).toContain('No template says what is upgraded: --from <version> shows the notes since.\n');
  });

  it('shows the notes since the version that is said', async () => {
    const { upgrade } = await repositoryOf();
    const { notes } = await upgrade('--from', '0.0.1');
    expect(notes?.map(({ about }) => about)).toContain('Deploy');
  });

  it.each([
    [['--from', 'yesterday'], '--from: found "yesterday", must be a version of packleader, such as 0.1.0'],
    [['--patch', '--json'], '"message": "is said together with --json, must be one of them"'],
  ])('is refused with %s', async (args, message) => {
    const { run } = await repositoryOf({ inGit: false });
    const { exit, out, err } = await run('upgrade', ...args);
    expect(exit).toBe(2);
    expect(out + err).toContain(message);
  });
});
