import { createHash } from 'node:crypto';
import { HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { type MirrorOptions, mirrorCommand } from '../../../cli/commands/mirror/run.ts';
import { type Published, openInternet } from '../internet.ts';
import { written } from '../output.ts';
import { openRepository } from '../repository.ts';

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const inBase64 = (text: string) => Buffer.from(digest(text), 'hex').toString('base64');

const ZIP = 'releases.hashicorp.com/packer/1.14.2/packer_1.14.2_linux_arm64.zip';
const RPM =
  's3.amazonaws.com/session-manager-downloads/plugin/1.2.707.0/linux_arm64/session-manager-plugin.rpm';
const PLUGIN = 'example.com/plugins/packer-plugin-amazon_v1.3.2_x5.0_linux_arm64.zip';
const CONTENTS: Published = { [ZIP]: 'Packer', [PLUGIN]: 'its plugin', [RPM]: 'an rpm' };
const WHATS = {
  [ZIP]: 'packer 1.14.2',
  [PLUGIN]: 'github.com/hashicorp/amazon 1.3.2',
  [RPM]: 'sessionManagerPlugin 1.2.707.0',
};
const BUCKET = 's3://packleader-999999999999-eu-west-1';

const FACTORY = `repository: https://github.com/example/images
hub: { accountId: '999999999999', region: eu-west-1 }
stages: [{ name: dev, targets: [{ accountId: '111111111111', region: eu-west-1 }] }]
`;
const CONFIG = `packer: { version: 1.14.2, sha256: ${digest('Packer')} }
sessionManagerPlugin: { version: 1.2.707.0, sha256: ${digest('an rpm')} }
plugins:
  - source: github.com/hashicorp/amazon
    version: 1.3.2
    url: https://${PLUGIN}
    sha256: ${digest('its plugin')}
`;
const REPOSITORY = {
  'package.json': '{}',
  'packleader.config': CONFIG,
  'packer/factory.yaml': FACTORY,
  'packer/images/base/image.yaml': 'description: Base.\nversion: "1.0"\nplatform: linux\n',
};

const s3 = mockClient(S3Client);
beforeEach(() => {
  s3.reset();
  s3.onAnyCommand().rejects(new Error('an unexpected call'));
  s3.on(HeadObjectCommand).rejects(Object.assign(new Error('NotFound'), { name: 'NotFound' }));
  s3.on(PutObjectCommand).resolves({});
});

async function mirror(options: MirrorOptions = {}, published: Published | null = CONTENTS) {
  const internet = await openInternet(published);
  const { output, texts } = written();
  const error = await mirrorCommand(options, output, internet).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );
  return { error, out: texts.out, asked: internet.asked };
}

const puts = () => s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => input);
const linesOf = (done: string, nameOf: (url: string, content: string) => string) =>
  Object.entries(WHATS)
    .map(([url, what]) => `  ${done}  ${what}\n         ${nameOf(url, String(CONTENTS[url]))}\n`)
    .join('');

describe('packleader mirror', () => {
  it('puts everything that is pinned into the hub’s bucket, named by its SHA-256', async () => {
    openRepository(REPOSITORY);
    const { error, out } = await mirror();
    expect(error).toBeUndefined();
    expect(puts()).toEqual(
      ['Packer', 'its plugin', 'an rpm'].map((content) => ({
        Bucket: 'packleader-999999999999-eu-west-1',
        Key: `tools/${digest(content)}`,
        Body: new TextEncoder().encode(content),
        ChecksumSHA256: inBase64(content),
      })),
    );
    expect(out).toBe(linesOf('wrote', (_, content) => `${BUCKET}/tools/${digest(content)}`));
  });

  it('leaves what is there as it is, without fetching it, and puts another file of that name right', async () => {
    openRepository(REPOSITORY);
    s3.on(HeadObjectCommand).callsFake(({ Key }: { Key: string }) => ({
      ChecksumSHA256: Key.endsWith(digest('an rpm'))
        ? inBase64('another')
        : Buffer.from(Key.slice(6), 'hex').toString('base64'),
    }));
    const { error, out, asked } = await mirror();
    expect(error).toBeUndefined();
    expect(asked).toEqual([RPM]);
    expect(puts().map(({ Key }) => Key)).toEqual([`tools/${digest('an rpm')}`]);
    expect(out).toContain('  kept   packer 1.14.2\n');
  });

  it('goes through a directory, laid out as a mirror serves it, to where there is no internet', async () => {
    const { files } = openRepository(REPOSITORY);
    expect((await mirror({ to: 'carried' })).error).toBeUndefined();
    expect(files()).toEqual({
      ...REPOSITORY,
      ...Object.fromEntries(Object.entries(CONTENTS).map(([url, content]) => [`carried/${url}`, content])),
    });
    expect(s3.calls()).toEqual([]);
    expect((await mirror({ to: 'carried' }, null)).out).toContain('  kept   packer 1.14.2\n');
    expect((await mirror({ from: 'carried' }, null)).error).toBeUndefined();
    expect(puts()).toHaveLength(3);
  });
});

describe('packleader mirror fails, and puts nothing,', () => {
  it.each<[string, MirrorOptions, Published, Readonly<Record<string, string>>, string]>([
    [
      'for what is not the file that is pinned',
      {},
      { ...CONTENTS, [ZIP]: 'another' },
      {},
      `https://${ZIP}: has the SHA-256 ${digest('another')}, must be ${digest('Packer')}, as packleader.config pins it`,
    ],
    [
      'for what is not published any more',
      {},
      {},
      {},
      `packer 1.14.2: there is no https://${ZIP} (403), must be a version that is published`,
    ],
    [
      'when nothing is pinned',
      {},
      CONTENTS,
      { 'packleader.config': 'customerKey: true\n' },
      'packleader.config: pins nothing that a bake downloads: packleader pin --plugins writes it',
    ],
    [
      'when builds look into a mirror',
      {},
      CONTENTS,
      { 'packleader.config': `${CONFIG}downloads: https://mirror.example.com/packer\n` },
      '--to: must be a directory, which you then serve as https://mirror.example.com/packer: so packleader.config says',
    ],
    [
      'when the directory has not all of it',
      { from: 'nowhere' },
      CONTENTS,
      {},
      `nowhere/${ZIP}: packleader mirror --to makes such a directory`,
    ],
  ])('%s', async (_, options, published, files, sentence) => {
    openRepository({ ...REPOSITORY, ...files });
    expect((await mirror(options, published)).error).toContain(sentence);
    expect(puts()).toEqual([]);
  });

  it('when S3 refuses, with its reason', async () => {
    openRepository(REPOSITORY);
    s3.on(PutObjectCommand).rejects(Object.assign(new Error('no s3:PutObject'), { name: 'AccessDenied' }));
    expect((await mirror()).error).toBe(
      `${BUCKET}/tools/${digest('Packer')} could not be written: no s3:PutObject`,
    );
    s3.on(HeadObjectCommand).rejects(
      Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' }),
    );
    expect((await mirror()).error).toContain('could not be looked at: Rate exceeded');
  });
});
