import { readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../core/amis/advice.ts';
import { lastError } from '../../buildspecs/last-error.mjs';
import { KINDS } from './recordings/kinds.ts';
import { recordingOf, withoutChance } from './recordings/recordings.ts';

/** What is told of each recording. The first words say why, whatever Packer prints around them. */
const TOLD: Readonly<Record<string, string>> = {
  shell:
    'tar (child): /tmp/agent.tar.gz: Cannot open: No such file or directory | tar (child): Error is not recoverable: exiting now | tar: Error is not recoverable: exiting now | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]',
  kept: 'tar (child): /tmp/agent.tar.gz: Cannot open: No such file or directory | tar (child): Error is not recoverable: exiting now | tar: Error is not recoverable: exiting now | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]',
  'not-kept':
    'tar (child): /tmp/agent.tar.gz: Cannot open: No such file or directory | tar (child): Error is not recoverable: exiting now | tar: Error is not recoverable: exiting now | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]',
  'shell-with-a-trap':
    'ConnectionRefusedError: [Errno 111] Connection refused | urllib.error.URLError: <urlopen error [Errno 111] Connection refused> | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]',
  apt: 'E: Unable to locate package ngnix | Script exited with non-zero exit status: 100. Allowed exit codes are: [0]',
  'apt-without-network':
    "E: Failed to fetch http://deb.debian.org/debian/pool/main/n/nginx/nginx-common_1.22.1-9%2bdeb12u9_all.deb Temporary failure resolving 'deb.debian.org' | E: Failed to fetch http://deb.debian.org/debian/pool/main/n/nginx/nginx_1.22.1-9%2bdeb12u9_amd64.deb Temporary failure resolving 'deb.debian.org' | E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing? | Script exited with non-zero exit status: 100. Allowed exit codes are: [0]",
  dnf: "Unable to detect release version (use '--releasever' to specify release version) | Error: Unable to find a match: ngnix | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]",
  ansible:
    "TASK [Install the web server] | fatal: [localhost]: FAILED! => No package matching 'ngnix' is available | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]",
  'ansible-command':
    'TASK [Build the application] | fatal: [localhost]: FAILED! => non-zero return code: module 81 has no source | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]',
  'ansible-undefined':
    "TASK [Say where the application is] | fatal: [localhost]: FAILED! => The task includes an option with an undefined variable. The error was: 'application_url' is undefined. 'application_url' is undefined The error appears to be in '/opt/packleader/playbooks/bake.yml': line 9, column 7, but may be elsewhere in the file depending on the exact syntax problem. The offending line appears to be: state: touch - name: Say where the application is ^ here | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]",
  'ansible-loop':
    "TASK [Remove what nobody needs] | failed: [localhost] (item=/var/empty-1) => non-zero return code: rmdir: failed to remove '/var/empty-1': No such file or directory | failed: [localhost] (item=/etc) => non-zero return code: rmdir: failed to remove '/etc': Directory not empty | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]",
  'ansible-module':
    "ERROR! couldn't resolve module/action 'ansible.posix.firewalld'. This often indicates a misspelling, missing collection, or incorrect module path. | Script exited with non-zero exit status: 4. Allowed exit codes are: [0]",
  'ansible-changed':
    "TASK [Say that the image is new] | FAILED: a second run of /opt/packleader/playbooks/bake.yml changed something: see the tasks marked 'changed' above. | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]",
  check:
    "FAILED check_nginx_is_installed | dpkg-query: package 'nginx' is not installed and no information is available | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]",
  'provisioner-time-out':
    'Waiting for the licence server. | Cancelling provisioner after a timeout... | context canceled',
  'post-processor':
    'Nobody listens there. | Post-processor failed: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]',
  'source-file-missing':
    'Error: Failed preparing provisioner-block "file" "" | on build.pkr.hcl line 10: | (source code not available) | Bad source \'./agent.tar.gz\': stat ./agent.tar.gz: no such file or directory',
  powershell:
    "Install-WindowsFeatures : The term 'Install-WindowsFeatures' is not recognized as the name of a cmdlet, function, script file, or operable program. Check the spelling of the name, or if a path was included, verify that the path is correct and try again. | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]",
  'powershell-throws':
    "FAILED: The user data ended with 3. Look at C:\\packleader\\builder.log, at C:\\ProgramData\\Amazon\\EC2Launch\\log\\agent.log, or at the instance's console output. | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]",
  'windows-check':
    'FAILED Test-Tentacle | The Tentacle is not installed: C:\\Program Files\\Octopus Deploy\\Tentacle\\Tentacle.exe is missing. | FAILED: 1 of 3 checks failed. | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]',
  'sysprep-time-out':
    'FAILED: C:\\Program Files\\Amazon\\EC2Launch\\EC2Launch.exe has not ended after 1800 seconds. Look at C:\\Windows\\System32\\Sysprep\\Panther and C:\\ProgramData\\Amazon\\EC2Launch\\log. | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]',
  'winrm-time-out': 'Timeout waiting for WinRM.',
  'password-time-out': 'Timeout waiting for password.',
  'ssh-time-out': 'Timeout waiting for SSH.',
  'ssh-login':
    'Packer experienced an authentication error when trying to connect via SSH. This can happen if your username/password are wrong. You may want to double-check your credentials as part of your debugging process. original error: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain',
  'name-taken':
    "Error: AMI Name: 'name-taken-1.4.20261121093000-g4f2c1d9' is used by an existing AMI: ami-7cfa167bd7b11106e",
  'source-gone':
    "Error querying AMI: InvalidAMIID.NotFound: The image id '[ami-0deb1a00000000ff]' does not exist",
  template:
    'Error: Unsupported attribute | on extra.pkr.hcl line 2: | (source code not available) | This object does not have an attribute named "no_such_variable".',
  braces:
    'Error: invalid \'run_tags\': template: root:1: function "nobody" not defined in: | rendered by {{ nobody }} | on source.pkr.hcl line 7: | (source code not available)',
  capacity:
    'Error launching source instance: InsufficientInstanceCapacity: We currently do not have sufficient m7i.large capacity in the Availability Zone you requested (eu-west-1a). Our system will be working on provisioning additional capacity. You can currently get m7i.large capacity by not specifying an Availability Zone in your request or choosing eu-west-1b, eu-west-1c.',
  marketplace:
    'Error launching source instance: OptInRequired: In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=3gruvlcso4s66wfg2mdzxg8z6',
  quota:
    'Error launching source instance: VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.',
  scp: 'Error launching source instance: UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:sts::111111111111:assumed-role/packleader-bake/AWSCodeBuild-0123abcd is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111111111111:instance/* with an explicit deny in a service control policy.',
  'not-authorized':
    'Error launching source instance: UnauthorizedOperation: You are not authorized to perform this operation.',
  'kms-state':
    'Client.InternalError: Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state | Error waiting for instance (i-fd0b4d123f3e5db9e) to become ready: ResourceNotReady: failed waiting for successful resource state',
  'kms-grant':
    'Client.InternalError: Client.InternalError: Client error on launch | Error waiting for instance (i-42b8fe79c08027c75) to become ready: ResourceNotReady: failed waiting for successful resource state',
  'wait-exceeded':
    'Error waiting for instance (i-0db634e2b31d5f287) to become ready: ResourceNotReady: exceeded wait attempts',
};

const recorded = (kind: string): string => readFileSync(recordingOf(kind), 'utf8');
const FAILED = recorded('ansible');

describe('the last error of a Packer', () => {
  it.each(KINDS.map(({ name }) => name))('says why: %s', (kind) => {
    const line = lastError(recorded(kind), []);
    expect(line).toBe(TOLD[kind]);
    expect(line.length).toBeLessThanOrEqual(600);
  });

  it('is the reason alone when it failed before it provisioned', () => {
    const log = `==> amazon-ebs.image: Launching a source AWS instance...
==> amazon-ebs.image: Error launching source instance: VcpuLimitExceeded: You have requested more vCPU capacity
Build 'amazon-ebs.image' errored after 2 seconds 10 milliseconds: Error launching source instance: VcpuLimitExceeded: You have requested more vCPU capacity
`;
    expect(lastError(log, [])).toContain(
      'Error launching source instance: VcpuLimitExceeded: You have requested more vCPU capacity',
    );
  });

  it('is one line of 600 characters at most: the beginning of why, and the reason of Packer', () => {
    const line = lastError(FAILED.replaceAll('ngnix', `ngnix ${'y'.repeat(900)}`), []);
    expect(line).toHaveLength(600);
    expect(line).toMatch(
      /^TASK \[Install the web server\] \| fatal: .* No package matching 'ngnix y+… \| Script exited .*: \[0\]$/,
    );
  });

  it('is the beginning of a long reason', () => {
    const line = lastError(recorded('quota').replaceAll('vCPU limit of 32', 'z'.repeat(900)), []);
    expect(line).toHaveLength(600);
    expect(line).toMatch(/^Error launching source instance: VcpuLimitExceeded: .*z+…$/);
  });

  it('passes over what Ansible was told to ignore, and keeps what it cannot read', () => {
    const printed = (text: string) => `    amazon-ebs.image: ${text}\n`;
    const log = [
      `TASK [first] ${'*'.repeat(60)}`,
      'fatal: [localhost]: FAILED! => {"msg": "never mind"}',
      '...ignoring',
      `TASK [second] ${'*'.repeat(60)}`,
      'fatal: [localhost]: FAILED! => {"msg": "cut off',
    ].map(printed);
    const failed =
      '==> amazon-ebs.image: Provisioning step had errors: Running the cleanup provisioner, if present...\n';
    expect(
      lastError(`${log.join('')}${failed}Build 'amazon-ebs.image' errored after 1 second: no\n`, []),
    ).toBe('TASK [second] | fatal: [localhost]: FAILED! => {"msg": "cut off | no');
  });

  it('has no colours and no control characters', () => {
    expect(lastError('\u001B[1;31mError:\u001B[0m no\u0007 luck\u001B]8;;http://x\u0007\r\n', [])).toBe(
      'Error: no\\u0007 luck',
    );
  });

  it.each(['hunter2\u200Bhunter2', 'hunter2\u001B[1mhunter2'])(
    'holds no secret %j, which is itself no plain text',
    (secret) => {
      expect(lastError(`the password is ${secret}, or ${JSON.stringify(secret)}`, [secret])).not.toContain(
        'hunter2',
      );
      expect(lastError(`it is ${secret}`, [JSON.stringify({ password: secret })])).not.toContain('hunter2');
    },
  );

  it('of a silent Packer is empty', () => {
    expect(lastError('', [])).toBe('');
  });
});

describe('a secret', () => {
  const failedWith = (printed: string) =>
    recorded('apt').replace('Unable to locate package ngnix', () => printed);

  it.each([
    ['as it is', 'hunter2!', 'hunter2!'],
    ['within other text', 'hunter2!', 'curl -u admin:hunter2!@host'],
    ['in base64', 'hunter2!', Buffer.from('hunter2!').toString('base64')],
    ['in a URL', 'p@ss/word', 'p%40ss%2Fword'],
    ['as JSON', 'say "hi"', 'say \\"hi\\"'],
    ['one of its lines', 'first line\nsecond line', 'second line'],
    ['one of its fields', '{"user":"admin","password":"hunter2!"}', 'hunter2!'],
  ])('of the release is hidden %s', (_, secret, printed) => {
    const line = lastError(failedWith(`the value is ${printed}`), [secret]);
    expect(line).not.toContain(printed);
    expect(line).toContain('***');
  });

  it.each([
    'AKIAIOSFODNN7EXAMPLE',
    'ghp_0123456789abcdefghijABCDEFGHIJ',
    'password=hunter2!',
    '"api_key": "hunter2!"',
    'Authorization: Bearer hunter2!',
    'https://admin:hunter2!@example.com/repo',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
  ])('that a script prints of its own accord is hidden when it looks like one: %s', (printed) => {
    const line = lastError(failedWith(printed), []);
    expect(line).toContain('***');
    expect(line).not.toMatch(/hunter2|AKIAIO|ghp_|eyJ/);
  });

  it('never gets through, whatever it is and wherever it stands', () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
      .filter((text) => text.trim().length > 7);
    fc.assert(
      fc.property(secret, fc.nat(FAILED.length), (text, at) => {
        const log = `${FAILED.slice(0, at)}${text}${FAILED.slice(at)}`;
        expect(lastError(log, [text])).not.toContain(text.trim());
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('is hidden in what Ansible wrote as JSON, which this reads', () => {
    const log = FAILED.replace(/"msg": "[^"]*"/, String.raw`"msg": "p\u00e4ssw\u00f6rt is wrong"`);
    const line = lastError(log, ['pässwört']);
    expect(line).toContain('*** is wrong');
  });
});

describe('a recording', () => {
  it('is there for every kind, and for nothing else', () => {
    const files = readdirSync(dirname(recordingOf('any'))).filter((name) => name.endsWith('.log'));
    expect(files.toSorted()).toEqual(KINDS.map(({ name }) => `${name}.log`).toSorted());
    expect(Object.keys(TOLD)).toEqual(KINDS.map(({ name }) => name));
  });

  it('is compared without times, ids, versions and the order of two streams, and with all else', () => {
    const log = recorded('apt');
    const again = log
      .replaceAll(/^\d{4}-\d\d-\d\dT/gm, '2031-01-01T')
      .replaceAll(/\bi-[0-9a-f]+/g, 'i-0000000000000001');
    expect(again).not.toBe(log);
    expect(withoutChance(again)).toBe(withoutChance(log));
    expect(withoutChance(log.replace('Unable to locate', 'Unable to find'))).not.toBe(withoutChance(log));
  });
});

describe('the advice', () => {
  it.each([
    ['kms-state', ['EC2 could not use the KMS key']],
    ['kms-grant', ['EC2 could not use the KMS key']],
    ['wait-exceeded', ['AWS took longer than Packer waits']],
    ['scp', ['The organisation forbids it']],
    ['not-authorized', ['A permission is missing']],
    ['capacity', ['EC2 has no such instance']],
    ['marketplace', ['The source AMI is a product of AWS Marketplace']],
    ['quota', ['The account may run no more instances']],
    ['ssh-time-out', ['SSH never answered']],
    ['winrm-time-out', ['WinRM never answered']],
    ['password-time-out', ['EC2 never got the Administrator password']],
    ['apt', []],
    ['ansible', []],
  ])('on %s is for what failed, and no other', (kind, expected) => {
    const given = adviceFor(lastError(recorded(kind), []));
    expect(given).toEqual(expected.map((beginning) => expect.stringMatching(`^${beginning}`)));
  });

  it('on SSH that never answers names source AMIs without an SSM Agent', () => {
    expect(adviceFor(lastError(recorded('ssh-time-out'), []))[0]).toMatch(
      /no SSM Agent, like Debian’s own: set sshInterface/,
    );
  });
});

it('advises to fill the bucket that lacks what is pinned, and not to look for a permission', () => {
  const object = `s3://packleader-999999999999-eu-west-1/tools/${'a'.repeat(64)}`;
  for (const said of [
    `${object} could not be read: AWS answered AccessDenied: Access Denied`,
    `${object} has the SHA-256 ${'b'.repeat(64)}, expected ${'a'.repeat(64)}. Nothing of it was used.`,
  ])
    expect(adviceFor(said)).toEqual([expect.stringContaining('packleader mirror puts it there')]);
  expect(adviceFor('s3://a/plans/b could not be read: AWS answered AccessDenied')).toEqual([
    expect.stringContaining('A permission is missing'),
  ]);
});
