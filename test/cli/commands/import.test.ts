import { describe, expect, test } from 'vitest';
import { importLines } from '../../../cli/commands/import/tell.ts';
import { main } from '../../../cli/main.ts';
import { type ImportOptions, type StagedTarget, importImages } from '../../../client/client.ts';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import { addImage } from '../../../sandbox/rehearsal/own-things.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { AL2023 } from '../../fixtures/factories.ts';
import { takeInventory } from '../../fixtures/sandbox/retiring.ts';
import { written } from '../output.ts';
import { openOperator } from '../operator.ts';
import { DEV_TARGET, PROD_TARGET, addAuditor, launch } from './seeing.ts';

const MADE = Date.parse('2024-03-01T10:00:00Z');
const DAY_MS = 86_400_000;
const VERSION = '0.0.20240301100000';
const IMPORTS = /^ec2:(DescribeImages|DescribeSnapshots|CreateTags|DeleteTags)$/;

function staged(stage: string, target: typeof DEV_TARGET): StagedTarget {
  if (target === undefined) throw new Error(`${stage} has no target`);
  return { stage, accountId: target.accountId, region: target.region };
}
const DEV = staged('dev', DEV_TARGET);
const PROD = staged('prod', PROD_TARGET);
const targets = [DEV, PROD];

const placeOf = ({ world }: Sandbox, { accountId, region }: StagedTarget) => world.region(accountId, region);
const tagsIn = (sandbox: Sandbox, target: StagedTarget, id: string) =>
  Object.fromEntries(placeOf(sandbox, target).images.get(id)?.tags ?? []);

/** A hub that retires, and AMIs of a time before it: one name in both targets, made a day apart. */
async function before(allows = IMPORTS) {
  const hub = await openOperator(
    { retention: { base: retentionSchema.parse({ keepNewest: 1 }) } },
    { base: AL2023 },
  );
  const { sandbox, operator } = hub;
  addAuditor(sandbox, targets, allows);
  const add = (target: StagedTarget, name: string, createdAt = MADE, tags: Record<string, string> = {}) =>
    addImage(sandbox.world, target, {
      name,
      createdAt,
      tags: new Map(Object.entries({ Team: 'web', ...tags })),
    });
  const run = async (more: Partial<ImportOptions> = {}) =>
    importImages({
      ...operator,
      now: operator.clock.now,
      hub: HUB,
      image: 'base',
      filters: [{ name: 'name', values: ['old-*'] }],
      targets,
      role: 'auditor',
      ...more,
    });
  return { ...hub, add, run, dev: add(DEV, 'old-1'), prod: add(PROD, 'old-1', MADE + DAY_MS) };
}

describe('packleader import', () => {
  test('shows what it would do and changes nothing', async () => {
    const { run, sandbox, dev, prod } = await before();
    const { applied, amis } = await run();
    expect(applied).toBe(false);
    expect(amis.map(({ imageId, stage, version }) => [imageId, stage, version])).toEqual([
      [dev, 'dev', VERSION],
      [prod, 'prod', VERSION],
    ]);
    expect(tagsIn(sandbox, DEV, dev)).toEqual({ Team: 'web' });
  });

  test('tags AMIs and snapshots, does nothing the second time, and takes exactly its tags away again', async () => {
    const { run, sandbox, dev, prod } = await before();
    await run({ apply: true });
    const now = new Date(sandbox.clock.milliseconds()).toISOString();
    expect(tagsIn(sandbox, PROD, prod)).toEqual({
      Team: 'web',
      'packleader:release': `base@${VERSION}`,
      'packleader:image': 'base',
      'packleader:version': VERSION,
      'packleader:stage': 'prod',
      'packleader:execution': 'none: imported',
      'packleader:state': 'imported',
      AutoCleanup: 'true',
      LastUsed: now,
    });
    const [snapshot] = [...placeOf(sandbox, DEV).snapshots.values()].filter(({ description }) =>
      description.includes(dev),
    );
    expect(Object.fromEntries(snapshot?.tags ?? [])).toEqual(tagsIn(sandbox, DEV, dev));
    expect((await run({ apply: true })).amis.flatMap(({ resourceIds }) => resourceIds)).toEqual([]);
    placeOf(sandbox, DEV).images.get(dev)?.tags.delete('AutoCleanup');
    expect((await run({ apply: true })).amis.flatMap(({ resourceIds }) => resourceIds)).toEqual([]);
    await run({ undo: true, apply: true });
    expect(tagsIn(sandbox, DEV, dev)).toEqual({ Team: 'web' });
    expect(tagsIn(sandbox, PROD, prod)).toEqual({ Team: 'web' });
    expect(Object.fromEntries(snapshot?.tags ?? [])).toEqual({ Team: 'web' });
  });

  test('is left alone by a sweep, however old it is', async () => {
    const { run, sweep, sandbox, dev, prod } = await before();
    await run({ apply: true });
    const { exit } = await sweep();
    expect(exit).toBe(0);
    await sandbox.clock.sleep(200 * DAY_MS);
    expect((await sweep()).exit).toBe(0);
    expect(placeOf(sandbox, DEV).images.has(dev)).toBe(true);
    expect(placeOf(sandbox, PROD).images.has(prod)).toBe(true);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['EC2 Image Builder', { CreatedBy: 'EC2 Image Builder' }, /looked after by EC2 Image Builder/],
    ['AWS Backup', { 'aws:backup:source-resource': 'x' }, /looked after by AWS Backup/],
    ['Data Lifecycle Manager', { 'dlm:managed': 'true' }, /looked after by Amazon Data Lifecycle Manager/],
    ['another image', { 'packleader:release': 'web@1.4.20261121093000' }, /has the tag packleader:release/],
    ['another cleaner', { AutoCleanup: 'false' }, /has the tag AutoCleanup=false/],
  ])('refuses what %s looks after, and tags nothing', async (_who, tags, why) => {
    const { add, run, sandbox, dev } = await before();
    add(DEV, 'old-2', MADE + 2 * DAY_MS, tags);
    await expect(run({ apply: true })).rejects.toThrow(why);
    expect(tagsIn(sandbox, DEV, dev)).toEqual({ Team: 'web' });
  });

  test('refuses no filter, no match, two AMIs of one version, and what others share', async () => {
    const { add, run, sandbox } = await before();
    await expect(run({ filters: [] })).rejects.toThrow('there is no filter');
    await expect(run({ filters: [{ name: 'name', values: ['none'] }] })).rejects.toThrow('matches no AMI');
    const twin = add(DEV, 'old-twin');
    await expect(run()).rejects.toThrow(/would both be version/);
    placeOf(sandbox, DEV).images.delete(twin);
    const theirs = addImage(
      sandbox.world,
      { accountId: '555555555555', region: DEV.region },
      { name: 'old-theirs', createdAt: MADE, tags: new Map() },
    );
    const image = sandbox.world.region('555555555555', DEV.region).images.get(theirs);
    if (!image) throw new Error('there is no such AMI');
    image.launchPermissions.users.add(DEV.accountId);
    sandbox.world.shared.set(DEV.region, new Map([[theirs, image]]));
    await expect(run()).rejects.toThrow(/belongs to 555555555555/);
  });

  test('tags nothing anywhere when one account refuses', async () => {
    const { run, sandbox, dev } = await before();
    addAuditor(sandbox, [PROD], /^ec2:Describe/);
    await expect(run({ apply: true })).rejects.toThrow(/^no AMI was tagged: cannot change the tags of ami-/);
    expect(tagsIn(sandbox, DEV, dev)).toEqual({ Team: 'web' });
  });

  test('lets go of what nobody uses step by step, in every target, and keeps what is used', async () => {
    const hub = await before();
    const { add, run, retire, sandbox, dev, prod } = hub;
    const used = add(DEV, 'old-used', MADE + 5 * DAY_MS);
    await launch(sandbox, DEV, used);
    await run({ apply: true });
    await takeInventory(hub);
    expect((await retire({ dryRun: true })).out).toContain('it was used in the last 7 days');
    for (const step of ['deprecate', 'disable', 'deregister']) {
      await sandbox.clock.sleep(8 * DAY_MS);
      await takeInventory(hub);
      expect((await retire()).out).toContain(`${step}  base@${VERSION}  2 AMIs`);
    }
    const { images, snapshots } = placeOf(sandbox, DEV);
    expect(images.has(dev)).toBe(false);
    expect(placeOf(sandbox, PROD).images.has(prod)).toBe(false);
    expect(images.get(used)).toMatchObject({ disabled: false });
    const left = [...snapshots.values()].map(({ description }) => description);
    expect(left).toContain(`Created by CreateImage for ${used}`);
    expect(left).not.toContain(`Created by CreateImage for ${dev}`);
  });

  test.each([
    [['nothing', '--filter', 'name=x'], 'found "nothing", must be an image of the factory: linux-base'],
    [['linux-base', '--filter', 'name'], 'found "name", must look like name=web-* or tag:Team=web,www'],
    [['linux-base', '--filter', 'name=a,,b'], 'found "name=a,,b", must look like'],
    [['linux-base', '--yes'], 'there is no filter'],
  ])('refuses %j on the command line, with one sentence', async (args, why) => {
    const { texts, output } = written();
    expect(await main(['import', ...args], output)).toBe(2);
    expect(texts.err).toContain(why);
  });

  test('says in a table what it would do, that retiring is off, and how to do it', async () => {
    const { run, dev } = await before();
    const { output } = written();
    const result = await run();
    const lines = importLines(result, { undo: false, off: 'retiring is not switched on' }, output);
    expect(lines[1]).toMatch(
      new RegExp(`^${dev} +dev \\d+/eu-west-1 +old-1 +2024-03-01 +${VERSION} +2 resources$`),
    );
    expect(lines).toContain('  packleader:state=imported');
    expect(lines.slice(-2)).toEqual(['would tag 2 AMIs; --yes does it', 'retiring is not switched on']);
    const done = importLines(await run({ apply: true }), { undo: false, off: undefined }, output);
    expect(done.at(-1)).toBe('tagged 2 AMIs');
    const again = importLines(await run(), { undo: false, off: undefined }, output);
    expect(again.at(-1)).toBe('nothing to do');
  });
});
