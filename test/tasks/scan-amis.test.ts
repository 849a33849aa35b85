import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { handler } from '../../tasks/scan-amis.ts';
import { type Sbom, sbomOf, sbomSchema } from '../../core/sbom/sbom.ts';
import { sha256Of } from '../../core/sbom/sha256.ts';
import type { Ignore, Severity } from '../../core/contract/vulnerabilities.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, HUB_REGION, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE, amiIn } from '../fixtures/releases.ts';

const aws = useAws();

const PREFIX = 'plans/x/web';
const DEV_NAME = '111111111111/eu-west-1';
const PROD_NAME = '222222222222/us-east-1';
const AMAZON = 'amzn\t2023\toperating-system\trpm\n';
const rpm = (name: string) => `${name}\t3.0-1\tx86_64\t${name}-3.0-1.src.rpm\n`;
const LIST = `${AMAZON}${rpm('bash')}${rpm('openssl')}`;
const NOTHING = { critical: 0, high: 0, medium: 0, low: 0, ignored: 0 };
const SAID = 'amazon:inspector:sbom_scanner:info';

interface Known {
  readonly id: string;
  readonly severities: readonly string[];
  readonly packages?: readonly string[];
}

const requestSchema = z.object({ sbom: sbomSchema, outputFormat: z.string() });
const asked: { url: string; headers: Headers; sbom: Sbom; format: string }[] = [];

/** Answers as Inspector does: with the components numbered anew. */
function inspector(known: readonly Known[], skips: (name: string) => boolean = () => false): void {
  vi.stubGlobal(
    'fetch',
    async (url: string, { headers, body }: { headers: Record<string, string>; body: string }) => {
      const { sbom, outputFormat: format } = requestSchema.parse(JSON.parse(body));
      asked.push({ url, headers: new Headers(headers), sbom, format });
      const components = sbom.components.map((component, index) => ({
        ...component,
        'bom-ref': `comp-${index}`,
        properties: [
          {
            name: SAID,
            value: skips(component.name)
              ? 'Component skipped: no supported rules found.'
              : 'Component scanned: no vulnerabilities found.',
          },
        ],
      }));
      const vulnerabilities = known.map(({ id, severities, packages = ['openssl'] }) => ({
        id,
        ratings: severities.map((severity) => ({ severity, source: { name: 'NVD' } })),
        affects: components
          .filter(({ name }) => packages.includes(name))
          .map((component) => ({ ref: component['bom-ref'] })),
      }));
      return Response.json({ sbom: { ...sbom, components, vulnerabilities } });
    },
  );
}

const answers = (status: number, type: string, message: string) =>
  vi.stubGlobal('fetch', async () =>
    Response.json({ message }, { status, headers: { 'x-amzn-errortype': `${type}:http://internal/` } }),
  );

interface Asked {
  readonly failOn?: Severity;
  readonly ignore?: readonly Ignore[];
  /** Whose AMI is scanned; both by default, none for an image that nobody scans. */
  readonly judged?: readonly string[];
  /** What `Compare AMIs` left, by what the AMIs list; both the same by default. */
  readonly lists?: Readonly<Record<string, string>>;
  readonly compared?: unknown;
  /** What lies where an SBOM was left. */
  readonly tampered?: string;
  readonly leftNothing?: true;
  /** What a command of one's own found, if that scans; undefined when it left nothing. */
  readonly command?: { readonly found?: object; readonly run?: unknown };
}

async function scanThese({
  failOn = 'critical',
  ignore = [],
  judged = [DEV_NAME, PROD_NAME],
  lists = { [DEV_NAME]: LIST, [PROD_NAME]: LIST },
  compared = { sboms: 1 },
  tampered,
  leftNothing,
  command,
}: Asked = {}) {
  const all = Object.keys(lists);
  const sboms = [...new Set(Object.values(lists))].map((list, index) => {
    const text = JSON.stringify(sbomOf(RELEASE, list));
    const key = `sboms/web/${RELEASE.version}/${index}.cdx.json`;
    aws.holds('hub', key, new TextEncoder().encode(tampered ?? text));
    const targets = all.filter((target) => lists[target] === list);
    return { key, sha256: sha256Of(text), components: 3, ...(targets.length < 2 && { targets }) };
  });
  const without = [DEV_NAME, PROD_NAME]
    .filter((target) => !all.includes(target))
    .map((target) => ({ targets: [target], why: 'its bake told of no list' }));
  if (!leftNothing) aws.holds('hub', `${PREFIX}/sboms.json`, { sboms, without });
  if (judged.length > 0)
    aws.holds('hub', `${PREFIX}/scan.json`, { judged: [{ failOn, ignore, targets: judged }] });
  if (command?.found !== undefined) aws.holds('hub', 'scans/web-1/0.cdx.json', command.found);
  aws.expects(HUB, ({ command: name }) => name === 'PutObject' || name === 'ListObjectsV2');
  return handler({
    release: RELEASE,
    plan: { bucket: 'hub', prefix: PREFIX },
    amis: { dev: [amiIn(DEV, 'ami-1')], prod: [amiIn(PROD, 'ami-2')] },
    compared,
    enteredAt: '2026-11-21T10:00:00.000Z',
    scanner: command ? 'command' : 'inspector',
    ...(command && { executionName: 'web-1', scannerRun: command.run ?? {} }),
  });
}

/** What was written down of the scan. */
function written(): unknown {
  const found = aws.sent.find(({ command }) => command === 'PutObject')?.input;
  expect(Reflect.get(Object(found), 'Key')).toBe(`${PREFIX}/vulnerabilities.json`);
  return JSON.parse(String(Reflect.get(Object(found), 'Body')));
}

describe('scanning what the AMIs of a release hold', () => {
  beforeEach(() => {
    asked.splice(0);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('asks Inspector once for AMIs that hold the same, signed for its service in the region of the hub', async () => {
    inspector([]);
    expect(await scanThese()).toEqual({ sboms: 1, ...NOTHING });
    expect(asked).toMatchObject([
      { url: `https://inspector-scan.${HUB_REGION}.amazonaws.com/scan/sbom`, format: 'CYCLONE_DX_1_5' },
    ]);
    expect(asked[0]?.headers.get('authorization')).toMatch(
      new RegExp(`^AWS4-HMAC-SHA256 Credential=${HUB}/\\d{8}/${HUB_REGION}/inspector-scan/aws4_request`),
    );
    expect(asked[0]?.sbom).toEqual(sbomOf(RELEASE, LIST));
    expect(written()).toMatchObject({
      scanner: 'inspector',
      at: '2026-11-21T10:00:00.000Z',
      sboms: [{ targets: [DEV_NAME, PROD_NAME], findings: [], notScanned: 0 }],
    });
  });

  it('of an image that nobody scans asks nobody', async () => {
    inspector([]);
    expect(await scanThese({ judged: [] })).toEqual({ sboms: 0, ...NOTHING });
    expect(asked).toEqual([]);
  });

  it('looks only at what the targets hold that are judged', async () => {
    inspector([]);
    const lists = { [DEV_NAME]: LIST, [PROD_NAME]: `${AMAZON}${rpm('bash')}` };
    expect(await scanThese({ judged: [PROD_NAME], lists })).toMatchObject({ sboms: 1 });
    expect(asked.map(({ sbom }) => sbom.components.length)).toEqual([2]);
  });

  it('fails on what is grave enough, takes the highest of several ratings, and says where it is', async () => {
    inspector([
      { id: 'CVE-2026-10', severities: ['medium', 'high'] },
      { id: 'CVE-2026-9', severities: ['low'], packages: ['bash'] },
      { id: 'CVE-2026-8', severities: [] },
    ]);
    await expect(scanThese({ failOn: 'high' })).rejects.toMatchObject({
      name: 'VulnerabilitiesFound',
      message: [
        'web@1.4.20261121093000 holds vulnerabilities that are too grave.',
        `${DEV_NAME} and 1 more: CVE-2026-10, high, in openssl 3.0-1`,
      ].join('\n'),
    });
    expect(written()).toMatchObject({
      sboms: [
        {
          counts: { critical: 0, high: 1, medium: 0, low: 2 },
          findings: [
            { id: 'CVE-2026-10', severity: 'high', packages: ['openssl 3.0-1'] },
            { id: 'CVE-2026-8', severity: 'low' },
            { id: 'CVE-2026-9', severity: 'low', packages: ['bash 3.0-1'] },
          ],
        },
      ],
    });
  });

  it('lets pass what is less grave, and counts it', async () => {
    inspector([{ id: 'CVE-2026-10', severities: ['high'] }]);
    expect(await scanThese()).toEqual({ sboms: 1, ...NOTHING, high: 1 });
  });

  it.each([
    ['on its last day', '2026-11-21', true],
    ['the day after', '2026-11-20', false],
  ])('ignores what is to be ignored %s: %s', async (_, until, passes) => {
    inspector([{ id: 'CVE-2026-10', severities: ['critical'] }]);
    const ignore = [{ id: 'CVE-2026-10', until, reason: 'not called here' }];
    const scanned = scanThese({ ignore });
    if (passes) {
      expect(await scanned).toEqual({ sboms: 1, ...NOTHING, critical: 1, ignored: 1 });
      expect(written()).toMatchObject({ ignored: ignore });
    } else
      await expect(scanned).rejects.toThrow(
        `CVE-2026-10, critical, in openssl 3.0-1 (ignored until ${until}, which is over)`,
      );
  });

  it('tells the first ten, and how many more there are', async () => {
    inspector(Array.from({ length: 12 }, (_, at) => ({ id: `CVE-2026-${at}`, severities: ['critical'] })));
    await expect(scanThese()).rejects.toThrow(/(\n111111111111.*){10}\nAnd 2 more vulnerabilities\.$/);
  });

  it('scans more than 2,000 packages in parts, each of which names the system', async () => {
    const many = `${AMAZON}${Array.from({ length: 4_500 }, (_, at) => rpm(`p${at}`)).join('')}`;
    inspector([{ id: 'CVE-2026-10', severities: ['critical'], packages: ['p4400'] }]);
    await expect(scanThese({ lists: { [DEV_NAME]: many, [PROD_NAME]: many } })).rejects.toThrow('in p4400');
    expect(asked.map(({ sbom }) => sbom.components.length)).toEqual([2_000, 2_000, 503]);
    for (const { sbom } of asked) expect(sbom.components[0]).toMatchObject({ type: 'operating-system' });
  });

  describe('fails with NotScanned', () => {
    it('when the scanner knows none of the packages, and not when it knows some', async () => {
      inspector([], () => true);
      await expect(scanThese()).rejects.toMatchObject({
        name: 'NotScanned',
        message: 'Amazon Inspector knows none of its 2 packages',
      });
      inspector([], (name) => name === 'bash');
      expect(await scanThese()).toMatchObject({ sboms: 1 });
    });

    it('when there is nothing in an SBOM to scan', async () => {
      inspector([]);
      await expect(scanThese({ lists: { [DEV_NAME]: AMAZON, [PROD_NAME]: AMAZON } })).rejects.toMatchObject({
        name: 'NotScanned',
      });
    });

    it('when an AMI that is judged has no SBOM', async () => {
      inspector([]);
      await expect(scanThese({ lists: { [DEV_NAME]: LIST } })).rejects.toMatchObject({
        name: 'NotScanned',
        message: `What web@1.4.20261121093000 holds is not known everywhere.\n${PROD_NAME}: no SBOM: its bake told of no list`,
      });
      expect(asked).toEqual([]);
    });

    it('when the comparison failed, or left nothing', async () => {
      await expect(scanThese({ compared: { Error: 'AmisDiffer', Cause: 'x' } })).rejects.toMatchObject({
        name: 'NotScanned',
        message: 'There is no SBOM of web@1.4.20261121093000: AmisDiffer: x',
      });
      aws.reset();
      await expect(scanThese({ leftNothing: true })).rejects.toThrow('none was left');
    });

    it('when an SBOM is not the one that was left', async () => {
      inspector([]);
      await expect(scanThese({ tampered: JSON.stringify(sbomOf(RELEASE, AMAZON)) })).rejects.toThrow(
        `s3://hub/sboms/web/${RELEASE.version}/0.cdx.json is not what was left there`,
      );
      expect(asked).toEqual([]);
    });

    it('when Inspector answers no SBOM', async () => {
      vi.stubGlobal('fetch', async () => Response.json({ sbom: { bomFormat: 'SPDX' } }));
      await expect(scanThese()).rejects.toMatchObject({ name: 'NotScanned' });
    });
  });

  describe('by a command of one’s own', () => {
    const found = {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      components: [{ type: 'library', name: 'openssl', version: '3.0-1', 'bom-ref': 'a' }],
      vulnerabilities: [
        {
          id: 'CVE-2026-10',
          ratings: [{ severity: 'critical', method: 'CVSSv31' }],
          affects: [{ ref: 'a' }],
        },
      ],
    };

    it('judges what it found, and asks nobody else', async () => {
      inspector([]);
      await expect(scanThese({ command: { found } })).rejects.toThrow(
        'CVE-2026-10, critical, in openssl 3.0-1',
      );
      expect(asked).toEqual([]);
      expect(written()).toMatchObject({ scanner: 'command', sboms: [{ counts: { critical: 1 } }] });
    });

    it('passes what it found nothing in, for which some scanners write no list', async () => {
      const { vulnerabilities: _, ...nothing } = found;
      expect(await scanThese({ command: { found: nothing } })).toEqual({ sboms: 1, ...NOTHING });
    });

    it('fails with NotScanned when it left nothing, something else, or failed', async () => {
      await expect(scanThese({ command: {} })).rejects.toMatchObject({
        name: 'NotScanned',
        message: 'The scanner left no CycloneDX in s3://hub/scans/web-1/0.cdx.json',
      });
      await expect(scanThese({ command: { found: { matches: [] } } })).rejects.toThrow('left no CycloneDX');
      const run = { Error: 'States.TaskFailed', Cause: 'no such command' };
      await expect(scanThese({ command: { found, run } })).rejects.toMatchObject({
        name: 'NotScanned',
        message: 'The scanner failed: no such command',
      });
    });
  });

  it.each([
    [403, 'AccessDeniedException', 'AccessDenied'],
    [429, 'ThrottlingException', 'Throttled'],
    [500, 'InternalServerException', 'ConnectionLost'],
    [503, '', 'ConnectionLost'],
    [400, 'ValidationException', 'AwsCallFailed'],
  ])('fails with what HTTP %d of %s is: %s', async (status, type, name) => {
    answers(status, type, 'no');
    await expect(scanThese()).rejects.toMatchObject({ name, message: expect.stringContaining('no') });
  });

  it('fails with ConnectionLost when nobody answers', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('fetch failed');
    });
    await expect(scanThese()).rejects.toMatchObject({ name: 'ConnectionLost' });
  });
});
