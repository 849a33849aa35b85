import { describe, expect, test } from 'vitest';
import { releaseTimeline } from '../../../client/client.ts';
import { BAKE_FILES } from '../../../core/contract/keys.ts';
import { releasedRecordSchema } from '../../../core/contract/releases.ts';
import { cycloneDxProblems } from '../../fixtures/cyclonedx.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { COMMIT, REPOSITORY } from '../../fixtures/releases.ts';
import { FIRST, READER, SECOND, afterTwoReleases, objectsOf, openReader, putRecord } from './seeing.ts';

const DEV = '100000000001/eu-west-1';
const PROD = '100001000001/eu-west-1';

/** As deployments wrote it that knew of no schema. */
const OLD = '1.3.20261001000000';
const oldRecord = (image: string, sourceAmi?: object) => ({
  releaseId: `${image}@${OLD}`,
  image,
  version: OLD,
  commit: COMMIT,
  repository: REPOSITORY,
  prerelease: false,
  images: [
    {
      stage: 'dev',
      accountId: '100000000001',
      region: 'eu-west-1',
      imageId: 'ami-0000000000000000a',
      ...(sourceAmi && { sourceAmi, architecture: 'x86_64' }),
    },
  ],
});

describe('the record of a release', () => {
  test('holds all that is known: who asked and why, configuration with origins, source AMIs, and what it is built on', async () => {
    const { show } = await afterTwoReleases();
    const { exit, out } = await show(`web@${SECOND}`, { json: true });
    expect(exit).toBe(0);
    const record = releasedRecordSchema.parse(JSON.parse(out));
    expect(record).toMatchObject({ schema: 2, branch: 'main', commit: COMMIT });
    expect(record.startedBy).toMatch(/^arn:aws:sts::999999999999:assumed-role\//);
    expect((await show(`web@${SECOND}`)).out).toContain(`started by  ${record.startedBy}`);
    expect(record.requestArn).toMatch(/:execution:packleader-release:two$/);
    expect(record.executionArn).toMatch(/:execution:packleader-release-image:web-/);
    expect(record.startedAt).toMatch(/^2026-12-01T\d/);
    const images = record.images.map(({ stage, builtOn }) => [stage, builtOn]);
    expect(images).toEqual([
      ['dev', `base@${SECOND}`],
      ['prod', `base@${SECOND}`],
    ]);
    for (const { sourceImageId } of record.images) expect(sourceImageId).toMatch(/^ami-/);
    expect(record.images.map(({ instanceType, spot }) => [instanceType, spot])).toEqual([
      ['m7i.large', undefined],
      ['m7i.large', undefined],
    ]);
    expect((await show(`web@${SECOND}`)).lines.filter((line) => line.endsWith(' on m7i.large'))).toHaveLength(
      2,
    );
    expect(record.configuration).toContainEqual({
      setting: 'rootVolumeSizeGiB',
      value: 24,
      file: 'overrides',
      line: 0,
    });
    expect(record.configuration).toContainEqual({
      setting: 'kmsKeyId',
      value: 'alias/packleader',
      file: 'config/default.yaml',
      line: expect.any(Number),
    });
  });

  test('holds where its time went and what it cost, which outlives the histories it was read from', async () => {
    const { show, operator } = await afterTwoReleases();
    const { out } = await show(`web@${SECOND}`, { json: true });
    const { timeline } = releasedRecordSchema.parse(JSON.parse(out));
    const told = await releaseTimeline(`web@${SECOND}`, { ...operator, hub: HUB });
    expect(timeline?.states).toEqual(told.states.slice(0, -2));
    expect(told.states.slice(-2).map(({ state }) => state)).toEqual(['Announce release', 'Released']);
    expect(timeline?.bakes).toEqual(told.bakes);
    expect(timeline?.bakes.map(({ stage, error }) => [stage, error])).toEqual([
      ['dev', null],
      ['prod', null],
    ]);
    expect(timeline?.billed.buildMinutes).toBe(told.billed.buildMinutes);
    const text = (await show(`web@${SECOND}`)).out;
    expect(text).toMatch(
      /\n {2}where its time went\n {4}Bake dev AMIs +\d+ min\n {6}100000000001\/eu-west-1 +\d+ min\n[^]*\n {4}about \$0\.\d\d by list prices: \d+ build minutes, without builder instances\n/,
    );
  });

  test('of which nobody could tell where its time went says so', async () => {
    const { sandbox, show } = await openReader();
    putRecord(sandbox, 'base', OLD, {
      ...oldRecord('base'),
      schema: 2,
      notTimed: 'AccessDenied: no history',
    });
    expect((await show('base')).out).toContain('\n  not timed: AccessDenied: no history\n');
  });

  test('names the SBOM, which holds what its AMIs list, and is the same in all of them', async () => {
    const reader = await afterTwoReleases();
    const { lines } = await reader.show(`web@${SECOND}`);
    expect(
      lines.filter((line) => /sbom {2,}sboms\/web\/.*\.cdx\.json {2}7 components$/.test(line)),
    ).toHaveLength(1);
    const { exit, out } = await reader.sbom('web');
    expect(exit).toBe(0);
    expect(cycloneDxProblems(JSON.parse(out))).toEqual([]);
    expect(out).toContain('"purl":"pkg:rpm/amzn/openssl@');
    expect((await reader.sbom(`web@${SECOND}`, PROD)).out).toBe(out);
    expect((await reader.sbom('base')).out).not.toBe(out);
    await expect(reader.sbom('web', '999999999999/eu-west-1')).rejects.toThrow(
      `web@${SECOND} has no AMI in 999999999999/eu-west-1; it has some in ${DEV}, ${PROD}`,
    );
    putRecord(reader.sandbox, 'base', OLD, oldRecord('base'));
    await expect(reader.sbom(`base@${OLD}`)).rejects.toThrow(`no SBOM was left of base@${OLD} in ${DEV}`);
  });

  test('tells what a scanner found, and what was ignored and why', async () => {
    const reader = await openReader();
    const scanned = {
      key: 'sboms/base/x.cdx.json',
      targets: [DEV],
      counts: { critical: 0, high: 1, medium: 0, low: 4 },
      notScanned: 2,
      findings: [{ id: 'CVE-2026-7', severity: 'high', packages: ['openssl 3.0'] }],
    };
    const vulnerabilities = {
      scanner: 'inspector',
      at: '2026-11-21T10:00:00.000Z',
      sboms: [scanned],
      ignored: [{ id: 'CVE-2026-7', until: '2027-01-31', reason: 'not called' }],
    };
    putRecord(reader.sandbox, 'base', OLD, { ...oldRecord('base'), vulnerabilities });
    const { out } = await reader.show('base');
    expect(out).toContain(
      '  vulnerabilities on 2026-11-21: 0 critical, 1 high, 0 medium, 4 low, without 2 components\n    CVE-2026-7  high  openssl 3.0\n    and 4 more\n  ignored until 2027-01-31: CVE-2026-7: not called\n',
    );
  });

  test('says from which day on an AMI is deprecated', async () => {
    const reader = await openReader();
    const record = oldRecord('base');
    const images = record.images.map((image) => ({ ...image, deprecatedAt: '2027-02-19T09:31:00.000Z' }));
    putRecord(reader.sandbox, 'base', OLD, { ...record, images });
    const { out } = await reader.show(`base@${OLD}`);
    expect(out).toContain('deprecated from 2027-02-19 on');
  });

  test('says how many tests its AMIs have passed, and on how many instances', async () => {
    const reader = await openReader();
    const tested = { dev: { instances: 1, tests: 3 }, prod: { instances: 2, tests: 6 } };
    putRecord(reader.sandbox, 'base', OLD, { ...oldRecord('base'), tested });
    const { out } = await reader.show(`base@${OLD}`);
    expect(out).toContain('dev: 3 tests on 1 instance, prod: 6 tests on 2 instances');
  });

  test('says how its AMIs differ, or that they hold the same', async () => {
    const { release, show, sandbox } = await openReader();
    await release({ key: 'alike', images: ['base'], wait: true });
    expect((await show('base')).lines).toContain('  the same in all 2 targets');
    let bakes = 0;
    sandbox.builds.packages = (usual) => (++bakes === 1 ? usual : usual.replace('bash\t', 'zsh\t'));
    await release({ key: 'apart', images: ['base'], wait: true });
    const { lines } = await show('base');
    expect(lines).toContain('  2 differences between its AMIs:');
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^ {4}${PROD}: bash x86_64 is missing, in ${DEV} 1\\.\\d+-1`)),
    );
    const { detail } =
      sandbox.world.events.findLast(({ detailType }) => detailType === 'Image Released') ?? {};
    expect(detail).toMatchObject({
      differences: 2,
      firstDifferences: [expect.stringMatching(/bash/), expect.stringMatching(/zsh/)],
    });
  });

  test('says why its AMIs were not compared, and that is no reason not to release', async () => {
    const { release, show } = await openReader({
      ...READER,
      faults: [{ state: 'Compare AMIs', kind: 'refused' }],
    });
    expect(await release({ key: 'unseen', images: ['base'], wait: true })).toMatchObject({ exit: 0 });
    expect((await show('base')).lines).toContainEqual(
      expect.stringMatching(/^ {2}not compared: anything: AccessDenied: /),
    );
  });

  test('says of which AMI another one is a copy', async () => {
    const copies = { prod: 'strategy: copy' };
    const { release, show } = await openReader(READER, undefined, { copies });
    expect(await release({ key: 'copied', images: ['base'], wait: true })).toMatchObject({ exit: 0 });
    const record = releasedRecordSchema.parse(JSON.parse((await show('base', { json: true })).out));
    const [dev, prod] = record.images;
    expect(dev?.copyOf).toBeUndefined();
    expect(prod?.copyOf).toEqual({
      accountId: '100000000001',
      region: 'eu-west-1',
      imageId: dev?.imageId,
    });
    const { lines } = await show('base');
    expect(lines.filter((line) => line.includes('copy of'))).toEqual([
      expect.stringMatching(
        new RegExp(`^  prod +${PROD} +${prod?.imageId} .*copy of ${dev?.imageId} in ${DEV}`),
      ),
    ]);
  });

  test('also holds the base that was found when it was released alone', async () => {
    const { release, show } = await openReader();
    await release({ key: 'base', images: ['base'], wait: true });
    await release({ key: 'web', images: ['web'], wait: true });
    const record = releasedRecordSchema.parse(JSON.parse((await show('web', { json: true })).out));
    expect(record.images.map(({ builtOn }) => builtOn)).toEqual([`base@${FIRST}`, `base@${FIRST}`]);
  });
});

describe('packleader history', () => {
  test('lists releases newest first, of all images or one', async () => {
    const { history } = await afterTwoReleases();
    const { exit, lines } = await history();
    expect(exit).toBe(0);
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
      `base@${SECOND}`,
      `web@${SECOND}`,
      `base@${FIRST}`,
      `web@${FIRST}`,
    ]);
    expect(lines[3]).toMatch(
      new RegExp(`^web@${FIRST} +2026-11-21T09:30Z +g4f2c1d9 +main +2 targets +on base@${FIRST} +the first$`),
    );
    expect((await history('web', { limit: 1 })).lines).toHaveLength(1);
    const { releases } = JSON.parse((await history('web', { json: true })).out);
    expect(releases).toHaveLength(2);
  });

  test('keeps to the width of the terminal', async () => {
    const { history, show } = await afterTwoReleases(60);
    const lines = [...(await history()).lines, ...(await show('web')).lines.slice(0, -1)];
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  test('says that there is none yet', async () => {
    const { history } = await openReader();
    expect(await history()).toMatchObject({ exit: 0, out: 'no release yet\n' });
  });

  test.each([
    [
      'an image that was never released',
      'bas',
      /^no release of bas is recorded; there are records of base, web$/,
    ],
    [
      'a version that was never released',
      'base@1.4.20261121093001',
      /^base@1\.4\.20261121093001 was never released; the nearest is base@1\.4\.20261121093000$/,
    ],
    ['what is no release', 'base@1@2', /^found "base@1@2", must be an image or <image>@<version>, like/],
  ])('fails for %s, and says what there is', async (_, asked, message) => {
    const { release, show } = await openReader();
    await release({ key: 'one', images: ['base', 'web'], wait: true });
    await expect(show(asked)).rejects.toMatchObject({ name: 'ReleaseNotFound', message });
  });
});

describe('records of older deployments', () => {
  test('are read, without what they did not know', async () => {
    const { show, history, sandbox } = await openReader();
    putRecord(sandbox, 'base', OLD, oldRecord('base'));
    const { out } = await show('base');
    expect(out).toContain(`base@${OLD}\n`);
    expect(out).toMatch(new RegExp(`^ {2}dev {2}${DEV} {2}ami-0000000000000000a$`, 'm'));
    expect(out).not.toMatch(/undefined|branch|reason/);
    expect((await history()).lines).toHaveLength(1);
  });

  test('of a newer packleader are refused by name, instead of half understood', async () => {
    const { show, sandbox } = await openReader();
    putRecord(sandbox, 'base', OLD, { ...oldRecord('base'), schema: 3 });
    await expect(show('base')).rejects.toMatchObject({
      name: 'RecordUnreadable',
      message: expect.stringMatching(
        /released\/base\/1\.3\.20261001000000\.json cannot be read: schema: must be 1 or 2: a newer packleader wrote it$/,
      ),
    });
  });
});

describe('packleader diff', () => {
  test('compares configuration with origins, source AMIs and packages, once for all targets that agree', async () => {
    const { diff } = await afterTwoReleases();
    const { exit, out } = await diff(`base@${FIRST}`, SECOND);
    expect(exit).toBe(0);
    expect(out).toContain(`base@${FIRST} -> base@${SECOND}\n`);
    expect(out).toMatch(/^ {2}- {2}rootVolumeSizeGiB {2}16 {2}config\/default\.yaml:\d+ {2}100000000001/m);
    expect(out).toMatch(/^ {2}\+ {2}rootVolumeSizeGiB {2}24 {2}overrides +100000000001/m);
    expect(out).toMatch(/^ {2}ami-\w+ \(\/aws\/service\/\S+\) {2}-> {2}ami-\w+ \(\/aws\/service\/\S+\)/m);
    expect(out).toMatch(new RegExp(`^packages in ${DEV}, ${PROD}$`, 'm'));
    expect(out).toMatch(/^ {2}kernel +x86_64 +1\.\d+-1\.amzn2023 +-> +1\.\d+-1\.amzn2023$/m);
    expect(out).not.toMatch(/^ {2}bash/m);
    expect(out).not.toContain('not compared');
  });

  test('as JSON tells the same', async () => {
    const { diff } = await afterTwoReleases();
    const document = JSON.parse((await diff(`web@${FIRST}`, 'web', { json: true })).out);
    expect(document).toMatchObject({
      before: `web@${FIRST}`,
      after: `web@${SECOND}`,
      commits: { range: null },
      targets: { added: [], removed: [] },
      notCompared: [],
    });
    expect(document.sourceAmis[0].before.builtOn).toBe(`base@${FIRST}`);
    expect(document.sourceAmis[0].after.builtOn).toBe(`base@${SECOND}`);
    expect(document.packages).toMatchObject([{ targets: [DEV, PROD] }]);
    expect((await diff(`web@${FIRST}`, 'web')).out).toContain(
      `  base@${FIRST}  ->  base@${SECOND}  ${DEV}, ${PROD}\n`,
    );
  });

  test('says what cannot be compared, and why', async () => {
    const { diff, sandbox } = await afterTwoReleases();
    putRecord(sandbox, 'base', OLD, oldRecord('base'));
    const old = await diff(`base@${OLD}`, 'base');
    expect(old.out).toContain(
      `not compared: configuration: the record of base@${OLD} is of an older packleader and holds none\n`,
    );
    expect(old.out).toContain(
      `not compared: packages in ${DEV}: base@${OLD}: what its bake left is not kept any more\n`,
    );
    expect(old.out).toMatch(new RegExp(`^ {2}\\+ {2}${PROD}$`, 'm'));
    const objects = objectsOf(sandbox);
    for (const key of objects.keys()) if (key.endsWith(BAKE_FILES.packages)) objects.delete(key);
    expect((await diff(`base@${FIRST}`, 'base')).out).toContain(
      `not compared: packages in ${DEV}, ${PROD}: base@${FIRST}: the image lists no packages\n`,
    );
  });

  test('fails for one release twice', async () => {
    const { diff } = await afterTwoReleases();
    await expect(diff(`base@${SECOND}`, 'base')).rejects.toThrow(
      `base@${SECOND} and base are one release, base@${SECOND}`,
    );
  });
});

describe('packleader lineage', () => {
  test('goes up to the AMI of the publisher, and down to what is built on it', async () => {
    const { lineage } = await afterTwoReleases();
    const web = await lineage('web');
    expect(web.exit).toBe(0);
    expect(web.lines[0]).toBe(`web@${SECOND}`);
    expect(web.lines[1]).toBe(`  built on base@${SECOND}`);
    expect(web.lines[2]).toMatch(/^ {4}built on ami-\w+ \(\/aws\/service\/\S+\) {2}1000/);
    expect(web.lines[3]).toBe('  nothing is built on it');
    expect((await lineage(`base@${FIRST}`)).lines.at(-1)).toBe(`  built from it: web@${FIRST}`);
  });

  test('takes the AMI of a release, and one that is only a source', async () => {
    const { lineage, show } = await afterTwoReleases();
    const record = releasedRecordSchema.parse(JSON.parse((await show(`base@${FIRST}`, { json: true })).out));
    const [image] = record.images;
    expect((await lineage(image?.imageId ?? '')).lines[0]).toBe(`base@${FIRST}`);
    const source = JSON.parse((await lineage(image?.sourceImageId ?? '', { json: true })).out);
    expect(source).toEqual({
      release: null,
      builds: [{ releaseId: `base@${FIRST}`, builds: [{ releaseId: `web@${FIRST}`, builds: [] }] }],
    });
    await expect(lineage('ami-0123456789abcdef0')).rejects.toThrow(
      'no record knows ami-0123456789abcdef0: no release made it, and none was built on it',
    );
  });

  test('of an older record tells what it knows, and not which version it cannot know', async () => {
    const { lineage, sandbox } = await openReader();
    putRecord(sandbox, 'base', OLD, oldRecord('base'));
    putRecord(sandbox, 'web', OLD, oldRecord('web', { image: 'base' }));
    putRecord(sandbox, 'app', OLD, oldRecord('app', { image: 'web', version: OLD }));
    expect((await lineage('base')).lines).toEqual([
      `base@${OLD}`,
      `  built on a source that its record does not tell  ${DEV}`,
      '  nothing is built on it',
    ]);
    expect((await lineage('app')).lines).toEqual([
      `app@${OLD}`,
      `  built on web@${OLD}`,
      `    built on some AMI of base  ${DEV}`,
      '  nothing is built on it',
    ]);
  });
});
