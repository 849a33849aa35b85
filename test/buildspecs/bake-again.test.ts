import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { zipSync } from 'fflate';
import { HAS_BUILDER_CHOICES, BUILDER } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { Build, bakeEnvironment, requirePrograms, sha256 } from './build.ts';
import { packerSaid } from './packer-said/said.ts';

const target = { accountId: '111111111111', region: 'eu-central-1' };
const prefix = keys.planPrefix('one', 'linux-base');
const variables = keys.packerVariables(prefix, target);
const manifest = {
  builds: [{ packer_run_uuid: 'last', artifact_id: 'eu-central-1:ami-0bbbbbbbbbbbbbbbb' }],
  last_run_uuid: 'last',
};
const MINUTES = 60;

let build: Build;
beforeAll(() => requirePrograms('unzip'));
beforeEach(() => {
  build = new Build();
  build.put(
    variables,
    JSON.stringify({ instance_type: 'm7i.large', subnet_id: 'subnet-1', timeout_minutes: MINUTES }),
  );
  for (const kind of ['Instances', 'KeyPairs', 'SecurityGroups']) build.answer(`ec2 Describe${kind}`, '');
});
afterEach(() => build.remove());

/** Stands in for Packer: says in each run the next of what real Packer said, and bakes when nothing is left to say. */
function packer(command: 'init' | 'build', failures: readonly string[]): void {
  for (const [index, name] of failures.entries()) build.put(`../said/${index + 1}`, packerSaid(name));
  build.program(
    'packer',
    `#!/usr/bin/env bash
[ "$1" = version ] && echo "Packer v1.11.2" && exit
echo "$*" >>"$FAKE_AWS/packer"
if [ "$1" = ${command} ]; then
  echo >>"$FAKE_AWS/runs"
  said="$FAKE_AWS/said/$(wc -l <"$FAKE_AWS/runs")"
  [ -e "$said" ] && cat "$said" && exit 1
fi
[ "$1" = init ] || echo '${JSON.stringify(manifest)}' >packer-manifest.json
`,
  );
}

function bake(environment: Record<string, string> = {}) {
  const zip = zipSync({ 'images/linux-base/image.pkr.hcl': Buffer.from('# a template\n') });
  const source = keys.source('c'.repeat(40), sha256(zip));
  build.put(source, zip);
  return build.run('bake', {
    ...bakeEnvironment(target, { prefix, source, zip }),
    CODEBUILD_START_TIME: String(Date.now()),
    ...environment,
  });
}

function mayChoose(choices: object): void {
  build.put(`${variables}.metadata`, JSON.stringify(HAS_BUILDER_CHOICES));
  build.put(keys.builderChoices(prefix, target), JSON.stringify(choices));
}

/** Where each run of `packer build` was told to run its builder, or "as told" where it was told nothing. */
const asked = () =>
  (build.left('../packer') ?? '')
    .split('\n')
    .filter((line) => line.startsWith('build'))
    .map((line) =>
      [...line.matchAll(/-var=(?:instance_type|subnet_id)=(\S+)/g)].map(([, value]) => value).join(' '),
    )
    .map((choice) => choice || 'as told');
/** The same, and whether it was told to be a Spot Instance. */
const spots = () =>
  (build.left('../packer') ?? '')
    .split('\n')
    .filter((line) => line.startsWith('build'))
    .map((line) =>
      [...line.matchAll(/-var=(?:instance_type|spot)=(\S+)/g)].map(([, value]) => value).join(' '),
    );
const builders = (): unknown => JSON.parse(build.left('record/builders.json') ?? '[]');

/** A build that has only so much left of half its time. */
const startedSuchThat = (minutesLeft: number) => ({
  CODEBUILD_START_TIME: String(Date.now() - (MINUTES / 2 - minutesLeft) * 60_000),
});

describe('packer init', () => {
  it('is repeated with longer and longer pauses until it succeeds', () => {
    packer('init', ['init-bad-gateway', 'init-connection-lost', 'init-zip-cut-short']);
    const { status, log, exported } = bake();
    expect(status, log).toBe(0);
    expect(build.slept()).toEqual([5, 15, 45]);
    expect(log).toContain('GitHub answers with 502. Once more in 5 seconds.');
    expect(exported).toMatchObject({ AMI_ID: 'ami-0bbbbbbbbbbbbbbbb', LAST_ERROR: '' });
  });

  it('fails after five attempts without a connection, with what Packer said last', () => {
    packer('init', Array<string>(9).fill('init-no-connection'));
    const { status, exported } = bake();
    expect(status).toBe(1);
    expect(build.slept()).toEqual([5, 15, 45, 135]);
    expect(exported['LAST_ERROR']).toContain('proxyconnect tcp: dial tcp');
    expect(asked()).toEqual([]);
  });

  it('outlasts a limit of GitHub for half of the time that the bake may take', () => {
    packer('init', Array<string>(9).fill('init-rate-limit'));
    expect(bake(startedSuchThat(4)).status).toBe(1);
    // The next would be 300.
    expect(build.slept()).toEqual([5, 15, 45, 135]);
    expect(bake(startedSuchThat(0)).status).toBe(1);
    expect(build.slept()).toHaveLength(4);
  });

  it.each(['init-absent', 'init-bad-token', 'init-wrong-checksum'])('fails at once with %s', (name) => {
    packer('init', [name]);
    expect(bake().status).toBe(1);
    expect(build.slept()).toEqual([]);
  });
});

it('lets Packer ask for plugins with a token, and no template see it', () => {
  build.program(
    'packer',
    `#!/usr/bin/env bash
[ "$1" = version ] && echo "Packer v1.11.2" && exit
echo "$1 $PACKER_GITHUB_API_TOKEN" >>"$FAKE_AWS/tokens"
[ "$1" = init ] || echo '${JSON.stringify(manifest)}' >packer-manifest.json
`,
  );
  expect(bake({ PACKER_GITHUB_API_TOKEN: 'a token' }).status).toBe(0);
  expect(build.left('../tokens')).toBe('init a token\nbuild \n');
});

describe('a pinned download', () => {
  const version = { PACKLEADER_PACKER_VERSION: '1.14.0', PACKLEADER_PACKER_SHA256: '0'.repeat(64) };

  /** Stands in for curl: fails each time as it is told, with what curl prints. */
  function curl(exit: number, http: string, said: string): void {
    build.program('packer', '#!/bin/sh\n');
    build.program('curl', `#!/bin/sh\nprintf ${http}\necho "curl: (${exit}) ${said}" >&2\nexit ${exit}\n`);
  }

  it.each([
    [22, '503', 'The requested URL returned error: 503'],
    [22, '429', 'The requested URL returned error: 429'],
    [18, '200', 'transfer closed with 999 bytes remaining to read'],
    [6, '000', 'Could not resolve host: releases.hashicorp.com'],
    [28, '000', 'Connection timed out'],
  ])('is repeated after %i %s, and fails with what curl said last', (exit, http, said) => {
    curl(exit, http, said);
    const { status, exported } = bake(version);
    expect(status).toBe(1);
    expect(build.slept()).toEqual([5, 15, 45, 135]);
    expect(exported['LAST_ERROR']).toMatch(/packer_1\.14\.0_linux_\w+\.zip could not be fetched: curl: /);
    expect(exported['LAST_ERROR']).toContain(said);
  });

  it.each([
    [22, '404', 'The requested URL returned error: 404'],
    [22, '403', 'The requested URL returned error: 403'],
    [60, '000', 'SSL certificate problem: self-signed certificate'],
  ])('fails at once with %i %s', (exit, http, said) => {
    curl(exit, http, said);
    expect(bake(version).status).toBe(1);
    expect(build.slept()).toEqual([]);
  });
});

describe('a bake for whose builder EC2 has no room', () => {
  it('takes the next instance type, then the next subnet, and records which and why', () => {
    packer('build', ['build-no-capacity', 'build-unsupported-zone', 'build-no-addresses']);
    mayChoose({ instanceTypes: ['m7i.large', 'm7a.large'], subnetIds: ['subnet-1', 'subnet-2'] });
    const { status, log, exported } = bake();
    expect(status, log).toBe(0);
    expect(asked()).toEqual([
      'm7i.large subnet-1',
      'm7a.large subnet-1',
      'm7i.large subnet-2',
      'm7a.large subnet-2',
    ]);
    expect(log).toContain('No builder: InsufficientInstanceCapacity for m7i.large in subnet-1.');
    expect(exported).toMatchObject({ [BUILDER]: 'm7a.large', LAST_ERROR: '' });
    expect(builders()).toEqual([
      { instanceType: 'm7i.large', subnetId: 'subnet-1', error: 'InsufficientInstanceCapacity' },
      { instanceType: 'm7a.large', subnetId: 'subnet-1', error: 'Unsupported' },
      { instanceType: 'm7i.large', subnetId: 'subnet-2', error: 'InsufficientFreeAddressesInSubnet' },
      { instanceType: 'm7a.large', subnetId: 'subnet-2' },
    ]);
    expect(build.slept()).toEqual([]);
  });

  it('tries again in all of them after a pause, also where there is no choice', () => {
    packer('build', ['build-no-capacity', 'build-ended-for-capacity']);
    const { status, log, exported } = bake();
    expect(status, log).toBe(0);
    expect(asked()).toEqual(['as told', 'as told', 'as told']);
    expect(build.slept()).toEqual([60, 180]);
    expect(exported[BUILDER]).toBe('m7i.large');
  });

  it('fails when half of its time is over, with what EC2 said', () => {
    packer('build', Array<string>(9).fill('build-no-capacity'));
    const { status, exported } = bake(startedSuchThat(3.5));
    expect(status).toBe(1);
    expect(build.slept()).toEqual([60, 180]);
    expect(exported['LAST_ERROR']).toContain('InsufficientInstanceCapacity: We currently do not have');
  });

  it('fails at once where a pause would not help: the type is in none of the zones', () => {
    packer('build', ['build-unsupported-zone', 'build-unsupported-zone']);
    mayChoose({ instanceTypes: ['m7i.large', 'm7a.large'], subnetIds: [''] });
    expect(bake().status).toBe(1);
    expect(asked()).toEqual(['m7i.large', 'm7a.large']);
    expect(build.slept()).toEqual([]);
  });

  it('fails at once when Packer fails for another reason, wherever that was', () => {
    packer('build', ['build-no-capacity', 'build-interrupted']);
    mayChoose({ instanceTypes: ['m7i.large', 'm7a.large', 'm6i.large'], subnetIds: [''] });
    expect(bake().status).toBe(1);
    expect(asked()).toEqual(['m7i.large', 'm7a.large']);
  });

  it('asks for a Spot Instance everywhere first, then on demand, and records which it got', () => {
    packer('build', ['build-no-spot-capacity', 'build-unfulfillable-spot']);
    mayChoose({ instanceTypes: ['m7i.large', 'm7a.large'], subnetIds: ['subnet-1'], spot: true });
    const { status, log, exported } = bake();
    expect(status, log).toBe(0);
    expect(spots()).toEqual(['m7i.large true', 'm7a.large true', 'm7i.large']);
    expect(log).toContain(
      'No builder: There is no Spot capacity available that matches your request. for m7i.large on spot in subnet-1.',
    );
    expect(exported[BUILDER]).toBe('m7i.large');
    expect(builders()).toEqual([
      expect.objectContaining({ instanceType: 'm7i.large', spot: true }),
      expect.objectContaining({ instanceType: 'm7a.large', spot: true }),
      { instanceType: 'm7i.large', subnetId: 'subnet-1' },
    ]);
    expect(build.slept()).toEqual([]);
  });

  it('exports that it got a Spot Instance', () => {
    packer('build', []);
    mayChoose({ instanceTypes: ['m7i.large'], subnetIds: [''], spot: true });
    expect(bake().exported[BUILDER]).toBe('m7i.large spot');
    expect(spots()).toEqual(['m7i.large true']);
  });

  it('bakes on demand at once, and no more on spot, after EC2 took the Spot Instance back', () => {
    packer('build', ['build-interrupted']);
    build.answer('ec2 DescribeInstances', '<instanceId>i-0d0e0f0000000001d</instanceId>');
    mayChoose({ instanceTypes: ['m7i.large', 'm7a.large'], subnetIds: [''], spot: true });
    const { status, log, exported, calls } = bake();
    expect(status, log).toBe(1);
    // Its builder is still there, says the stand-in for EC2 to the clean-up.
    expect(spots()).toEqual(['m7i.large true', 'm7i.large']);
    expect(exported[BUILDER]).toBe('m7i.large');
    expect(builders()).toEqual([
      expect.objectContaining({ spot: true, error: 'EC2 took the Spot Instance back' }),
      { instanceType: 'm7i.large', subnetId: '' },
    ]);
    const asks = calls.filter((call) => call.includes('state-reason-code'));
    expect(asks).toEqual([expect.stringContaining('Server.SpotInstanceTermination')]);
  });

  it.each([
    ['EC2 took nothing back', '', '<instancesSet/>'],
    [
      'the AMI was begun',
      '2026-11-21T09:30:00Z:     amazon-ebs.image: AMI: ami-0b\n',
      '<instanceId>i-1</instanceId>',
    ],
  ])('fails on spot at once when %s', (_, more, found) => {
    packer('build', ['build-interrupted']);
    build.put('../said/1', more + packerSaid('build-interrupted'));
    build.answer('ec2 DescribeInstances', found);
    mayChoose({ instanceTypes: ['m7i.large'], subnetIds: [''], spot: true });
    expect(bake().status).toBe(1);
    expect(spots()).toEqual(['m7i.large true']);
  });

  it('takes subnets by their tags, after those that are named', () => {
    packer('build', ['build-no-capacity', 'build-no-capacity']);
    build.answer(
      'ec2 DescribeSubnets',
      ['subnet-9', 'subnet-3', 'subnet-1'].map((id) => `<subnetId>${id}</subnetId>`).join(''),
    );
    mayChoose({
      instanceTypes: ['m7i.large'],
      subnetIds: ['subnet-1'],
      subnetFilters: { 'vpc-id': ['vpc-1'], 'tag:Tier': ['build'], 'tag:--x': ['file:///etc'] },
    });
    const { status, log, calls } = bake();
    expect(status, log).toBe(0);
    expect(asked()).toEqual(['m7i.large subnet-1', 'm7i.large subnet-3', 'm7i.large subnet-9']);
    const [asks = ''] = calls.filter((call) => call.startsWith('ec2 DescribeSubnets'));
    expect(Object.fromEntries(new URLSearchParams(asks.split(' ')[2]))).toMatchObject({
      'Filter.1.Name': 'vpc-id',
      'Filter.1.Value.1': 'vpc-1',
      'Filter.2.Name': 'tag:Tier',
      'Filter.2.Value.1': 'build',
      'Filter.3.Name': 'tag:--x',
      'Filter.3.Value.1': 'file:///etc',
    });
  });

  it('fails before Packer runs when no subnet has the tags', () => {
    packer('build', []);
    build.answer('ec2 DescribeSubnets', '<subnetSet/>');
    mayChoose({ instanceTypes: ['m7i.large'], subnetIds: [], subnetFilters: { 'tag:Tier': ['build'] } });
    expect(bake().exported['LAST_ERROR']).toBe('No subnet has {"tag:Tier":["build"]} of network.subnetTags.');
    expect(build.left('../packer')).toBe(undefined);
  });
});
