/** What the schedules of a factory would rebuild: those of a copy of this repository's factory. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';
import { run } from '../output.ts';
import { rehearseJson, shipped } from '../rehearsing.ts';

/** A Monday. */
const MONDAY = '2026-11-23T04:00:00Z';
const TUESDAY = '2026-11-24T04:00:00Z';

let factory: string;
beforeEach(() => {
  factory = join(temporaryDirectory(), 'factory');
  cpSync(shipped, factory, { recursive: true });
});

function schedule(image: string, lines: string): void {
  const file = join(factory, 'images', image, 'image.yaml');
  writeFileSync(file, `\nschedule: { ${lines} }\n`, { flag: 'a' });
}

const WEEKLY = "cron: '0 4 ? * MON *', when: newer-source-ami";
const scheduled = async (...args: string[]) => rehearseJson('--factory', factory, '--schedule', ...args);

describe('packleader rehearse --schedule', () => {
  test('rebuilds what is due and has a newer source AMI, and says of every schedule why or why not', async () => {
    schedule('linux-base', WEEKLY);
    schedule('linux-web', WEEKLY);
    schedule('windows-base', 'rate: 7 days');
    schedule('windows-web', "cron: '0 4 ? * TUE *', timeZone: Europe/Berlin");
    const { exit, outcome, schedule: what, releases, assumed } = await scheduled(MONDAY);
    expect([exit, outcome]).toEqual([0, 'released']);
    expect(what).toEqual({
      at: MONDAY,
      images: [
        {
          image: 'linux-base',
          outcome: 'started',
          why: expect.stringMatching(
            /^schedule of 2026-11-23T04:00:00Z: ami-\w+ \(al2023-\S+\) is newer than ami-\w+$/,
          ),
        },
        {
          image: 'linux-web',
          outcome: 'source AMI is the newest',
          why: 'no bake would start from a newer source AMI than that of the latest release',
        },
        { image: 'windows-base', outcome: 'started', why: 'schedule of 2026-11-23T04:00:00Z' },
        { image: 'windows-web', outcome: 'not due', why: 'cron is 0 4 ? * TUE * in Europe/Berlin' },
      ],
    });
    expect(releases.map(({ releaseId }) => releaseId).toSorted()).toEqual([
      'linux-base@1.4.20261123040000',
      'windows-base@1.2.20261123040000',
    ]);
    expect(assumed).toEqual([
      'a run of the schedule of windows-base, every 7 days, at 2026-11-23T04:00:00Z',
      'a release of linux-base, windows-base, linux-web a week before, and source AMIs that were published since',
    ]);
  });

  test('takes a time in any zone', async () => {
    schedule('linux-base', WEEKLY);
    const { schedule: what } = await scheduled('2026-11-23T06:00:00+02:00');
    expect([what?.at, what?.images[0]?.outcome]).toEqual([MONDAY, 'started']);
  });

  test('without a time every schedule is due', async () => {
    schedule('linux-base', "cron: '0 4 1 1 ? 2020'");
    const { exit, outcome, schedule: what } = await scheduled();
    expect([exit, outcome, what?.images[0]?.outcome]).toEqual([0, 'released', 'started']);
  });

  test('exits with 0 when no schedule is due, and rehearses nothing', async () => {
    schedule('linux-base', WEEKLY);
    const { exit, outcome, releases, world } = await scheduled(TUESDAY);
    expect([exit, outcome, releases, world]).toEqual([0, 'nothing to release', [], {}]);
    const told = await run('rehearse', '--factory', factory, '--schedule', TUESDAY);
    expect(told.exit).toBe(0);
    expect(told.out).toContain('linux-base: not due, cron is 0 4 ? * MON * in UTC\n\nnothing to release\n');
    expect(told.out).not.toContain('released');
  });

  test('never says released when the schedules that are due start nothing', async () => {
    schedule('linux-web', WEEKLY);
    const { exit, outcome, releases } = await scheduled(MONDAY);
    expect([exit, outcome, releases]).toEqual([0, 'nothing to release', []]);
    const told = await run('rehearse', 'linux-web', '--factory', factory, '--schedule', MONDAY);
    expect(told.exit).toBe(0);
    expect(told.out).toContain('linux-web: source AMI is the newest, no bake would start');
    expect(told.out).not.toContain('released');
  });

  test('exits with 1 when the rebuild fails, which leaves the release before it', async () => {
    schedule('linux-base', WEEKLY);
    const { exit, outcome, releases, world } = await scheduled(MONDAY, '--fail', 'linux-base:Bake prod AMIs');
    expect([exit, outcome]).toEqual([1, 'rolled back']);
    expect(releases.map(({ version }) => version)).toEqual(['1.4.20261123040000']);
    for (const { parameters, images } of Object.values(world)) {
      expect(Object.keys(Object(parameters))).toEqual([
        '/packleader/linux-base/latest',
        '/packleader/linux-base/versions/1.4.20261116040000',
      ]);
      expect(images).toHaveLength(1);
    }
  });

  test('exits with 1 when no rebuild gets as far as an image', async () => {
    schedule('linux-base', WEEKLY);
    schedule('windows-base', WEEKLY);
    const { exit, outcome, error, releases } = await scheduled(MONDAY, '--fail', 'Plan releases');
    expect([exit, outcome, releases]).toEqual([1, 'rolled back', []]);
    expect(error?.name).toBe('AccessDenied');
  });

  test('exits with 1 when a schedule fails itself, because its source is refused by then', async () => {
    schedule('linux-base', WEEKLY);
    writeFiles(factory, {
      'images/linux-base/config/default.yaml':
        "source:\n  filter: { name: 'golden-*' }\n  owners: ['555555555555']\n  maxAgeDays: 5\nrootVolumeSizeGiB: 16\n",
    });
    const { exit, outcome, error, schedule: what, releases } = await scheduled(MONDAY);
    expect([exit, outcome, error?.name, releases]).toEqual([1, 'rolled back', 'SourceAmiRefused', []]);
    expect(what?.images[0]?.outcome).toBe('failed');
  });

  test('exits with 2 when a fault was never met, for nothing was started', async () => {
    schedule('linux-base', WEEKLY);
    const { exit, unmetFaults } = await scheduled(TUESDAY, '--fail', 'Bake dev AMIs');
    expect([exit, unmetFaults]).toEqual([2, [{ state: 'Bake dev AMIs', kind: 'failed' }]]);
  });

  test('fails when no image has a schedule', async () => {
    await refuses(['--schedule'], 'no image has a schedule');
  });

  test.each([
    [['--schedule', 'monday'], 'found "monday", must be a time like 2026-11-23T04:00:00Z'],
    [['--schedule', '2026-11-23'], 'found "2026-11-23", must be a time like'],
    [['linux-bse', '--schedule'], 'found no schedule of the image "linux-bse", the nearest is "linux-base"'],
    [['--schedule', '--branch', 'x'], 'a schedule takes the default branch'],
    [['--schedule', '--override', 'instanceType=t3.large'], 'neither a push nor a schedule has any'],
  ])('fails with %j', async (args, sentence) => {
    schedule('linux-base', WEEKLY);
    await refuses(args, sentence);
  });
});

async function refuses(args: readonly string[], sentence: string): Promise<void> {
  const { exit, outcome, errors, releases } = await rehearseJson('--factory', factory, ...args);
  expect([exit, outcome, releases]).toEqual([2, 'refused', []]);
  expect(errors.map(({ message }) => message).join('\n')).toContain(sentence);
}
