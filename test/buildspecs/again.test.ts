import { describe, expect, it } from 'vitest';
import { healingOfInit } from '../../buildspecs/again.mjs';
import { choicesOf, noBuilder } from '../../buildspecs/builder-choices.mjs';
import { packerSaid } from './packer-said/said.ts';

const UNTIL = 1;

describe('a packer init that failed', () => {
  it.each([
    ['init-rate-limit', { why: 'GitHub limits Packer.', until: UNTIL }],
    ['init-secondary-limit', { why: 'GitHub limits Packer.', until: UNTIL }],
    ['init-bad-gateway', { why: 'GitHub answers with 502.' }],
    ['init-unavailable-sums', { why: 'GitHub answers with 503.' }],
    ['init-connection-lost', { why: 'The connection failed.' }],
    ['init-connection-lost-zip', { why: 'The connection failed.' }],
    ['init-zip-cut-short', { why: 'The connection failed.' }],
    ['init-no-connection', { why: 'The connection failed.' }],
  ])('is healed by another attempt after %s', (name, healing) => {
    expect(healingOfInit(packerSaid(name), UNTIL)).toEqual(healing);
  });

  it.each(['init-bad-token', 'init-absent', 'init-wrong-checksum'])('fails for good with %s', (name) => {
    expect(healingOfInit(packerSaid(name), UNTIL)).toBe(undefined);
  });

  it('fails for good with a certificate that nobody trusts', () => {
    const said = packerSaid('init-connection-lost').replace(
      'EOF',
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    );
    expect(said).toContain('x509');
    expect(healingOfInit(said, UNTIL)).toBe(undefined);
  });
});

describe('a packer build that failed', () => {
  it.each([
    ['build-no-capacity', { code: 'InsufficientInstanceCapacity', passes: true }],
    ['build-ended-for-capacity', { code: 'InsufficientInstanceCapacity', passes: true }],
    ['build-no-addresses', { code: 'InsufficientFreeAddressesInSubnet', passes: true }],
    ['build-quota', { code: 'VcpuLimitExceeded', passes: true }],
    ['build-unsupported-zone', { code: 'Unsupported', passes: false }],
    [
      'build-no-spot-capacity',
      { code: 'There is no Spot capacity available that matches your request.', passes: true },
    ],
    [
      'build-unfulfillable-spot',
      {
        code: 'Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.',
        passes: true,
      },
    ],
    [
      'build-spot-quota',
      { code: 'MaxSpotInstanceCountExceeded: Max spot instance count exceeded', passes: true },
    ],
  ])('had no builder after %s', (name, found) => {
    expect(noBuilder(packerSaid(name))).toEqual(found);
  });

  it.each(['build-spot-not-permitted', 'build-interrupted'])('is not tried elsewhere after %s', (name) => {
    expect(noBuilder(packerSaid(name))).toBe(undefined);
  });

  const said = packerSaid('build-no-capacity');
  const reason = 'Error launching source instance: InsufficientInstanceCapacity';

  it('had a builder when a provisioner says that there is no capacity', () => {
    const failed = said.replaceAll(reason, 'Script exited with non-zero exit status: 1');
    const line = `2026-11-21T09:30:00Z: ==> amazon-ebs.image: Build 'amazon-ebs.image' errored after 2 seconds: ${reason}: x\n`;
    expect(noBuilder(line + failed)).toBe(undefined);
    const ended = packerSaid('build-ended-for-capacity');
    expect(noBuilder(ended.replaceAll('Error waiting for instance (', 'Error ('))).toBe(undefined);
  });

  it('had one when another build of the template made something', () => {
    const made = said.replace('Builds finished but no artifacts were created.', 'Builds finished.');
    expect(noBuilder(made)).toBe(undefined);
    const other = `Build 'amazon-ebs.other' errored after 2 seconds: Script exited with non-zero exit status: 1\n`;
    expect(noBuilder(other + said)).toBe(undefined);
  });

  it('had one, or needs none, when Packer gives no reason', () => {
    expect(noBuilder('')).toBe(undefined);
    expect(noBuilder('==> Builds finished but no artifacts were created.\n')).toBe(undefined);
  });
});

describe('where a builder may run', () => {
  it('is every type in a subnet, then the next subnet', () => {
    expect(choicesOf(['a', 'b'], ['1', '2'])).toEqual([
      { instance_type: 'a', subnet_id: '1' },
      { instance_type: 'b', subnet_id: '1' },
      { instance_type: 'a', subnet_id: '2' },
      { instance_type: 'b', subnet_id: '2' },
    ]);
  });
});
