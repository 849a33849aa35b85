import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { type PageOptions, pageCommand } from '../../../cli/commands/page/run.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { freePort } from '../../fixtures/ports.ts';
import { HUB_FLAG } from '../operator.ts';
import { run, written } from '../output.ts';
import { shipped } from '../rehearsing.ts';
import {
  DEV_TARGET,
  FIRST,
  PROD_TARGET,
  SECOND,
  addAuditor,
  afterTwoReleases,
  forgetTimeline,
} from './seeing.ts';

const ASKED: PageOptions = {
  json: false,
  hub: HUB_FLAG,
  as: 'auditor',
  instances: true,
  limit: 1_000,
  timelines: 25,
};

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'packleader-page-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const dataSchema = z.object({
  images: z.array(z.string()),
  rehearsed: z.boolean(),
  releases: z.array(
    z.looseObject({
      image: z.number(),
      version: z.string(),
      seconds: z.number().optional(),
      states: z.array(z.unknown()).optional(),
      builtOn: z.string().optional(),
    }),
  ),
  where: z.array(z.looseObject({ latest: z.array(z.unknown()).nullable() })),
  notSeen: z.array(z.unknown()),
});

const seenSchema = z.object({
  releases: z.array(z.looseObject({ releaseId: z.string(), timeline: z.unknown() })),
});

const dataIn = (html: string) =>
  dataSchema.parse(JSON.parse(/id="data">([^]*?)<\/script>/.exec(html)?.[1] ?? ''));

describe('packleader page', () => {
  test('writes one file with every release, what is where, and where the time went', async () => {
    const { sandbox, operator } = await afterTwoReleases();
    addAuditor(sandbox, [DEV_TARGET, PROD_TARGET]);
    const file = join(place(), 'index.html');
    const { texts, output } = written();
    expect(await pageCommand({ ...ASKED, out: file }, output, operator)).toBe(0);
    expect(texts.out).toMatch(/^ {2}wrote {2}\S+index\.html \(\d+ kB\)\n$/);
    const { images, releases, where, notSeen, rehearsed } = dataIn(readFileSync(file, 'utf8'));
    expect(rehearsed).toBe(false);
    expect(releases.map(({ image, version }) => `${images[image]}@${version}`)).toEqual([
      `web@${SECOND}`,
      `base@${SECOND}`,
      `web@${FIRST}`,
      `base@${FIRST}`,
    ]);
    for (const release of releases) {
      expect(release.seconds).toBeGreaterThan(20 * 60);
      expect(release.states).not.toHaveLength(0);
    }
    expect(releases[0]?.builtOn).toBe(`base@${SECOND}`);
    expect(where.map(({ latest }) => latest?.[1])).toEqual([SECOND, SECOND, SECOND, SECOND]);
    expect(notSeen).toEqual([]);
  });

  test('exits with 5 and says so in the page when a target lets nobody in', async () => {
    const { sandbox, operator } = await afterTwoReleases();
    addAuditor(sandbox, [DEV_TARGET]);
    const file = join(place(), 'index.html');
    const { texts, output } = written();
    expect(await pageCommand({ ...ASKED, out: file }, output, operator)).toBe(5);
    expect(texts.err).toBe('1 target could not be seen; the page says why\n');
    expect(dataIn(readFileSync(file, 'utf8')).notSeen).toEqual([
      expect.objectContaining({ what: 'latest', why: expect.stringContaining('cannot assume') }),
    ]);
  });

  test('sees with the role of --as when the caller is not in the hub', async () => {
    const { sandbox, operator } = await afterTwoReleases();
    const accountId = DEV_TARGET?.accountId ?? '';
    const role = (of: string, name: string, allows: RegExp) =>
      sandbox.world.roles.set(`${of}/${name}`, {
        accountId: of,
        name,
        allows,
        trusts: [accountId],
        destroysTaggedOnly: false,
      });
    role(accountId, 'person', /^sts:/);
    for (const account of [HUB.accountId, accountId, PROD_TARGET?.accountId ?? ''])
      role(
        account,
        'auditor',
        /^(sfn:(List|Get|Describe)|s3:(GetObject|ListObjectsV2)$|ssm:GetParameters$|ec2:Describe)/,
      );
    const credentials = sandbox.issue(accountId, 'person', 'somebody');
    const client = new SFNClient({ region: HUB.region, credentials });
    const { texts, output } = written();
    expect(await pageCommand({ ...ASKED, json: true }, output, { ...operator, client })).toBe(0);
    const { releases } = seenSchema.parse(JSON.parse(texts.out));
    expect(releases.map(({ timeline }) => timeline !== null)).toEqual([true, true, true, true]);
  });

  test('reads as few histories as it is told', async () => {
    const { sandbox, operator } = await afterTwoReleases();
    addAuditor(sandbox, [DEV_TARGET, PROD_TARGET]);
    for (const version of [FIRST, SECOND]) forgetTimeline(sandbox, 'base', version);
    const { texts, output } = written();
    expect(await pageCommand({ ...ASKED, json: true, timelines: 1 }, output, operator)).toBe(0);
    const { releases } = seenSchema.parse(JSON.parse(texts.out));
    const known = releases.map(({ releaseId, timeline }) => [releaseId, timeline !== null]);
    // What a record knows needs no history.
    expect(known).toEqual([
      [`web@${SECOND}`, true],
      [`base@${SECOND}`, true],
      [`web@${FIRST}`, true],
      [`base@${FIRST}`, false],
    ]);
  });

  test('is either written or shown', async () => {
    const { exit, err } = await run('page', '--serve', '--out', join(place(), 'page.html'));
    expect(exit).toBe(2);
    expect(err).toContain("option '--serve [port]' cannot be used with option '--out <file>'");
  });

  test('shows it to browsers of this machine until Ctrl-C, and to nobody else', async () => {
    const { sandbox, operator } = await afterTwoReleases();
    addAuditor(sandbox, [DEV_TARGET, PROD_TARGET]);
    const port = await freePort();
    const enough = new AbortController();
    const { texts, output } = written();
    const showing = pageCommand({ ...ASKED, serve: port }, output, { ...operator, signal: enough.signal });
    const url = `http://127.0.0.1:${port}/`;
    await expect.poll(() => texts.out).toBe(`${url} shows it until Ctrl-C\n`);
    const got = await fetch(url);
    expect(got.status).toBe(200);
    expect(dataIn(await got.text()).releases).toHaveLength(4);
    expect((await fetch(`${url}other`)).status).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    expect(await statusFor(port, 'evil.example')).toContain(' 403 ');
    await expect(pageCommand({ ...ASKED, serve: port }, written().output, operator)).rejects.toThrow(
      `somebody listens on port ${port} already; give another, as in --serve ${port + 1}`,
    );
    await expect(pageCommand({ ...ASKED, serve: 99_999 }, written().output, operator)).rejects.toThrow(
      'found 99999, must be a port, a whole number from 1 to 65535',
    );
    enough.abort();
    expect(await showing).toBe(0);
  });
});

describe('packleader rehearse --page', () => {
  test('writes the page of the rehearsal, also of one that was rolled back', async () => {
    const file = join(place(), 'page.html');
    const { exit, out } = await run(
      'rehearse',
      'linux-base',
      '--factory',
      shipped,
      '--no-validate',
      '--fail',
      'Bake prod AMIs',
      '--page',
      file,
    );
    expect(exit).toBe(1);
    expect(out).toContain('page.html (');
    const { releases, rehearsed } = dataIn(readFileSync(file, 'utf8'));
    expect(rehearsed).toBe(true);
    expect(releases).toEqual([expect.objectContaining({ outcome: 'rolled back' })]);
  });

  test('leaves nothing behind where it may not write', async () => {
    const directory = place();
    const { exit, err } = await run(
      'rehearse',
      'linux-base',
      '--factory',
      shipped,
      '--no-validate',
      '--page',
      join(directory, 'none', 'page.html'),
    );
    expect(exit).toBe(2);
    expect(err).toContain('none/page.html: is not there');
    expect(readdirSync(directory)).toEqual([]);
  });
});

/** The status line for a browser that was led here by another name. */
async function statusFor(port: number, host: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  let said = '';
  for await (const chunk of socket) said += String(chunk);
  return said.split('\r\n')[0] ?? '';
}
