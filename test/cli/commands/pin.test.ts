import { createHash } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { type PinOptions, pinCommand } from '../../../cli/commands/pin/run.ts';
import { written } from '../output.ts';
import { openRepository } from '../repository.ts';

const PACKER_ZIP = Buffer.from('a zip of Packer');
const PLUGIN_RPM = Buffer.from('a package of the plugin');
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What is published, by URL without its scheme; a list is answered one after the other, the last for ever. */
type Published = Readonly<Record<string, string | Buffer | readonly (string | Buffer | number)[]>>;

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

/** An internet that publishes this, from a server of this machine; null where there is none. */
async function openInternet(published: Published | null) {
  const asked: string[] = [];
  const waited: number[] = [];
  const answer = ({ url = '' }: IncomingMessage, response: ServerResponse) => {
    const name = url.slice(1);
    const given = published?.[name];
    const times = asked.filter((one) => one === name).length;
    asked.push(name);
    const now =
      typeof given === 'object' && !Buffer.isBuffer(given) ? given[Math.min(times, given.length - 1)] : given;
    response.statusCode = typeof now === 'number' ? now : now === undefined ? 403 : 200;
    response.end(typeof now === 'number' || now === undefined ? 'no' : now);
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const { port } = address;
  const close = () => new Promise((resolve) => server.close(resolve));
  if (published === null) await close();
  else onTestFinished(async () => void (await close()));
  return {
    asked,
    waited,
    fetch: (url: string, options: RequestInit) =>
      fetch(`http://127.0.0.1:${port}/${url.replace('https://', '')}`, options),
    sleep: (milliseconds: number) => {
      waited.push(milliseconds);
      return Promise.resolve();
    },
  };
}

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
