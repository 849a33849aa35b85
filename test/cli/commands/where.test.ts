import { describe, expect, test } from 'vitest';
import { whereImages } from '../../../client/client.ts';
import { parameters } from '../../../core/contract/names.ts';
import { bindSandbox } from '../../../sandbox/bind.ts';
import { addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { createSandbox } from '../../../sandbox/rehearsal/seed.ts';
import { HUB, targetsIn } from '../../fixtures/accounts.ts';
import {
  DEV_TARGET,
  FIRST,
  PROD_TARGET,
  SECOND,
  addAuditor,
  afterTwoReleases,
  launch,
  objectsOf,
  putRecord,
} from './seeing.ts';

const DEV = '100000000001/eu-west-1';
const PROD = '100001000001/eu-west-1';
const BOTH = [DEV_TARGET, PROD_TARGET];

const amiOf = (sandbox: Parameters<typeof objectsOf>[0], image: string, version: string, index = 0): string =>
  JSON.parse(Buffer.from(objectsOf(sandbox).get(`released/${image}/${version}.json`)?.body ?? '').toString())
    .images[index].imageId;

describe('packleader where', () => {
  test('shows what `latest` is in every target, how old it is, and which instances run which version', async () => {
    const { where, sandbox } = await afterTwoReleases();
    addAuditor(sandbox, BOTH);
    await launch(sandbox, DEV_TARGET, amiOf(sandbox, 'base', FIRST));
    await launch(sandbox, DEV_TARGET, amiOf(sandbox, 'base', SECOND));
    await launch(sandbox, DEV_TARGET, amiOf(sandbox, 'base', SECOND));
    const { exit, lines } = await where(undefined, { as: 'auditor' });
    expect(lines).toEqual([
      `base  newest is ${SECOND}`,
      `  dev   ${DEV}  ${SECOND}  4 days    2 instances on ${SECOND}, 1 instance on ${FIRST} (stale)`,
      `  prod  ${PROD}  ${SECOND}  4 days`,
      '',
      `web  newest is ${SECOND}`,
      `  dev   ${DEV}  ${SECOND}  4 days`,
      `  prod  ${PROD}  ${SECOND}  4 days`,
      '',
      '2 targets, 0 stale, 0 without latest, 0 not seen',
    ]);
    expect(exit).toBe(0);
  });

  test('calls stale what is older than the newest release, and says where there is no latest', async () => {
    const { where, sandbox } = await afterTwoReleases();
    addAuditor(sandbox, BOTH);
    if (!DEV_TARGET || !PROD_TARGET) throw new Error('there are no targets');
    addParameter(sandbox.world, DEV_TARGET, parameters.latest('web'), amiOf(sandbox, 'web', FIRST));
    sandbox.world
      .region(PROD_TARGET.accountId, PROD_TARGET.region)
      .parameters.delete(parameters.latest('web'));
    const { exit, lines } = await where('web', { as: 'auditor' });
    expect(lines.slice(1, 3)).toEqual([
      `  dev   ${DEV}  ${FIRST}  14 days  stale`,
      `  prod  ${PROD}  no latest`,
    ]);
    expect(lines.at(-1)).toBe('2 targets, 1 stale, 1 without latest, 0 not seen');
    expect(exit).toBe(0);
  });

  test('calls a target "not seen" that lets nobody in, with the reason, and exits with 5', async () => {
    const { where, sandbox } = await afterTwoReleases();
    addAuditor(sandbox, [DEV_TARGET]);
    const { exit, out } = await where('base', { as: 'auditor' });
    expect(exit).toBe(5);
    expect(out).toMatch(new RegExp(`^  dev   ${DEV} +${SECOND}`, 'm'));
    expect(out).toMatch(new RegExp(`^  prod  ${PROD}  not seen$`, 'm'));
    expect(out).toMatch(
      new RegExp(`^not seen  ${PROD}  latest: cannot assume arn:aws:iam::100001000001:role/auditor: `, 'm'),
    );
  });

  test('still shows `latest` to whoever may not see instances, and asks nothing of EC2 with --no-instances', async () => {
    const { where, sandbox } = await afterTwoReleases();
    addAuditor(sandbox, BOTH, /^ssm:GetParameters$/);
    const refused = await where('base', { as: 'auditor' });
    expect(refused.exit).toBe(5);
    expect(refused.out).toMatch(new RegExp(`^  dev   ${DEV} +${SECOND} +4 days$`, 'm'));
    expect(refused.out).toMatch(new RegExp(`^not seen  ${DEV}  instances: You are not authorized`, 'm'));
    const before = sandbox.callCount;
    const { exit } = await where('base', { as: 'auditor', instances: false, json: true });
    expect(exit).toBe(0);
    expect(sandbox.calls.filter(({ number, service }) => number > before && service === 'ec2')).toEqual([]);
  });

  test('looks as the steward where nobody names a role, as somebody in the hub may be let in', async () => {
    const { where, sandbox } = await afterTwoReleases();
    const before = sandbox.callCount;
    expect((await where('base')).exit).toBe(0);
    const roles = sandbox.calls.filter(({ number, service }) => number > before && service === 'ssm');
    expect(new Set(roles.map(({ role }) => role))).toEqual(new Set(['packleader-steward']));
  });

  test('changes nothing', async () => {
    const { where, sandbox } = await afterTwoReleases();
    addAuditor(sandbox, BOTH);
    const before = sandbox.callCount;
    await where(undefined, { as: 'auditor' });
    const calls = sandbox.calls.filter(({ number }) => number > before);
    expect(calls.length).toBeGreaterThan(6);
    expect(calls.filter(({ mutating }) => mutating)).toEqual([]);
  });

  test('fails for an image that was never released, and lists those that were', async () => {
    const { where } = await afterTwoReleases();
    await expect(where('wbe', { as: 'auditor' })).rejects.toThrow(
      'no release of wbe is recorded; there are records of base, web',
    );
  });
});

test('20 images with 30 releases each, in 200 targets, are seen in less than 10 s of calls that take 100 ms', async () => {
  const targets = targetsIn(0, 200);
  const images = Array.from({ length: 20 }, (_, index) => `image-${String(index + 1)}`);
  const hub = { ...HUB, bucket: `packleader-${HUB.accountId}-${HUB.region}` };
  const sandbox = createSandbox({ hub, targets, background: false });
  const unbind = bindSandbox(sandbox);
  try {
    addAuditor(sandbox, targets);
    for (const [number, image] of images.entries())
      for (let day = 1; day <= 30; day += 1) {
        const version = `1.0.202610${String(day).padStart(2, '0')}000000`;
        const ami = (index: number) =>
          `ami-${String(index).padStart(5, '0')}${String(number).padStart(5, '0')}${String(day).padStart(7, '0')}`;
        putRecord(sandbox, image, version, {
          releaseId: `${image}@${version}`,
          image,
          version,
          commit: '',
          repository: '',
          prerelease: false,
          images: targets.map((target, index) => ({ stage: 'dev', ...target, imageId: ami(index) })),
        });
        if (day === 30)
          for (const [index, target] of targets.entries())
            addParameter(sandbox.world, target, parameters.latest(image), ami(index));
      }
    sandbox.intercept(async (_, next) => {
      await sandbox.clock.sleep(100);
      return next();
    });
    const before = sandbox.clock.milliseconds();
    const staged = targets.map((target) => ({ stage: 'dev', ...target }));
    const seen = await whereImages({ hub: HUB, targets: staged, role: 'auditor' });
    const tookMs = sandbox.clock.milliseconds() - before;
    const found = seen.targets.flatMap((target) => target.images.map(({ latest }) => latest?.stale));
    expect(found).toHaveLength(20 * 200);
    expect(new Set(found)).toEqual(new Set([false]));
    expect(sandbox.callCount).toBeGreaterThan(200 * 5);
    expect(tookMs).toBeGreaterThan(1_000);
    expect(tookMs).toBeLessThan(10_000);
  } finally {
    unbind();
  }
});
