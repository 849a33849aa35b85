import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  BAKE_ENVIRONMENT,
  HAS_BUILDER_CHOICES,
  HAS_SECRETS,
  hasOverlay,
  takesTemplate,
} from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { writeFiles } from '../fixtures/directories.ts';
import { Build, bakeEnvironment, git, requirePrograms, sha256 } from './build.ts';

const release = 'linux-base@1.4.20261121093000';
const target = { accountId: '111111111111', region: 'eu-central-1' };
const prefix = keys.planPrefix('one', 'linux-base');
const made = (uuid: string, artifact: string) => ({
  packer_run_uuid: uuid,
  artifact_id: artifact,
  custom_data: { release, source_ami: 'ami-0123456789abcdef0' },
});
const manifest = {
  builds: [
    made('earlier', 'eu-central-1:ami-0aaaaaaaaaaaaaaaa'),
    made('last', 'eu-central-1:ami-0bbbbbbbbbbbbbbbb'),
  ],
  last_run_uuid: 'last',
};

let build: Build;
beforeAll(() => requirePrograms('unzip', 'git'));
beforeEach(() => {
  build = new Build();
  build.put(
    keys.packerVariables(prefix, target),
    '{"region":"eu-central-1","instance_type":"m7i.large","subnet_id":"","timeout_minutes":60}',
  );
  for (const kind of ['Instances', 'KeyPairs', 'SecurityGroups']) build.answer(`ec2 Describe${kind}`, '');
  packer();
});
afterEach(() => build.remove());

/** Stands in for Packer: says its version, keeps what it was told, and ends as it is told. */
function packer(is: { version?: string; script?: string; result?: object } = {}) {
  const { version = '1.11.2', script = '', result = manifest } = is;
  build.program(
    'packer',
    `#!/usr/bin/env bash
[ "$1" = version ] && echo "Packer v${version}" && exit
printf '%s\\n' "$PWD: $*" >>"$FAKE_AWS/packer"
[ "$1" = init ] && exit
env >"$FAKE_AWS/environment"
${script}
cat >packer-manifest.json <<'END'
${JSON.stringify(result)}
END
`,
  );
}

function bake(environment: Record<string, string> = {}, files: Record<string, string> = {}) {
  return bakeFrom(sourceOf(files), environment);
}

function sourceOf(files: Record<string, string>): Uint8Array {
  return zipSync({
    'images/linux-base/image.pkr.hcl': Buffer.from('# a template\n'),
    'images/linux-base/packer-manifest.json': Buffer.from(
      '{"builds":[],"last_run_uuid":"from the repository"}',
    ),
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
  });
}

function bakeFrom(zip: Uint8Array, environment: Record<string, string> = {}) {
  const source = keys.source('c'.repeat(40), sha256(zip));
  build.put(source, zip);
  return build.run('bake', {
    ...bakeEnvironment(target, { release, prefix, source, zip }),
    ...environment,
  });
}

const planSays = (metadata: Readonly<Record<string, string>>) =>
  build.put(`${keys.packerVariables(prefix, target)}.metadata`, JSON.stringify(metadata));
const hasSecrets = () => planSays(HAS_SECRETS);
const toldPacker = () => build.left('../packer') ?? '';

describe('a bake', () => {
  it('runs Packer in the image with the variables of the target, and exports the AMI of this run', () => {
    const { status, log, exported } = bake();
    expect({ status, exported }, log).toEqual({
      status: 0,
      exported: {
        AMI_ID: 'ami-0bbbbbbbbbbbbbbbb',
        SOURCE_AMI: 'ami-0123456789abcdef0',
        PACKAGES_SHA256: '',
        BUILDER: 'm7i.large',
        LAST_ERROR: '',
      },
    });
    const work = `${build.directory}/work`;
    expect(toldPacker().trim().split('\n')).toEqual([
      `${work}/factory/images/linux-base: init .`,
      `${work}/factory/images/linux-base: build -color=false -timestamp-ui -var-file=${work}/target.pkrvars.json .`,
    ]);
  });

  it('prints and records what Packer says as plain text, also where a sequence comes in two pieces', () => {
    const said = `printf '==> a \\033'; sleep 0.2; printf '[2J\\033]8;;http://x\\007line\\n\\342\\200\\256last'; printf '\\033[31mred\\n' >&2`;
    packer({ script: said });
    const { log } = bake();
    expect(log).toContain('==> a line\n\\u202elast');
    expect(log).not.toMatch(/(?![\n\t])\p{Cc}|\u202E|http:\/\/x/u);
    // A line of one stream may come within one of the other.
    const recorded = build.left('record/packer.log') ?? '';
    expect(recorded.replace('red\n', '')).toBe('==> a line\n\\u202elast');
  });

  it('opens the source with the names that it has, in whatever language the build speaks', () => {
    const repository = join(build.directory, 'repository');
    writeFiles(repository, {
      'images/linux-base/image.pkr.hcl': '# a template\n',
      'images/linux-base/ümläut-木.sh': 'true\n',
    });
    git(repository, 'init', '--quiet');
    git(repository, 'add', '--all');
    git(repository, 'commit', '--quiet', '--message', 'one');
    // unzip takes the names of fflate's zips for those of another system.
    git(repository, 'archive', '--format=zip', '-0', '--output=../source.zip', 'HEAD');
    packer({ script: 'ls >"$FAKE_AWS/listed"' });
    expect(bakeFrom(readFileSync(join(build.directory, 'source.zip'))).status).toBe(0);
    expect(build.left('../listed')).toContain('ümläut-木.sh');
  });

  it.each([
    ['succeeded', '', 0, ['builders.json', 'packer-manifest.json', 'packer.log']],
    ['failed', 'echo "no such package" >&2; exit 1', 1, ['builders.json', 'packer.log']],
    ['was killed', 'echo "no such package" >&2; kill -KILL $$', 1, ['builders.json', 'packer.log']],
  ])('that %s leaves its record for CodeBuild to upload', (_, script, status, files) => {
    packer({ script: `echo "==> a line of Packer"; ${script}` });
    expect(bake().status).toBe(status);
    expect(build.list('record')).toEqual(files);
    expect(build.left('record/packer.log')).toBe(
      `==> a line of Packer\n${status === 0 ? '' : 'no such package\n'}`,
    );
  });

  it('exports the digest of the packages that the image wrote down', () => {
    const list = 'bash\t5.2\tx86_64\n';
    packer({
      script: `printf '${list}' >package-manifest.tsv; sha256sum package-manifest.tsv >package-manifest.tsv.sha256`,
    });
    expect(bake().exported['PACKAGES_SHA256']).toBe(sha256(list));
    expect(build.left('record/package-manifest.tsv')).toBe(list);
    packer({
      script: `printf '${list}' >package-manifest.tsv; echo ${'0'.repeat(64)} >package-manifest.tsv.sha256`,
    });
    expect(bake()).toMatchObject({ status: 1, log: expect.stringContaining('the image says 000') });
  });

  it('gives secrets to Packer as they are, and to nobody else', () => {
    hasSecrets();
    const password = '$(touch pwned) "quoted"\nsecond line';
    build.put(
      keys.packerSecrets(prefix, target),
      JSON.stringify({
        admin_password: { secretsManager: 'file:///etc/passwd' },
        ports: { ssmParameter: '--region' },
      }),
    );
    build.answer('secretsmanager GetSecretValue', { SecretString: password });
    build.answer('ssm GetParameter', { Parameter: { Value: '[80, 443]' } });
    const { status, log, calls } = bake();
    expect(status, log).toBe(0);
    expect(build.left('../environment')).toContain(`PKR_VAR_admin_password=${password}\n`);
    expect(build.left('../environment')).toContain('PKR_VAR_ports=[80, 443]\n');
    expect(build.left('record/packer.log')).not.toContain('pwned');
    expect(log + calls.join() + toldPacker()).not.toContain('pwned');
    expect(calls.filter((call) => /^(secretsmanager|ssm) /.test(call)).toSorted()).toEqual([
      'secretsmanager GetSecretValue {"SecretId":"file:///etc/passwd"}',
      'ssm GetParameter {"Name":"--region","WithDecryption":true}',
    ]);
  });

  it('takes the pinned Packer where the image has none that is new enough', () => {
    packer({ version: '1.10.3' });
    expect(bake()).toMatchObject({
      status: 1,
      log: expect.stringContaining('No Packer 1.11 or newer is here or pinned: use packleader pin'),
    });
    const pinned = zipSync({ packer: Buffer.from('#!/bin/sh\nexit 3\n') });
    build.put('packer.zip', pinned);
    build.program(
      'curl',
      '#!/bin/sh\necho "$@" >>"$FAKE_AWS/curl"\ncp "$FAKE_AWS/bucket/packer.zip" packer.zip\n',
    );
    const version = { PACKLEADER_PACKER_VERSION: '1.14.0' };
    expect(bake({ ...version, PACKLEADER_PACKER_SHA256: '0'.repeat(64) })).toMatchObject({
      status: 1,
      log: expect.stringMatching(/packer_1\.14\.0_linux_\w+\.zip has the SHA-256 \w+, expected 000/),
    });
    expect(build.left('tools/packer')).toBeUndefined();
    bake({ ...version, PACKLEADER_PACKER_SHA256: sha256(pinned) });
    expect(build.left('tools/packer')).toBe('#!/bin/sh\nexit 3\n');
    expect(build.left('../curl')).toMatch(
      /--proto =https .* -o packer\.zip https:\/\/releases\.hashicorp\.com\//,
    );
  });
});

describe('a bake of an image with a template', () => {
  const inTemplate = {
    'templates/linux/source.pkr.hcl': 'shared\n',
    'templates/linux/bake/a.sh': 'shared\n',
  };
  const left = (name: string) => build.left(`factory/images/linux-base/${name}`);

  it('runs Packer where both are laid over each other, and says so in its log', () => {
    planSays(takesTemplate('linux'));
    packer({ script: 'cat source.pkr.hcl image.pkr.hcl bake/a.sh >"$FAKE_AWS/seen"' });
    const { status, log } = bake({}, inTemplate);
    expect(status, log).toBe(0);
    expect(log).toContain('images/linux-base is laid over templates/linux.\n');
    expect(build.left('../seen')).toBe('shared\n# a template\nshared\n');
    expect(toldPacker()).toContain(`${build.directory}/work/factory/images/linux-base: init .`);
  });

  it('keeps the own files of the image, and says which in one line', () => {
    planSays({ ...takesTemplate('linux'), ...HAS_SECRETS });
    build.put(keys.packerSecrets(prefix, target), '{}');
    const { status, log } = bake({}, { ...inTemplate, 'templates/linux/image.pkr.hcl': 'shared\n' });
    expect(status, log).toBe(0);
    expect(log).toContain(
      "images/linux-base is laid over templates/linux, with its own image.pkr.hcl in place of the template's.\n",
    );
    expect(left('image.pkr.hcl')).toBe('# a template\n');
    expect(left('source.pkr.hcl')).toBe('shared\n');
  });

  it('takes none when the plan names none, although the source has some', () => {
    const { status, log } = bake({}, inTemplate);
    expect(status, log).toBe(0);
    expect(log).not.toContain('laid over');
    expect(left('source.pkr.hcl')).toBeUndefined();
  });

  it.each([
    ['that the source does not have', 'linx', 'which the source does not have: it has templates/linux.'],
    ['that is a path', '../images', 'which is not the name of a directory below templates/.'],
  ])('fails before Packer runs on a template %s, and exports why', (_, template, why) => {
    planSays(takesTemplate(template));
    const { status, exported } = bake({}, inTemplate);
    expect({ status, error: exported['LAST_ERROR'] }).toEqual({
      status: 1,
      error: expect.stringContaining(why),
    });
    expect(toldPacker()).toBe('');
  });

  it.each([
    [takesTemplate('linux'), 'images/linux-api holds no *.pkr.hcl, and neither does templates/linux.'],
    [{}, 'images/linux-api holds no *.pkr.hcl, and takes no template.'],
  ])('fails when there is nothing for Packer to read: %j', (metadata, why) => {
    planSays(metadata);
    const files = { 'images/linux-api/image.yaml': '', 'templates/linux/bake/a.sh': '' };
    const { status, log } = bake({ [BAKE_ENVIRONMENT.image]: 'linux-api' }, files);
    expect({ status, log }).toEqual({ status: 1, log: expect.stringContaining(why) });
    expect(toldPacker()).toBe('');
  });
});

const pinned = (digest: string) => ({
  PACKLEADER_SESSION_MANAGER_PLUGIN_VERSION: '1.2.707.0',
  PACKLEADER_SESSION_MANAGER_PLUGIN_SHA256: digest,
});

describe('the plugin for Session Manager', () => {
  beforeEach(() => {
    build.put('plugin.rpm', 'an rpm');
    build.program('curl', '#!/bin/sh\ncp "$FAKE_AWS/bucket/plugin.rpm" session-manager-plugin.rpm\n');
    build.program('rpm', '#!/bin/sh\necho "$@" >"$FAKE_AWS/rpm"\n');
  });

  it('is installed when it is pinned, and missed aloud when it is not', () => {
    expect(bake(pinned(sha256('an rpm'))).status).toBe(0);
    expect(build.left('../rpm')).toBe('--install session-manager-plugin.rpm\n');
    expect(bake()).toMatchObject({
      status: 0,
      log: expect.stringContaining('No session-manager-plugin is here'),
    });
  });

  it('fails the bake before it is installed when it is another file', () => {
    expect(bake(pinned('0'.repeat(64)))).toMatchObject({
      status: 1,
      log: expect.stringContaining('expected 000'),
    });
    expect(build.left('../rpm')).toBeUndefined();
  });
});

describe('what a bake downloads', () => {
  const zip = zipSync({
    'LICENSE.txt': Buffer.from('a licence'),
    'packer-plugin-amazon_v1.3.2_x5.0_linux_arm64': [
      Buffer.from('#!/bin/sh\n'),
      { os: 3, attrs: 0o100755 << 16 },
    ],
  });
  const url =
    'https://github.com/hashicorp/packer-plugin-amazon/releases/download/v1.3.2/packer-plugin-amazon_v1.3.2_x5.0_linux_arm64.zip';
  const plugin = (digest = sha256(zip)) => ({
    PACKLEADER_PLUGINS: `github.com/hashicorp/amazon ${url} ${digest}`,
  });
  const fromBucket = { PACKLEADER_DOWNLOADS: 'bucket' };
  const installed = `plugins install --path ${sha256(zip)}/packer-plugin-amazon_v1.3.2_x5.0_linux_arm64 github.com/hashicorp/amazon`;
  const verbs = () =>
    [...toldPacker().matchAll(/: ((?:plugins install|init|build)(?: .*)?)$/gm)].map(([, verb]) => verb);

  beforeEach(() => {
    build.put('plugin.zip', zip);
    build.program(
      'curl',
      '#!/bin/sh\necho "$@" >>"$FAKE_AWS/curl"\nwhile [ "$1" != -o ]; do shift; done\ncp "$FAKE_AWS/bucket/plugin.zip" "$2"\n',
    );
    packer({ script: '[ "$1" = plugins ] && { [ -x "$4" ] || exit 9; exit 0; }' });
  });

  it('are the plugins that are pinned, in place of what packer init would choose', () => {
    const { status, log } = bake(plugin());
    expect(status, log).toBe(0);
    expect(verbs()).toEqual([installed, expect.stringMatching(/^build /)]);
    expect(build.left('../curl')).toContain(` -o plugin.zip ${url}\n`);
  });

  it('several plugins are kept apart', () => {
    const { status } = bake({
      PACKLEADER_PLUGINS: `${plugin().PACKLEADER_PLUGINS} ${plugin().PACKLEADER_PLUGINS.replace('amazon', 'amazing')}`,
    });
    expect(status).toBe(0);
    expect(verbs()).toEqual([
      installed,
      installed.replace(/amazon$/, 'amazing'),
      expect.stringMatching(/^build /),
    ]);
  });

  it('comes from a mirror, under the host and path of its vendor', () => {
    const { status } = bake({ ...plugin(), PACKLEADER_DOWNLOADS: 'https://mirror.example.com/packer' });
    expect(status).toBe(0);
    expect(build.left('../curl')).toContain(
      ` https://mirror.example.com/packer/${url.slice('https://'.length)}\n`,
    );
  });

  it('comes from the bucket, all of it, and from nowhere else', () => {
    packer({ version: '1.10.3', script: 'exit 4' });
    const ours = zipSync({
      packer: [
        Buffer.from(`#!/bin/sh\nPATH=$PATH exec "${build.directory}/bin/real" "$@"\n`),
        { os: 3, attrs: 0o100755 << 16 },
      ],
    });
    build.program(
      'real',
      '#!/bin/sh\nprintf "%s\\n" ": $*" >>"$FAKE_AWS/packer"\n[ "$1" = build ] && exit 3\nexit 0\n',
    );
    build.program('rpm', '#!/bin/sh\ncp "$2" "$FAKE_AWS/rpm"\n');
    build.put(keys.tool(sha256(ours)), ours);
    build.put(keys.tool(sha256(zip)), zip);
    build.put(keys.tool(sha256('an rpm')), 'an rpm');
    const { log, calls } = bake({
      ...fromBucket,
      ...plugin(),
      ...pinned(sha256('an rpm')),
      PACKLEADER_PACKER_VERSION: '1.14.0',
      PACKLEADER_PACKER_SHA256: sha256(ours),
    });
    expect(verbs(), log).toEqual([installed, expect.stringMatching(/^build /)]);
    expect(build.left('../rpm')).toBe('an rpm');
    expect(build.left('../curl')).toBeUndefined();
    expect(calls.filter((call) => call.includes('tools/'))).toHaveLength(3);
  });

  it.each([
    [
      'from the bucket',
      fromBucket,
      /^s3:\/\/packleader-999999999999-eu-west-1\/tools\/0{64} has the SHA-256 \w+, expected 0{64}\. Nothing of it was used\.$/,
    ],
    [
      'from its vendor',
      {},
      /_linux_arm64\.zip has the SHA-256 \w+, expected 0{64}\. Nothing of it was used\.$/,
    ],
  ])('fails the bake when it is another file, %s, before Packer runs', (_, from, why) => {
    build.put(keys.tool('0'.repeat(64)), zip);
    const { status, exported } = bake({ ...from, ...plugin('0'.repeat(64)) });
    expect([status, exported['LAST_ERROR']]).toEqual([1, expect.stringMatching(why)]);
    expect(verbs()).toEqual([]);
    expect(build.left('plugin.zip')).toBeUndefined();
  });

  it('fails the bake with the object that the bucket does not have', () => {
    const { status, exported } = bake({ ...fromBucket, ...plugin() });
    expect([status, exported['LAST_ERROR']]).toEqual([
      1,
      expect.stringContaining(`tools/${sha256(zip)} could not be read: AWS answered`),
    ]);
  });
});

describe('a bake fails', () => {
  it("with Packer's own reason exported, and no secret in it", () => {
    hasSecrets();
    build.put(
      keys.packerSecrets(prefix, target),
      JSON.stringify({ admin_password: { secretsManager: 'packleader/admin' } }),
    );
    build.answer('secretsmanager GetSecretValue', { SecretString: 'hunter2!' });
    const reason = 'Script exited with non-zero exit status: 1. Allowed exit codes are: [0]';
    packer({
      script: [
        `echo "==> amazon-ebs.image: login with $PKR_VAR_admin_password refused"`,
        `echo "==> amazon-ebs.image: Provisioning step had errors: Running the cleanup provisioner, if present..."`,
        `echo "Build 'amazon-ebs.image' errored after 1 minute: ${reason}" >&2`,
        'exit 1',
      ].join('\n'),
    });
    const { status, log, exported } = bake();
    expect({ status, exported }, log).toEqual({
      status: 1,
      exported: { LAST_ERROR: `login with *** refused | ${reason}` },
    });
  });

  it('with the reason exported when Packer was never run', () => {
    const { exported } = bake({ [BAKE_ENVIRONMENT.sourceSha256]: 'f'.repeat(64) });
    expect(exported['LAST_ERROR']).toMatch(/has the SHA-256 .* Nothing of it was used\.$/);
  });

  it('before anything is unpacked when the bytes are not those of the release', () => {
    const { status, log } = bake({ [BAKE_ENVIRONMENT.sourceSha256]: 'f'.repeat(64) });
    expect({ status, log }).toEqual({ status: 1, log: expect.stringContaining('Nothing of it was used') });
    expect([
      build.left('source.zip'),
      build.left('factory/images/linux-base/image.pkr.hcl'),
      toldPacker(),
    ]).toEqual([undefined, undefined, '']);
  });

  it.each([
    ['exit 1', 'packer build failed: exit status 1'],
    ['kill -KILL $$', 'packer build failed: SIGKILL'],
  ])('when Packer ends with %s, even if a manifest is there', (script, message) => {
    packer({ script: `echo '${JSON.stringify(manifest)}' >packer-manifest.json; ${script}` });
    const { status, log, exported } = bake();
    expect({ status, log, exported }).toEqual({
      status: 1,
      log: expect.stringContaining(message),
      exported: { LAST_ERROR: message },
    });
  });

  it.each([
    [
      'no build',
      { builds: [made('earlier', 'eu-central-1:ami-0aaaaaaaaaaaaaaaa')], last_run_uuid: 'last' },
      'has 0 builds',
    ],
    ['two builds', { builds: manifest.builds, last_run_uuid: undefined }, 'has 0 builds'],
    [
      'two AMIs',
      { builds: [made('last', 'eu-central-1:ami-0aaaaaaa,eu-west-1:ami-0bbbbbbb')], last_run_uuid: 'last' },
      'expected one AMI in eu-central-1',
    ],
    [
      'another region',
      { builds: [made('last', 'eu-west-1:ami-0aaaaaaa')], last_run_uuid: 'last' },
      'expected one AMI in',
    ],
    [
      'another release',
      {
        builds: [{ ...made('last', 'eu-central-1:ami-0aaaaaaa'), custom_data: { release: 'other@1' } }],
        last_run_uuid: 'last',
      },
      'The manifest says release=other@1',
    ],
  ])('when the manifest names %s', (_, result, message) => {
    packer({ result });
    expect(bake()).toMatchObject({ status: 1, log: expect.stringContaining(message) });
  });

  it('when Packer wrote no manifest: one from the repository does not count', () => {
    packer({ script: 'exit 0' });
    expect(bake()).toMatchObject({
      status: 1,
      log: expect.stringContaining('wrote no packer-manifest.json'),
    });
  });

  it('when the plan has nothing for this target', () => {
    expect(bake({ [BAKE_ENVIRONMENT.planPrefix]: 'plans/two/linux-base' })).toMatchObject({
      status: 1,
      log: expect.stringMatching(/s3:\/\/.*\.json could not be read/),
    });
  });

  it('when the plan says that there are secrets, and they are missing', () => {
    hasSecrets();
    expect(bake()).toMatchObject({
      status: 1,
      log: expect.stringMatching(/s3:\/\/.*\.secrets\.json could not be read/),
    });
    expect(toldPacker()).toBe('');
  });

  it('when a secret cannot be read', () => {
    hasSecrets();
    build.put(keys.packerSecrets(prefix, target), '{"token":{"secretsManager":"packleader/token"}}');
    expect(bake()).toMatchObject({
      status: 1,
      log: expect.stringContaining(
        'The secret packleader/token could not be read: AWS answered AccessDenied',
      ),
    });
    expect(toldPacker()).toBe('');
  });

  it.each([
    [BAKE_ENVIRONMENT.image, '../../etc'],
    [BAKE_ENVIRONMENT.image, '$(touch pwned)'],
    [BAKE_ENVIRONMENT.region, '--region=x'],
    [BAKE_ENVIRONMENT.bucket, 'bucket/key'],
    [BAKE_ENVIRONMENT.sourceKey, 'sources/../plans/x.zip'],
    [BAKE_ENVIRONMENT.planPrefix, 'plans/../../linux-base'],
    [BAKE_ENVIRONMENT.sourceAmi, ''],
  ])('when %s is %j', (name, value) => {
    expect(bake({ [name]: value })).toMatchObject({ status: 1, log: expect.stringContaining(name) });
    expect(toldPacker()).toBe('');
  });
});

/** The calls of EC2 in their order, each with the values of what it was told. */
const asksOfEc2 = (calls: readonly string[]): string[] =>
  calls
    .filter((call) => call.startsWith('ec2'))
    .map((call) => {
      const { Action, Version: _, ...told } = Object.fromEntries(new URLSearchParams(call.split(' ')[2]));
      return [Action, ...Object.values(told)].join(' ');
    });

describe('the end of a bake', () => {
  it.each([
    ['succeeded', ''],
    ['failed', 'exit 1'],
  ])('that %s removes its own builders, never an AMI', (_, script) => {
    packer({ script });
    for (const call of ['TerminateInstances', 'DeleteKeyPair', 'DeleteSecurityGroup'])
      build.answer(`ec2 ${call}`, '');
    const [one, two] = ['<instanceId>i-1</instanceId>', '<instanceId>i-2</instanceId>'];
    build.answer('ec2 DescribeInstances', [`${one}<groupId>sg-1</groupId>${two}`, two, '']);
    build.answer('ec2 DescribeKeyPairs', '<keyPairId>key-1</keyPairId>');
    build.answer(
      'ec2 DescribeSecurityGroups',
      '<item><groupId>sg-1</groupId><ipPermissions><item><groupId>sg-of-others</groupId></item></ipPermissions></item>',
    );
    const { status, calls } = bake();
    expect(status).toBe(script === '' ? 0 : 1);
    const asked = asksOfEc2(calls);
    const ofRelease = 'tag:packleader:release linux-base@1.4.20261121093000';
    const alive = `DescribeInstances ${ofRelease} instance-state-name pending running shutting-down stopping stopped`;
    expect(asked.slice(0, 3).toSorted()).toEqual([
      alive,
      `DescribeKeyPairs ${ofRelease}`,
      `DescribeSecurityGroups ${ofRelease}`,
    ]);
    expect(asked.slice(3)).toEqual([
      'TerminateInstances i-1',
      'TerminateInstances i-2',
      alive,
      alive,
      'DeleteKeyPair key-1',
      'DeleteSecurityGroup sg-1',
    ]);
    expect(build.slept()).toEqual([15]);
  });

  it('fails when a builder cannot be removed, although the AMI is there', () => {
    build.answer('ec2 DescribeInstances', '<instanceId>i-1</instanceId>');
    expect(bake()).toMatchObject({
      status: 1,
      log: expect.stringContaining('TerminateInstances failed: AWS answered'),
    });
  });
});

describe('a bake of an image that takes a directory as it is', () => {
  const overlay = JSON.stringify({
    directory: '.repository/mine/web',
    arguments: [
      '-only=amazon-ebs.web',
      '-var=ami_id={source_ami}',
      '-var=packleader_subnet_id={subnet_id}',
      '-var=type={instance_type}',
      '-var=cheap={spot}',
      '-var=hold={keep_minutes}',
    ],
    files: { 'web.pkr.hcl': 'rewritten\n', 'packleader.pkr.hcl': 'added ${source_ami}\n' },
  });
  const mine = {
    'images/linux-base/image.yaml': '',
    '.repository/mine/web/web.pkr.hcl': 'as it was\n',
    '.repository/mine/shared/x.sh': 'beside\n',
  };
  const isPlanned = (more: Readonly<Record<string, string>> = {}) => {
    const packleader = { instance_type: 'm7i.large', subnet_id: 'subnet-1', timeout_minutes: 60 };
    build.put(keys.packerVariables(prefix, target), JSON.stringify({ packleader }));
    planSays({ ...hasOverlay(sha256(overlay)), ...more });
    build.put(keys.overlay(prefix, target), overlay);
  };

  it('lays what was planned over a copy, and calls Packer there as it was planned', () => {
    isPlanned();
    packer({ script: 'cat web.pkr.hcl packleader.pkr.hcl ../shared/x.sh >"$FAKE_AWS/seen"' });
    const { status, log, exported } = bake({}, mine);
    expect(status, log).toBe(0);
    expect(exported['AMI_ID']).toBe('ami-0bbbbbbbbbbbbbbbb');
    expect(build.left('../seen')).toBe('rewritten\nadded ${source_ami}\nbeside\n');
    expect(build.left('factory/.repository/mine/web/web.pkr.hcl')).toBe('as it was\n');
    const work = `${build.directory}/work`;
    expect(toldPacker()).toBe(
      [
        `${work}/linux-base/.repository/mine/web: init .`,
        `${work}/linux-base/.repository/mine/web: build -color=false -timestamp-ui -only=amazon-ebs.web -var=ami_id=ami-0123456789abcdef0 -var=packleader_subnet_id=subnet-1 -var=type=m7i.large -var=cheap=false -var=hold=0 -var-file=${work}/target.pkrvars.json .\n`,
      ].join('\n'),
    );
  });

  it('tells it by its own variables where else the builder may run', () => {
    isPlanned(HAS_BUILDER_CHOICES);
    const choices = { instanceTypes: ['m7a.large'], subnetIds: ['subnet-2'] };
    build.put(keys.builderChoices(prefix, target), JSON.stringify(choices));
    const { status, log, exported } = bake({}, mine);
    expect(status, log).toBe(0);
    expect(exported['BUILDER']).toBe('m7a.large');
    expect(toldPacker()).toContain(
      ' -var=packleader_subnet_id=subnet-2 -var=type=m7a.large -var=cheap=false -var=hold=0 -var-file=',
    );
  });

  it('fails before Packer runs when what lies in the bucket is not what was planned', () => {
    planSays(hasOverlay(sha256('another')));
    build.put(keys.overlay(prefix, target), overlay);
    const { status, exported } = bake({}, mine);
    expect({ status, error: exported['LAST_ERROR'] }).toEqual({
      status: 1,
      error: 'overlay.json is not as planned.',
    });
    expect(toldPacker()).toBe('');
  });
});
