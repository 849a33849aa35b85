import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { fetchOnce, toolChecks } from '../../../cli/commands/doctor/bakes/pinned-tools.ts';
import { examinedTargets } from '../../../cli/commands/doctor/bakes/planned-bakes.ts';
import { examineAll } from '../../../cli/commands/doctor/finding.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { filesOf } from '../../fixtures/factories.ts';
import type { RequiredPlugin } from '../../../core/templates/plugins.ts';
import { PINNED, SHA256, aws, projectNamed, servers, whatIsPinned } from './doctor-world.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  aws.s3.reset();
});

const PACKER = 'https://releases.hashicorp.com/packer/1.14.2/packer_1.14.2_linux_arm64.zip';
const PLUGIN =
  'https://s3.amazonaws.com/session-manager-downloads/plugin/1.2.707.0/linux_arm64/session-manager-plugin.rpm';

/** What is found of an account whose project pins this. */
async function examine({
  pinned = PINNED,
  yaml = 'sshInterface: session_manager',
  fetchTool = fetchOnce(),
  required = [],
}: {
  readonly pinned?: Readonly<Record<string, string>>;
  readonly yaml?: string;
  readonly fetchTool?: ReturnType<typeof fetchOnce>;
  readonly required?: readonly RequiredPlugin[];
} = {}) {
  const files = new Map([...filesOf({ stages: { dev: [DEV] } }), ['config/dev.yaml', yaml] as const]);
  const bakes = examinedTargets(loadConfiguration(files)).flatMap((target) => target.bakes);
  const project = Promise.resolve(projectNamed('packleader-bake', pinned));
  const findings = await examineAll(
    DEV.accountId,
    toolChecks(DEV.accountId, bakes, project, { fetchTool, required }),
  );
  return findings.map(({ check, outcome, why }) => `${outcome} ${check}: ${why}`);
}

describe('what the project pins', () => {
  test('is well when it is where a bake fetches it, with the SHA-256; once for all accounts', async () => {
    const asked = servers();
    const fetchTool = fetchOnce();
    const well = [
      `ok Packer: ${PACKER} has the SHA-256 that is pinned`,
      `ok Session Manager plugin: ${PLUGIN} has the SHA-256 that is pinned`,
    ];
    expect(await Promise.all([examine({ fetchTool }), examine({ fetchTool })])).toEqual([well, well]);
    expect(asked).toEqual([PACKER, PLUGIN]);
  });

  test('fails with another SHA-256', async () => {
    servers(() => new Response('another program'));
    expect(await examine()).toEqual([
      expect.stringMatching(/^failed Packer: \S+ has the SHA-256 [0-9a-f]{64}, and [0-9a-f]{64} is pinned$/),
      expect.stringMatching(/^failed Session Manager plugin: /),
    ]);
  });

  test.each([403, 404])('fails when the server answers %i', async (status) => {
    servers(() => new Response('none', { status }));
    expect((await examine())[0]).toBe(`failed Packer: there is no ${PACKER} (${status})`);
  });

  test('could not be looked at when the server fails, or cannot be reached', async () => {
    servers(() => new Response('later', { status: 503 }));
    expect((await examine())[0]).toBe(`not checked Packer: ${PACKER} answers with 503`);
    servers(() => {
      throw new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') });
    });
    expect((await examine())[0]).toBe(
      `not checked Packer: ${PACKER} cannot be fetched: getaddrinfo ENOTFOUND`,
    );
  });

  test('fails when nothing is pinned, and asks for the plugin only where a builder is reached by it', async () => {
    const asked = servers();
    expect(await examine({ pinned: {} })).toEqual([
      `failed Packer: the project of ${DEV.accountId} pins no Packer, and CodeBuild’s image has none`,
      `failed Session Manager plugin: the project of ${DEV.accountId} pins no Session Manager plugin, by which the builders of base are reached`,
    ]);
    expect((await examine({ pinned: {}, yaml: 'sshInterface: public_ip' }))[1]).toBe(
      'ok Session Manager plugin: not pinned, and no builder is reached through it',
    );
    expect(asked).toEqual([]);
  });
});

describe('what builds download from elsewhere', () => {
  const BUCKET = { s3: new S3Client({ region: 'eu-west-1' }), name: 'packleader-999999999999-eu-west-1' };
  const inBucket = { ...PINNED, PACKLEADER_DOWNLOADS: 'bucket' };
  const OBJECT = `s3://packleader-999999999999-eu-west-1/tools/${SHA256}`;
  const from = async (pinned: Readonly<Record<string, string>>, bucket?: typeof BUCKET) =>
    examine({ pinned, fetchTool: fetchOnce(bucket) });

  test('is well in the bucket when it is what is pinned, and the internet is not asked', async () => {
    const asked = servers();
    aws.s3.on(GetObjectCommand).callsFake(() => ({ Body: whatIsPinned() }));
    expect(await from(inBucket, BUCKET)).toEqual([
      `ok Packer: ${OBJECT} has the SHA-256 that is pinned`,
      `ok Session Manager plugin: ${OBJECT} has the SHA-256 that is pinned`,
    ]);
    expect(asked).toEqual([]);
  });

  test('fails when the bucket has it not, or another file', async () => {
    aws.s3.on(GetObjectCommand).rejects(Object.assign(new Error('none'), { name: 'NoSuchKey' }));
    expect((await from(inBucket, BUCKET))[0]).toBe(`failed Packer: there is no ${OBJECT}`);
    aws.s3.on(GetObjectCommand).callsFake(() => ({ Body: whatIsPinned('another') }));
    expect((await from(inBucket, BUCKET))[0]).toMatch(/^failed Packer: s3:\S+ has the SHA-256 \w{64}, and/);
  });

  test('could not be looked at without access to the hub, or to the object', async () => {
    expect((await from(inBucket))[0]).toBe('not checked Packer: no access to the hub, whose bucket holds it');
    aws.s3.on(GetObjectCommand).rejects(Object.assign(new Error('denied'), { name: 'AccessDenied' }));
    expect((await from(inBucket, BUCKET))[0]).toBe(`not checked Packer: ${OBJECT} cannot be read: denied`);
  });

  test('is looked for in the mirror, where builds do', async () => {
    const asked = servers();
    await from({ ...PINNED, PACKLEADER_DOWNLOADS: 'https://mirror.example.com/a' });
    expect(asked).toEqual(
      [PACKER, PLUGIN].map((url) => url.replace('https:/', 'https://mirror.example.com/a')),
    );
  });
});

describe('Packer’s plugins that the project pins', () => {
  const url = 'https://example.com/packer-plugin-amazon_v1.3.2_x5.0_linux_arm64.zip';
  const pinned = { ...PINNED, PACKLEADER_PLUGINS: `github.com/hashicorp/amazon ${url} ${SHA256}` };
  const amazon = { source: 'github.com/hashicorp/amazon', version: '= 1.3.2', file: 'a.pkr.hcl', line: 1 };

  test('are well when they are all that the templates require, and what is pinned', async () => {
    const asked = servers();
    expect((await examine({ pinned, required: [amazon] }))[0]).toBe(
      `ok Packer: ${PACKER} has the SHA-256 that is pinned, and so do its plugins: 1`,
    );
    expect(asked).toContain(url);
  });

  test('fail when one is missing, or is another file', async () => {
    servers();
    expect((await examine({ pinned, required: [{ ...amazon, version: '= 1.3.3' }] }))[0]).toBe(
      `failed Packer: the project of ${DEV.accountId} pins no github.com/hashicorp/amazon of = 1.3.3, which a.pkr.hcl requires`,
    );
    const other = { ...pinned, PACKLEADER_PLUGINS: `github.com/hashicorp/amazon ${url} ${'0'.repeat(64)}` };
    expect((await examine({ pinned: other, required: [amazon] }))[0]).toContain(`failed Packer: ${url} has`);
  });
});
