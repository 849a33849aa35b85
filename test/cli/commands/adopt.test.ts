import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { main } from '../../../cli/main.ts';
import { filesOf, STAGES } from '../../fixtures/factories.ts';
import { unifiedDiff } from '../../../cli/terminal/diff.ts';

const TEMPLATES = join(import.meta.dirname, '..', '..', 'fixtures', 'adopted');
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'adopt-test-'));
  for (const [name, text] of filesOf({ stages: STAGES })) {
    mkdirSync(dirname(join(place, 'packer', name)), { recursive: true });
    writeFileSync(join(place, 'packer', name), text);
  }
  cpSync(TEMPLATES, join(place, 'mine'), { recursive: true });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
});
afterEach(() => rmSync(place, { recursive: true }));

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-C', place, ...args], { encoding: 'utf8' });

/** What of the repository is new. */
const isNew = (): string[] => git('ls-files', '--others', '--exclude-standard').split('\n').filter(Boolean);
const read = (name: string): string => readFileSync(join(place, name), 'utf8');

async function run(...args: readonly string[]) {
  let out = '';
  let err = '';
  const code = await main(args, {
    print: (text) => void (out += text),
    complain: (text) => void (err += text),
    status: () => {},
    paint: (_, text) => text,
  });
  return { code, out, err };
}

/** Without Packer, so that the result is that of any machine. */
const adopt = (directory: string, ...more: readonly string[]) =>
  run('adopt', join(place, directory), '--factory', place, '--no-validate', ...more);

const SOURCE = ['--source', 'image: base'];

describe('adopt', () => {
  it('writes an image that is as small as what is different about it, and leaves the template alone', async () => {
    const { code, out, err } = await adopt(
      'mine/several-sources',
      '--only',
      'fleet.amazon-ebs.web',
      '--as',
      'web',
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(isNew()).toEqual(['packer/images/web/config/default.yaml', 'packer/images/web/image.yaml']);
    expect(git('diff', '--stat')).toBe('');
    expect(read('packer/images/web/image.yaml')).toBe(`description: web, from /mine/several-sources
version: '1.0'
platform: linux
packer:
  directory: /mine/several-sources
  only:
    - fleet.amazon-ebs.web
  variables:
    aws_region: region
  rootDeviceName: /dev/sda1
`);
    expect(read('packer/images/web/config/default.yaml')).toBe(`source:
  filter:
    name: ubuntu/images/*ubuntu-jammy-22.04-amd64-server-*
    root-device-type: ebs
    virtualization-type: hvm
  owners:
    - '099720109477'
instanceType: t3.micro
rootVolumeSizeGiB: 16
`);
    expect(out).toContain('takes away  ami_users  /mine/several-sources/sources.pkr.hcl:15: ');
    expect(out).toContain('-  ami_regions = ["us-west-2"]\n');
    expect(out).toContain('+  }, local.packleader_tags)\n');
  });

  it.each([
    ['windows', []],
    ['ansible-goss', []],
    ['ebssurrogate', []],
    ['timestamp', []],
    ['own-manifest', []],
    ['var-files', []],
    ['several-sources', ['--only', 'fleet.amazon-ebs.web']],
    ['build-level', ['--only', 'images.amazon-ebs.batch', ...SOURCE]],
    ['no-defaults', SOURCE],
    ['outside/web', SOURCE],
  ])(
    'makes of %s an image that rehearses, without a changed line',
    async (name, more) => {
      const { code, err } = await adopt(`mine/${name}`, '--as', 'mine', ...more);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const rehearsed = await run('rehearse', 'mine', '--factory', place, '--no-validate', '--json');
      expect(JSON.parse(rehearsed.out)).toMatchObject({ outcome: 'released' });
      expect(git('diff', '--stat')).toBe('');
    },
    60_000,
  );

  it('reads what files of variables state, and takes the one that there is', async () => {
    await adopt('mine/var-files');
    const document = read('packer/images/var-files/config/default.yaml');
    expect(document).toContain('name: al2023-ami-2023-*\n  owners:\n    - amazon\n');
    expect(read('packer/images/var-files/image.yaml')).toContain('varFiles:\n    - prod.pkrvars.hcl\n');
  });

  it('names what the template reads beside its directory, which is packed and whose change is the image’s', async () => {
    await adopt('mine/outside/web', ...SOURCE, '--as', 'front');
    expect(read('packer/images/front/image.yaml')).toContain(
      'alongside:\n    - /mine/outside/shared/cloud-init.yaml\n    - /mine/outside/shared/conf\n    - /mine/outside/shared/harden.sh\n',
    );
  });

  it('writes the path of a directory in the factory as seen from the image', async () => {
    cpSync(join(TEMPLATES, 'timestamp'), join(place, 'packer', 'runner'), { recursive: true });
    const { code } = await adopt('packer/runner');
    expect(code).toBe(0);
    expect(read('packer/images/runner/image.yaml')).toContain('directory: ../../runner\n');
  });

  it('prints one document on request', async () => {
    const { out } = await adopt('mine/windows', '--json');
    const document = z
      .looseObject({
        outcome: z.string(),
        wrote: z.array(z.string()),
        changes: z.array(z.unknown()),
        diff: z.string(),
      })
      .parse(JSON.parse(out));
    expect(document).toMatchObject({
      outcome: 'written',
      image: 'windows',
      build: 'learn-packer.amazon-ebs.firstrun-windows',
    });
    expect(document.wrote).toHaveLength(2);
    expect(document.diff).toContain('+++ /mine/windows/windows.pkr.hcl');
  });
});

describe('fails with one sentence, and writes nothing, when adopting', () => {
  const refusal = async (directory: string, ...more: readonly string[]): Promise<string> => {
    const { code, err } = await adopt(directory, ...more);
    expect(code).toBe(2);
    expect(isNew().filter((name) => name.startsWith('packer/'))).toEqual([]);
    return err.replaceAll(place, '');
  };

  it.each<readonly [string, string, readonly string[], string]>([
    [
      'a directory that is not there',
      'nothing',
      [],
      '/nothing: is not there, must be a directory that holds *.pkr.hcl',
    ],
    [
      'one without a template',
      'mine/outside/shared',
      [],
      'holds neither *.pkr.hcl nor a template in JSON with builders',
    ],
    ['one outside of the repository', '..', [], 'must be a directory in the repository '],
    ['the whole repository', '.', [], 'and not the whole of it'],
    [
      'one of several builds',
      'mine/build-level',
      [],
      '--only: found nothing, must be one of images.amazon-ebs.api, images.amazon-ebs.batch',
    ],
    [
      'a build that there is not',
      'mine/build-level',
      ['--only', 'x.y'],
      '--only: found x.y, must be one of images.amazon-ebs.api',
    ],
    [
      'under a name that is taken',
      'mine/timestamp',
      ['--as', 'base'],
      '--as: found base, which is an image already',
    ],
    [
      'under a name that is none',
      'mine/timestamp',
      ['--as', 'My Image'],
      'found the name "My Image", must be lower-case letters',
    ],
    [
      'without a word on its source AMI',
      'mine/no-defaults',
      [],
      "does not say which AMI no-defaults starts from: say it as --source 'image: linux-base'",
    ],
    [
      'with a source that is none',
      'mine/no-defaults',
      ['--source', 'image: x'],
      'source.image: found "x", must be an image of this factory',
    ],
    [
      'with a variable that is none',
      'mine/timestamp',
      ['--variable', 'x'],
      '--variable: found "x", must look like packages=[nginx, jq]',
    ],
  ])('%s', async (_, directory, more, said) => {
    expect(await refusal(directory, ...more)).toContain(said);
  });

  it('the same directory twice', async () => {
    await adopt('mine/timestamp');
    const { code, err } = await adopt('mine/timestamp', '--as', 'again');
    expect(code).toBe(2);
    expect(err).toContain('takes already: two images of one directory need a build each, named by only');
    expect(existsSync(join(place, 'packer/images/again'))).toBe(false);
  });

  it('a symbolic link that leads out of the repository', async () => {
    symlinkSync('/etc/hostname', join(place, 'mine/timestamp/link'));
    expect(await refusal('mine/timestamp')).toContain(
      '/mine/timestamp/link: found a symbolic link to "/etc/hostname", must be relative: a bake has the factory, and nothing around it',
    );
  });

  it('a template that reads what lies outside of the repository', async () => {
    const file = join(place, 'mine/windows/windows.pkr.hcl');
    writeFileSync(file, read('mine/windows/windows.pkr.hcl').replace('"./bootstrap_win.txt"', '"../../../"'));
    expect(await refusal('mine/windows')).toContain('names ../../.., which leads out of the repository');
  });
});

describe('with a Packer', () => {
  const environment = { ...process.env };
  afterEach(() => {
    process.env = { ...environment };
  });

  /** A Packer that makes this of old JSON, and says this when it is to judge a template. */
  function packer(hcl: string, said = ''): void {
    const bin = join(place, '..', `${place.split('/').at(-1)}-bin`);
    mkdirSync(bin);
    made.push(bin);
    writeFileSync(join(bin, 'made.hcl'), hcl);
    writeFileSync(join(bin, 'said'), said);
    writeFileSync(
      join(bin, 'packer'),
      `#!/bin/sh
[ "$1" = version ] && echo 'Packer v1.11.2' && exit
[ "$1" = hcl2_upgrade ] && cp ${bin}/made.hcl "\${2#-output-file=}" && exit
[ -s ${bin}/said ] || exit 0
cat ${bin}/said >&2
exit 1
`,
      { mode: 0o755 },
    );
    process.env['PATH'] = `${bin}:${process.env['PATH']}`;
    process.env['PACKLEADER_CACHE'] = join(bin, 'cache');
  }
  const made: string[] = [];
  afterEach(() => {
    for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
  });

  it('writes what old JSON becomes beside it, and bakes that', async () => {
    packer(read('mine/windows/windows.pkr.hcl').replaceAll('./', ''));
    const { code, err } = await run('adopt', join(place, 'mine/legacy-json'), '--factory', place);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(isNew()).toEqual([
      'mine/legacy-json/web.pkr.hcl',
      'packer/images/legacy-json/config/default.yaml',
      'packer/images/legacy-json/image.yaml',
    ]);
    expect(read('packer/images/legacy-json/image.yaml')).toContain('directory: /mine/legacy-json\n');
  });

  it('fails with one sentence for a plugin that is not installed, and writes nothing', async () => {
    packer(
      '',
      'Error: Missing plugins\n\nThe following plugins are required, but not installed:\n\n* github.com/hashicorp/ansible ~> 1\n\nDid you run packer init for this project ?\n',
    );
    const { code, err } = await run('adopt', join(place, 'mine/ansible-goss'), '--factory', place);
    expect(code).toBe(2);
    expect(err).toMatch(
      /mine\/ansible-goss: cannot be judged here: The following plugins are required, but not installed: \* github\.com\/hashicorp\/ansible ~> 1: run `packer init` in/,
    );
    expect(isNew()).toEqual([]);
  });

  it('fails with what Packer says of the template, at its own line', async () => {
    packer(
      '',
      'Error: Unsupported argument\n\n  on windows.pkr.hcl line 45:\n  (source code not available)\n\nAn argument named "x" is not expected here.\n',
    );
    const { code, err } = await run('adopt', join(place, 'mine/windows'), '--factory', place);
    expect(code).toBe(2);
    expect(err).toMatch(
      /\/mine\/windows\/windows\.pkr\.hcl:\d+: Unsupported argument: An argument named "x"/,
    );
    expect(isNew()).toEqual([]);
  });
});

it('a difference shows what changed, with the lines around it, and nothing where nothing did', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\n';
  expect(unifiedDiff(['x', 'y'], before, before)).toEqual([]);
  expect(unifiedDiff(['x', 'y'], before, before.replace('f\n', 'F\nG\n'))).toEqual([
    '--- x',
    '+++ y',
    '@@ -4 +4 @@',
    ' d',
    ' e',
    '-f',
    '+F',
    '+G',
    ' g',
    ' h',
  ]);
});
