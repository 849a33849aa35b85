import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastError } from '../../buildspecs/last-error.mjs';

/** As Packer 1.11 writes it with -timestamp-ui, shortened. */
const FAILED = `2026-11-21T09:30:00Z: ==> amazon-ebs.image: Provisioning with shell script: scripts/linux/run-playbook.sh
2026-11-21T09:30:01Z:     amazon-ebs.image: TASK [web_server : install nginx] ****
2026-11-21T09:30:02Z:     amazon-ebs.image: ok: [127.0.0.1]
2026-11-21T09:30:03Z:     amazon-ebs.image: TASK [web_server : install ngnix] ****
2026-11-21T09:30:03Z:     amazon-ebs.image: fatal: [127.0.0.1]: FAILED! => {"msg": "No package ngnix available."}
2026-11-21T09:30:04Z: ==> amazon-ebs.image: Script exited with non-zero exit status: 2. Allowed exit codes are: [0]
2026-11-21T09:30:04Z: ==> amazon-ebs.image: Terminating the source AWS instance...
2026-11-21T09:30:34Z: ==> amazon-ebs.image: Deleting temporary keypair...
2026-11-21T09:30:35Z: Build 'amazon-ebs.image' errored after 5 minutes 30 seconds: Script exited with non-zero exit status: 2. Allowed exit codes are: [0]

==> Wait completed after 5 minutes 30 seconds

==> Some builds didn't complete successfully and had errors:
--> amazon-ebs.image: Script exited with non-zero exit status: 2. Allowed exit codes are: [0]

==> Builds finished but no artifacts were created.
`;

describe('the last error of a Packer', () => {
  it('is its reason, after the last lines of the provisioner that failed, without its clean-up', () => {
    expect(lastError(FAILED, [])).toBe(
      'ok: [127.0.0.1] | TASK [web_server : install ngnix] **** | fatal: [127.0.0.1]: FAILED! => {"msg": "No package ngnix available."} | Script exited with non-zero exit status: 2. Allowed exit codes are: [0]',
    );
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

  it('is the last lines of a template that Packer could not read', () => {
    const log = `Error: Unsupported argument\n\n  on image.pkr.hcl line 3:\n  (source code not available)\n\nAn argument named "regoin" is not expected here.\n`;
    expect(lastError(log, [])).toBe(
      'on image.pkr.hcl line 3: | (source code not available) | An argument named "regoin" is not expected here.',
    );
  });

  it('is one line of 600 characters at most, and the end of a longer one', () => {
    const line = lastError(
      `    amazon-ebs.image: ${'x'.repeat(2_000)}\n${FAILED}`.replaceAll('ngnix', 'y'.repeat(900)),
      [],
    );
    expect(line).toHaveLength(600);
    expect(line).toMatch(/^….*Allowed exit codes are: \[0\]$/);
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
    FAILED.replace('{"msg": "No package ngnix available."}', () => printed);

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
});
