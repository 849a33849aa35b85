import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type PinOptions, pinCommand } from '../../../cli/commands/pin/run.ts';
import { type Published, openInternet } from '../internet.ts';
import { written } from '../output.ts';
import { openRepository } from '../repository.ts';

const PACKER_ZIP = Buffer.from('a zip of Packer');
const PLUGIN_RPM = Buffer.from('a package of the plugin');
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const NEWEST: Published = {
  'api.releases.hashicorp.com/v1/releases/packer/latest': '{"name":"packer","version":"1.14.2"}',
  'releases.hashicorp.com/packer/1.14.2/packer_1.14.2_SHA256SUMS': `${'0'.repeat(64)}  packer_1.14.2_linux_amd64.zip\n${digest(PACKER_ZIP)}  packer_1.14.2_linux_arm64.zip\n`,
  'releases.hashicorp.com/packer/1.14.2/packer_1.14.2_linux_arm64.zip': PACKER_ZIP,
  's3.amazonaws.com/session-manager-downloads/plugin/latest/VERSION': '1.2.707.0\n',
  's3.amazonaws.com/session-manager-downloads/plugin/1.2.707.0/linux_arm64/session-manager-plugin.rpm':
    PLUGIN_RPM,
};

const PACKER = { version: '1.14.2', sha256: digest(PACKER_ZIP) };
const PLUGIN = { version: '1.2.707.0', sha256: digest(PLUGIN_RPM) };

async function pin(options: PinOptions = {}, published: Published | null = NEWEST) {
  const internet = await openInternet(published);
  const { output, texts } = written();
  const error = await pinCommand(options, output, internet).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );
  return { error, out: texts.out, asked: internet.asked, waited: internet.waited };
}

describe('packleader pin', () => {
  it('pins the newest of both, Packer as it is published', async () => {
    const { text } = openRepository({ 'package.json': '{}' });
    const { error, out, asked } = await pin();
    expect(error).toBeUndefined();
    expect(asked).toEqual(Object.keys(NEWEST));
    expect(parse(text('packleader.config'))).toMatchObject({ packer: PACKER, sessionManagerPlugin: PLUGIN });
    expect(out).toBe(`  wrote  packer 1.14.2
         ${PACKER.sha256}  as HashiCorp publishes it
  wrote  sessionManagerPlugin 1.2.707.0
         ${PLUGIN.sha256}  as it was fetched: AWS publishes none

packleader.config says what every bake runs, once hub and targets are deployed.
`);
  });

  it('pins the one that is named, and leaves all else in the file as it is', async () => {
    const { text } = openRepository({
      'package.json': '{}',
      'packleader.config': `# Ours.\npacker: { version: 1.11.2, sha256: ${'a'.repeat(64)} } # old\ncustomerKey: true\n`,
    });
    expect((await pin({ packer: '1.14.2' })).error).toBeUndefined();
    const after = text('packleader.config');
    expect(after).toMatch(/^# Ours\.\n/);
    expect(parse(after)).toEqual({ packer: PACKER, customerKey: true });
  });

  it('writes what it is told by hand without fetching anything', async () => {
    const { text } = openRepository({ 'package.json': '{}' });
    const sha256 = 'b'.repeat(64);
    const { error, asked, out } = await pin({ packer: `1.11.2=${sha256}` });
    expect(error).toBeUndefined();
    expect(asked).toEqual([]);
    expect(out).toContain(`${sha256}  as you say\n`);
    expect(parse(text('packleader.config'))).toMatchObject({ packer: { version: '1.11.2', sha256 } });
  });

  it('changes nothing when that is pinned already', async () => {
    const { text } = openRepository({ 'package.json': '{}' });
    await pin();
    const before = text('packleader.config');
    expect((await pin()).out).toContain('  kept   packer 1.14.2\n');
    expect(text('packleader.config')).toBe(before);
  });

  it('tries again when a server is busy', async () => {
    openRepository({ 'package.json': '{}' });
    const rpm =
      's3.amazonaws.com/session-manager-downloads/plugin/1.2.707.0/linux_arm64/session-manager-plugin.rpm';
    const { error, waited } = await pin(
      { sessionManagerPlugin: '1.2.707.0' },
      { [rpm]: [503, 429, PLUGIN_RPM] },
    );
    expect(error).toBeUndefined();
    expect(waited).toEqual([1_000, 3_000]);
  });

  it('writes beside package.json from a directory below it', async () => {
    const { text } = openRepository({ 'package.json': '{}', 'packer/factory.yaml': '' });
    process.chdir('packer');
    await pin();
    expect(parse(text('packleader.config'))).toMatchObject({ packer: PACKER });
  });
});

const requiring = (version: string) => ({
  'package.json': '{}',
  'packer/factory.yaml': `repository: https://github.com/example/images
hub: { accountId: '999999999999', region: eu-west-1 }
stages: [{ name: dev, targets: [{ accountId: '111111111111', region: eu-west-1 }] }]
`,
  'packer/images/base/image.yaml': 'description: Base.\nversion: "1.0"\nplatform: linux\n',
  'packer/images/base/image.pkr.hcl': `packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "${version}"
    }
  }
}
`,
});

describe('packleader pin --plugins', () => {
  const zip = Buffer.from('a zip of the plugin');
  const atGitHub =
    'github.com/hashicorp/packer-plugin-amazon/releases/download/v1.3.2/packer-plugin-amazon_v1.3.2_';
  const atVendor = 'releases.hashicorp.com/packer-plugin-amazon/1.3.2/packer-plugin-amazon_1.3.2_';
  const onGitHub: Published = {
    [`${atGitHub}SHA256SUMS`]: `${'0'.repeat(64)}  packer-plugin-amazon_v1.3.2_x5.0_linux_amd64.zip\n${digest(zip)}  packer-plugin-amazon_v1.3.2_x5.0_linux_arm64.zip\n`,
    [`${atGitHub}x5.0_linux_arm64.zip`]: zip,
  };
  const plugin = {
    source: 'github.com/hashicorp/amazon',
    version: '1.3.2',
    url: `https://${atGitHub}x5.0_linux_arm64.zip`,
    sha256: digest(zip),
  };

  it('pins those that the templates require, and nothing else', async () => {
    const { text } = openRepository(requiring('= 1.3.2'));
    const { error, out } = await pin({ plugins: true }, onGitHub);
    expect(error).toBeUndefined();
    expect(parse(text('packleader.config'))).toMatchObject({ plugins: [plugin] });
    expect(out).toContain(
      `  wrote  github.com/hashicorp/amazon 1.3.2\n         ${plugin.sha256}  as github.com publishes it\n`,
    );
    expect((await pin({ plugins: true }, onGitHub)).out).toContain('  kept   github.com/hashicorp/amazon');
  });

  it('asks HashiCorp’s own site first', async () => {
    const { text } = openRepository(requiring('1.3.2'));
    const published = {
      ...onGitHub,
      [`${atVendor}SHA256SUMS`]: `${digest(zip)}  packer-plugin-amazon_1.3.2_linux_arm64.zip\n`,
      [`${atVendor}linux_arm64.zip`]: zip,
    };
    expect((await pin({ plugins: true }, published)).error).toBeUndefined();
    expect(parse(text('packleader.config'))).toMatchObject({
      plugins: [{ ...plugin, url: `https://${atVendor}linux_arm64.zip` }],
    });
  });

  it.each<[string, string, Published, string]>([
    [
      'of which any of several versions would do',
      '>= 1.3.0',
      onGitHub,
      'images/base/image.pkr.hcl:3 requires >= 1.3.0 of github.com/hashicorp/amazon, must be one version, like = 1.3.2; or write the plugin into packleader.config by hand',
    ],
    [
      'that are not what is published',
      '= 1.3.2',
      { ...onGitHub, [`${atGitHub}x5.0_linux_arm64.zip`]: 'another' },
      'what was fetched is not what is published',
    ],
    [
      'that nobody publishes',
      '= 1.3.2',
      {},
      'there is no github.com/hashicorp/amazon 1.3.2 at releases.hashicorp.com or github.com, must be a version that is published',
    ],
    [
      'without a zip for the architecture',
      '= 1.3.2',
      { [`${atGitHub}SHA256SUMS`]: 'none\n' },
      'found no zip for linux_arm64 in',
    ],
  ])('fails, and writes nothing, for plugins %s', async (_, version, published, sentence) => {
    const there = requiring(version);
    const { files } = openRepository(there);
    expect((await pin({ plugins: true }, published)).error).toContain(sentence);
    expect(files()).toEqual(there);
  });
});

describe('packleader pin fails, and writes nothing,', () => {
  const sums = 'releases.hashicorp.com/packer/1.14.2/packer_1.14.2_SHA256SUMS';
  const zip = 'releases.hashicorp.com/packer/1.14.2/packer_1.14.2_linux_arm64.zip';

  it.each<[string, PinOptions, Published | null, string]>([
    [
      'when what is fetched is not what is published',
      {},
      { ...NEWEST, [zip]: 'another zip' },
      `--packer: found the SHA-256 ${digest(Buffer.from('another zip'))} of https://${zip}, must be ${PACKER.sha256}, as https://${sums} says: what was fetched is not what HashiCorp publishes`,
    ],
    [
      'for a version that is not published',
      { packer: '9.9.9' },
      NEWEST,
      '--packer: there is no https://releases.hashicorp.com/packer/9.9.9/packer_9.9.9_SHA256SUMS (403), must be a version that is published',
    ],
    [
      'for a version that has no zip for the architecture',
      { packer: '1.14.2' },
      { ...NEWEST, [sums]: `${'0'.repeat(64)}  packer_1.14.2_linux_amd64.zip\n` },
      `--packer: found no packer_1.14.2_linux_arm64.zip in https://${sums}, must be a version that has one`,
    ],
    [
      'without internet',
      { packer: '1.14.2' },
      null,
      `; run it where releases.hashicorp.com can be reached, or name the SHA-256 by hand: --packer <version>=<sha256>`,
    ],
    [
      'when a server stays busy',
      { packer: '1.14.2' },
      { [sums]: [503] },
      'cannot be fetched: it answers with 503; run it where',
    ],
    [
      'when the newest version cannot be told',
      {},
      { ...NEWEST, 'api.releases.hashicorp.com/v1/releases/packer/latest': '<html>' },
      '--packer: found no version at https://api.releases.hashicorp.com/v1/releases/packer/latest: name one',
    ],
    [
      'for what is no version',
      { packer: 'latest' },
      NEWEST,
      '--packer: found "latest", must be a version like 1.11.2, or one with the SHA-256 behind a =',
    ],
  ])('%s', async (_title, options, published, sentence) => {
    const { files } = openRepository({ 'package.json': '{}' });
    const { error } = await pin(options, published);
    expect(error).toContain(sentence);
    expect(files()).toEqual({ 'package.json': '{}' });
  });

  it('before anything is fetched where packleader.config is wrong', async () => {
    const there = { 'package.json': '{}', 'packleader.config': 'packer: 1.11.2\n' };
    const { files } = openRepository(there);
    const { error, asked } = await pin();
    expect(error).toBe('packleader.config:1 packer: found "1.11.2", must be a map of version and sha256');
    expect(asked).toEqual([]);
    expect(files()).toEqual(there);
  });
});
