import { describe, expect, test } from 'vitest';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';

describe.each([1, 2, 40, 250])('a stage of %i targets', (count) => {
  test('bakes all of them at the same time, and takes as long as its slowest bake', async () => {
    const running = { now: 0, most: 0 };
    const slowestMinutes = 30;
    const report = await rehearseFactory(
      { stages: { dev: targetsIn(0, count) } },
      {
        prepare: (sandbox) => {
          watchBuilds(sandbox, running);
          sandbox.builds.minutes = () => slowestMinutes;
        },
      },
    );
    expect(report.outcome).toBe('released');
    expect(running.most).toBe(count);
    // The source takes two minutes to fetch and Packer six around its provisioners; a second round would take 30 more.
    expect(report.figures.virtualMs / 60_000).toBeLessThan(2 * slowestMinutes);
    expect(report.releases[0]?.targets.filter(({ imageId }) => imageId !== null)).toHaveLength(count);
  });
});

describe.each([1, 2, 4])('a factory of %i stages', (count) => {
  const stages = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`stage-${index}`, targetsIn(index, 2)]),
  );
  const last = `stage-${count - 1}`;

  test('bakes and checks them one after the other', async () => {
    const bakes = Object.keys(stages).map((stage) => `Bake ${stage} AMIs > Check ${stage} AMIs`);
    const report = await rehearseFactory({ stages });
    expect(pathOf(report)).toBe(
      [
        'Resolve source AMIs',
        ...bakes,
        'Compare AMIs',
        'Apply version tags',
        'Publish release',
        'Announce release',
        'Released',
      ].join(' > '),
    );
  });

  test('undoes them in the reverse order', async () => {
    const report = await rehearseFactory(
      { stages },
      { faults: [{ state: `Bake ${last} AMIs`, kind: 'failed' }] },
    );
    const undone = Object.keys(stages).map((stage) => `Deregister ${stage} AMIs`);
    expect(pathOf(report)).toContain(
      `Check ${last} AMIs > ${undone.toReversed().join(' > ')} > Verify rollback`,
    );
    expect(report.outcome).toBe('rolled back');
  });
});

test('one bake that fails among 250 does not stop the others, and rolls all of them back', async () => {
  const targets = targetsIn(0, 250);
  const report = await rehearseFactory(
    { stages: { dev: targets } },
    { faults: [{ state: 'Bake dev AMIs', kind: 'failed', accountId: '100000000123' }] },
  );
  expect(report.outcome).toBe('rolled back');
  expect(report.releases[0]?.error?.cause).toMatch(/^BakeFailed: 100000000123\/eu-west-1: build /);
  const left = Object.values(report.world).flatMap(({ images }) =>
    images.filter(({ tags }) => 'packleader:release' in tags),
  );
  expect(left).toEqual([]);
});

test("1,000 targets in 4 stages stay within Step Functions' quotas, also when everything is undone", async () => {
  const stages = Object.fromEntries([0, 1, 2, 3].map((index) => [`stage-${index}`, targetsIn(index, 250)]));
  const report = await rehearseFactory(
    { stages },
    { faults: [{ state: 'Publish release', kind: 'refused' }] },
  );
  expect(report.outcome).toBe('rolled back');
  // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
  expect(report.figures.largestDocumentBytes).toBeLessThan(256 * 1024);
  expect(report.figures.historyEvents).toBeLessThan(25_000);
});

function watchBuilds(sandbox: Sandbox, running: { now: number; most: number }): void {
  sandbox.intercept(async (call, next) => {
    const result = await next();
    if (call.operation === 'StartBuild' && call.role === 'packleader-orchestrator') {
      running.now += 1;
      running.most = Math.max(running.most, running.now);
    }
    // Packer's last call of a build that succeeds.
    if (call.operation === 'DeleteKeyPair' && call.role === 'packleader-bake') running.now -= 1;
    return result;
  });
}
