import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { initCommand } from '../../../cli/commands/init/run.ts';
import { InvalidConfiguration } from '../../../core/configuration/documents/problems.ts';
import { temporaryDirectory } from '../../fixtures/directories.ts';
import { type SchemaKind, editorTakes, schemaOf } from '../editor.ts';
import { written } from '../output.ts';
import { REPOSITORY, TOLD, linesBelow, openRepository } from '../repository.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'cli', 'packleader.ts');

describe('packleader init', () => {
  it('leads from an empty directory to a rehearsal of an image of one’s own, well within a minute', () => {
    const cwd = temporaryDirectory();
    const env = { ...process.env, PACKLEADER_CACHE: join(cwd, 'cache'), NO_COLOR: '1' };
    const packleader = (...args: readonly string[]) =>
      spawnSync(process.execPath, [PROGRAM, ...args], { cwd, encoding: 'utf8', env });
    const startedAt = performance.now();
    // The first of the four commands is npm's: it installs the package.
    const results = [
      packleader('init', '--yes', ...TOLD),
      packleader('new', 'image', 'web', '--on', 'linux-base'),
      packleader('rehearse', '--no-validate'),
    ];
    const seconds = (performance.now() - startedAt) / 1000;
    expect(results.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      results.map(() => ({ status: 0, stderr: '' })),
    );
    expect(results.at(-1)?.stdout).toContain('2 images released');
    expect(seconds).toBeLessThan(60);
  });

  it('begins a factory that every command takes, with an image of less than 60 lines', async () => {
    const { run, files } = openRepository();
    const { exit, out, err } = await run('init', ...TOLD);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toMatch(
      /wrote {2}packer\/templates\/linux\/ {2}\d+ files of packleader \d+\.\d+\.\d+, yours from now on\n/,
    );
    expect(out).toContain('\nNext: npx packleader rehearse\n');
    expect(Object.keys(files()).filter((name) => !name.startsWith('packer/templates/'))).toEqual([
      '.github/workflows/packleader.yml',
      '.gitignore',
      'package.json',
      'packer/config/default.yaml',
      'packer/config/dev.yaml',
      'packer/config/prod.yaml',
      'packer/factory.yaml',
      'packer/images/linux-base/checks/image.sh',
      'packer/images/linux-base/config/default.yaml',
      'packer/images/linux-base/image.pkr.hcl',
      'packer/images/linux-base/image.yaml',
      'packer/images/linux-base/playbooks/bake.yml',
      'packer/schemas/instance-metadata.schema.json',
      'packleader.config',
    ]);
    expect(linesBelow(files(), 'packer/images/linux-base')).toBeLessThan(60);

    const rehearsal = await run('rehearse', '--no-validate');
    expect(rehearsal.out).toContain('released in all 3 targets');
    expect(rehearsal.exit).toBe(0);
    const validation = await run('validate');
    expect(validation.out).toMatch(/ok {4}configuration/);
    expect(validation.exit).toBe(0);
    const explained = await run('config', 'explain', 'linux-base', '--stage', 'prod');
    expect(explained.out).toMatch(/tags\.Environment = "prod" +config\/prod\.yaml:\d+\n/);
  });

  it('copies its template with its modes, and says which version it is from', async () => {
    const { root, run, text } = openRepository();
    await run('init', ...TOLD);
    const shipped = join(import.meta.dirname, '..', '..', '..', 'packer', 'templates', 'linux');
    const difference = spawnSync('diff', ['-r', shipped, join(root, 'packer/templates/linux')], {
      encoding: 'utf8',
    });
    expect(difference.stdout).toBe(`Only in ${join(root, 'packer/templates/linux')}: TEMPLATE.md\n`);
    expect(text('packer/templates/linux/TEMPLATE.md')).toMatch(
      /^Copied from packleader \d+\.\d+\.\d+, template linux\. /,
    );
    const modes = (directory: string) =>
      execFileSync('find', ['.', '-type', 'f', '-name', '*.sh', '-perm', '-u+x'], {
        cwd: directory,
        encoding: 'utf8',
      })
        .split('\n')
        .toSorted();
    expect(modes(join(root, 'packer/templates/linux'))).toEqual(modes(shipped));
  });

  it('names its schema in every YAML file that has one, and writes what the schema takes', async () => {
    const { run, files } = openRepository();
    await run('init', ...TOLD);
    const seen: string[] = [];
    for (const [name, text] of Object.entries(files())) {
      const schema = schemaOf(text);
      if (schema === undefined) continue;
      const [, kind] =
        /^node_modules\/packleader\/schemas\/(.+)\.json$/.exec(normalize(join(dirname(name), schema))) ?? [];
      const known = z.enum(['factory', 'image', 'layer', 'config'] satisfies SchemaKind[]).parse(kind);
      expect(editorTakes(known, parse(text)), name).toBe(true);
      seen.push(name);
    }
    const expected = Object.keys(files()).filter((name) =>
      /^packer\/[^t].*\.yaml$|^packleader\.config$/.test(name),
    );
    expect(seen).toEqual(expected);
    expect(seen).toHaveLength(7);
  });

  it('takes names that YAML would take for something else', async () => {
    const { run, text } = openRepository();
    const { exit, err } = await run('init', ...TOLD.slice(0, 4), '--stage', 'true=111111111111/eu-west-1');
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(parse(text('packer/factory.yaml'))).toMatchObject({ stages: [{ name: 'true' }] });
    expect((await run('rehearse', '--no-validate')).exit).toBe(0);
  });

  it('changes nothing when it is run again, and says what it kept', async () => {
    const { run, files } = openRepository();
    await run('init', ...TOLD);
    const before = files();
    const { exit, out } = await run('init', '--yes');
    expect(exit).toBe(0);
    expect(out).toBe(`  kept   packer/factory.yaml
  kept   packleader.config
  kept   .github/workflows/packleader.yml
  kept   package.json
  kept   .gitignore

Next: npx packleader rehearse
`);
    expect(files()).toEqual(before);
  });
});

describe('what packleader init finds', () => {
  it('is added to where it lacks something, and else stays what it is', async () => {
    const { run, text } = openRepository({
      'package.json':
        '{\n\t"name": "images",\n\t"scripts": {\n\t\t"validate": "make validate"\n\t},\n\t"dependencies": {\n\t\t"packleader": "file:p.tgz"\n\t}\n}\n',
      '.gitignore': '/node_modules\n*.swp',
      'packer/README.md': 'ours',
      'packleader.config': 'customerKey: true\n',
      '.github/workflows/packleader.yml': 'ours',
    });
    const { out, err } = await run('init', ...TOLD);
    expect(err).toBe('');
    expect(JSON.parse(text('package.json'))).toEqual({
      name: 'images',
      scripts: {
        validate: 'make validate',
        rehearse: 'packleader rehearse',
        deploy: 'packleader deploy',
      },
      dependencies: { packleader: 'file:p.tgz' },
    });
    expect(text('package.json')).toContain('\n\t"name"');
    expect(text('.gitignore')).toBe('/node_modules\n*.swp\ncdk.out/\n.cache/\n');
    expect(text('packer/README.md')).toBe('ours');
    expect(text('packleader.config')).toBe('customerKey: true\n');
    expect(text('.github/workflows/packleader.yml')).toBe('ours');
    expect(out).toContain('  added  package.json  the scripts rehearse, deploy\n');
    expect(out).toContain('  added  .gitignore  cdk.out/, .cache/\n');
    expect(out).toContain('  kept   packleader.config\n');
  });

  it('is made whole where a factory has no image yet', async () => {
    const { run, text } = openRepository();
    await run('init', ...TOLD);
    const factory = text('packer/factory.yaml');
    const other = openRepository({ 'packer/factory.yaml': factory });
    const { exit, err } = await other.run('init');
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(other.text('packer/factory.yaml')).toBe(factory);
    expect((await other.run('rehearse', '--no-validate')).exit).toBe(0);
  });

  it('may be a factory in the root of the repository', async () => {
    const { run, text } = openRepository();
    await run('init', ...TOLD);
    const other = openRepository({ 'factory.yaml': text('packer/factory.yaml') });
    const { exit, err } = await other.run('init');
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(Object.keys(other.files())).toContain('images/linux-base/image.yaml');
    expect(schemaOf(other.text('config/dev.yaml'))).toBe('../node_modules/packleader/schemas/layer.json');
  });
});

describe('the workflow of packleader init', () => {
  const workflows = async (...args: readonly string[]) => {
    const { run, files } = openRepository();
    const { err } = await run(
      'init',
      '--hub',
      '999999999999/eu-central-1',
      '--stage',
      'dev=111111111111/eu-west-1',
      ...args,
    );
    expect(err).toBe('');
    return Object.entries(files()).filter(([name]) => /^\.git(hub|lab)/.test(name));
  };

  it.each([
    ['https://github.com/example/images', '.github/workflows/packleader.yml'],
    ['https://gitlab.com/example/images', '.gitlab-ci.yml'],
    ['https://gitlab.example.com/images', '.gitlab-ci.yml'],
  ])('is for the host of %s', async (repository, file) => {
    const found = await workflows('--repository', repository);
    expect(found.map(([name]) => name)).toEqual([file]);
    const text = found[0]?.[1] ?? '';
    expect(parse(text)).toBeTypeOf('object');
    expect(text).toContain('eu-central-1');
    expect(text).toContain('npx packleader validate');
  });

  it('is left out where the host has none that is known, or nobody wants one', async () => {
    expect(await workflows('--repository', 'codecommit::eu-west-1://images')).toEqual([]);
    expect(await workflows('--repository', REPOSITORY, '--ci', 'none')).toEqual([]);
  });

  it('may be another than that of the host', async () => {
    const found = await workflows('--repository', 'https://git.example.com/images', '--ci', 'gitlab');
    expect(found.map(([name]) => name)).toEqual(['.gitlab-ci.yml']);
    expect(found[0]?.[1]).toContain('aud: https://git.example.com\n');
  });

  it('takes short-lived credentials, and only for what is merged', async () => {
    const text = (await workflows('--repository', REPOSITORY))[0]?.[1] ?? '';
    const { permissions, jobs } = z
      .object({
        permissions: z.record(z.string(), z.string()),
        jobs: z.record(z.string(), z.looseObject({ permissions: z.unknown().optional() })),
      })
      .parse(parse(text));
    expect(permissions).toEqual({ contents: 'read' });
    expect(jobs['validate']?.permissions).toBeUndefined();
    expect(jobs['release']).toMatchObject({
      if: "github.event_name == 'push' && vars.PACKLEADER_ROLE_ARN != ''",
      permissions: { contents: 'read', 'id-token': 'write' },
    });
    expect(text).not.toContain('secrets.');
  });

  it('is not written below the root of a repository, where nothing would run it', async () => {
    const { root, files, run } = openRepository();
    execFileSync('git', ['init', '--quiet', root]);
    mkdirSync('images');
    process.chdir('images');
    const { out } = await run('init', ...TOLD);
    expect(out).toContain('no workflow was written: it must be in the root of the repository, ');
    expect(Object.keys(files()).filter((name) => name.includes('.github'))).toEqual([]);
  });
});

describe('packleader init asks', () => {
  /** Runs it for somebody who gives these answers, and then goes away. */
  const answer = async (
    answers: readonly string[],
    flags: Partial<Parameters<typeof initCommand>[0]> = {},
  ) => {
    const questions: string[] = [];
    const left = [...answers];
    const { output, texts } = written(true);
    await initCommand({ yes: false, stages: [], ...flags }, output, (_output, work) =>
      work((question) => {
        questions.push(question);
        return Promise.resolve(left.shift());
      }),
    );
    return { questions, texts, left };
  };

  it('for what it is not told, and again for what it cannot read', async () => {
    const { text } = openRepository();
    const { questions, left } = await answer([
      'git@github.com:example/images.git',
      REPOSITORY,
      '999999999999',
      '999999999999/eu-west-1',
      'dev',
      'dev=111111111111/eu-west-1',
      'prod=222222222222/eu-west-1',
      '',
    ]);
    expect(left).toEqual([]);
    expect(questions.map((question) => question.split('\n')[0])).toEqual([
      'Where does this repository live, as in https://github.com/example/images? ',
      expect.stringContaining('found an ssh URL, for which the hub has no key, must be https://github.com/'),
      'Which account and region hold the state machines, as in 999999999999/eu-west-1? ',
      '  found "999999999999", must look like 999999999999/eu-west-1',
      'The first stage, as in dev=111111111111/eu-west-1? Several targets of one are separated by commas. ',
      '  found "dev", must look like dev=111111111111/eu-west-1',
      'The next stage, as in prod=222222222222/eu-west-1? [no more] ',
      'The next stage, as in prod=222222222222/eu-west-1? [no more] ',
    ]);
    expect(text('packer/factory.yaml')).toContain('repository: https://github.com/example/images\n');
  });

  it.each([
    'https://github.com/example/machine-images.git',
    'git@github.com:example/machine-images.git',
    'ssh://git@github.com/example/machine-images',
  ])('whether the repository lives where git’s origin is: %s', async (origin) => {
    const { root, text } = openRepository();
    execFileSync('git', ['init', '--quiet', root]);
    execFileSync('git', ['-C', root, 'remote', 'add', 'origin', origin]);
    const { questions } = await answer(['', '999999999999/eu-west-1', 'dev=111111111111/eu-west-1', '']);
    expect(questions[0]).toBe(
      'Where does this repository live? [https://github.com/example/machine-images] ',
    );
    expect(text('packer/factory.yaml')).toContain('repository: https://github.com/example/machine-images\n');
  });

  it('nothing that it is told', async () => {
    openRepository();
    const { questions } = await answer(['dev=111111111111/eu-west-1', ''], {
      repository: REPOSITORY,
      hub: '999999999999/eu-west-1',
    });
    expect(questions).toHaveLength(2);
  });

  it('and fails without writing when nobody answers any more', async () => {
    const { files } = openRepository();
    await expect(answer([REPOSITORY])).rejects.toThrow(InvalidConfiguration);
    expect(files()).toEqual({});
  });
});

describe('packleader init fails with one sentence, and writes nothing,', () => {
  const FACTORY = `repository: ${REPOSITORY}
hub: { accountId: '999999999999', region: eu-west-1 }
stages:
  - { name: dev, targets: [{ accountId: '111111111111', region: eu-west-1 }] }
`;

  it.each<[string, Readonly<Record<string, string>>, readonly string[], string]>([
    [
      'where nobody can be asked',
      {},
      [],
      'packleader init: found nobody to ask, must be told what it cannot know: --repository https://github.com/example/images --hub 999999999999/eu-west-1 --stage dev=111111111111/eu-west-1 --stage prod=222222222222/eu-west-1',
    ],
    [
      'where a flag is missing',
      {},
      [...TOLD.slice(0, 2), ...TOLD.slice(4)],
      'packleader init: found nobody to ask, must be told what it cannot know: --hub 999999999999/eu-west-1',
    ],
    [
      'for a hub that is none',
      {},
      [...TOLD, '--hub', '99/eu-west-1'],
      '--hub: found "99", must be 12 digits',
    ],
    [
      'for a region that AWS has not',
      {},
      [...TOLD, '--hub', '999999999999/eu-west-9'],
      '--hub: found "999999999999/eu-west-9", must be a region of AWS, the nearest is "eu-west-1"',
    ],
    [
      'for a stage without a target',
      {},
      [...TOLD, '--stage', 'test'],
      '--stage: found "test", must look like dev=111111111111/eu-west-1',
    ],
    [
      'for a repository that the hub cannot clone',
      {},
      ['--repository', 'ftp://example.com/images', ...TOLD.slice(2)],
      '--repository: found "ftp://example.com/images", must be',
    ],
    [
      'for a target in two stages',
      {},
      [...TOLD, '--stage', 'again=111111111111/eu-west-1'],
      'found 111111111111/eu-west-1 twice',
    ],
    [
      'in a directory with images and no factory.yaml',
      { 'packer/images/web/image.yaml': 'version: "1.0"\n' },
      TOLD,
      'packer/images/web/image.yaml: is part of a factory, but there is no packer/factory.yaml: write that, or move packer/ away, and run it again',
    ],
    [
      'in a directory with layers and a factory.yml',
      { 'packer/factory.yml': FACTORY },
      TOLD,
      'packer/factory.yml: is part of a factory, but there is no packer/factory.yaml',
    ],
    [
      'for a factory that is there and is told otherwise',
      { 'packer/factory.yaml': FACTORY },
      TOLD,
      '--repository: is said in packer/factory.yaml, which is there and is kept: change it there, and leave the flag out',
    ],
    [
      'for a factory that is wrong',
      { 'packer/factory.yaml': `${FACTORY}hubb: 1\n` },
      [],
      'factory.yaml:5 hubb: found an unknown key, the nearest is "hub"',
    ],
    [
      'for layers that the first image could not be baked with',
      { 'packer/factory.yaml': FACTORY, 'packer/config/default.yaml': 'timeoutMinutes: 60\n' },
      [],
      'instanceType',
    ],
    [
      'for a file in place of packer/',
      { packer: '' },
      TOLD,
      'packer: is a file, must be a directory: move it away, and run it again',
    ],
    [
      'for a file in place of .github/',
      { '.github': '' },
      TOLD,
      '.github: is a file, must be a directory: move it away, and run it again',
    ],
    [
      'for a package.json that npm could not read',
      { 'package.json': '{ "name": ' },
      TOLD,
      'package.json: is no package.json that npm could read, must be one map with maps of scripts and dependencies',
    ],
    [
      'for a packleader.config that is wrong',
      { 'packleader.config': 'customerKeys: true\n' },
      TOLD,
      'packleader.config:1 customerKeys: found an unknown key, the nearest is "customerKey"',
    ],
  ])('%s', async (_title, there, args, sentence) => {
    const { run, files } = openRepository(there);
    const { exit, out, err } = await run('init', ...args);
    expect(err).toContain(sentence);
    expect(err).toMatch(/^refused; nothing was done\n/);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(files()).toEqual(there);
  });
});
