import { describe, expect, test } from 'vitest';
import { currentState } from '../../../sandbox/engine/call-site.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { COMMIT } from '../../fixtures/releases.ts';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { STAGES } from '../../fixtures/factories.ts';

const two = { stages: STAGES };
const UNTIL_PROD = 'Resolve source AMIs > Bake dev AMIs > Check dev AMIs > Bake prod AMIs > Check prod AMIs';
const END = 'Verify rollback > Announce rollback > Was everything undone? > Rolled back';

describe('packleader-release-image', () => {
  test('releases into both accounts under one version that leads back to the commit', async () => {
    const report = await rehearseFactory(two);
    expect(report.outcome).toBe('released');
    expect(pathOf(report)).toBe(
      `${UNTIL_PROD} > Compare AMIs > Apply version tags > Publish release > Announce release > Released`,
    );
    const [release] = report.releases;
    expect(release?.version).toBe('1.4.20261121093000');
    expect(release?.targets.map(({ stage, accountId }) => [stage, accountId])).toEqual([
      ['dev', '100000000001'],
      ['prod', '100001000001'],
    ]);
    for (const { imageId, tags, parameters, sourceImageId } of release?.targets ?? []) {
      expect(parameters).toEqual({
        '/packleader/base/latest': imageId,
        '/packleader/base/versions/1.4.20261121093000': imageId,
      });
      expect(tags).toMatchObject({
        Name: 'base-1.4.20261121093000-g4f2c1d9',
        Version: '1.4.20261121093000',
        'packleader:state': 'released',
        'packleader:commit': COMMIT,
        'packleader:release': 'base@1.4.20261121093000',
        'packleader:source-ami': sourceImageId,
      });
    }
  });

  test('dev fails: prod is never built', async () => {
    const report = await rehearseFactory(two, { faults: [{ state: 'Bake dev AMIs', kind: 'failed' }] });
    expect(report.outcome).toBe('rolled back');
    expect(pathOf(report)).toBe(
      `Resolve source AMIs > Bake dev AMIs > Check dev AMIs > Deregister dev AMIs > ${END}`,
    );
    expect(report.releases[0]?.error?.cause).toMatch(
      /^BakeFailed: 100000000001\/eu-west-1: build packleader-bake:/,
    );
  });

  test('EC2 takes the Spot Instance of prod back: the bake goes on with one on demand', async () => {
    const faults: Fault[] = [{ state: 'Bake prod AMIs', kind: 'interrupted' }];
    const launched: string[][] = [];
    const prepare = (sandbox: Sandbox): void => {
      sandbox.intercept(async ({ accountId, operation }, next) => {
        if (/^(CreateFleet|RunInstances)$/.test(operation)) launched.push([accountId, operation]);
        return next();
      });
    };
    const report = await rehearseFactory({ ...two, spot: true }, { faults, prepare });
    expect([report.outcome, report.unmetFaults]).toEqual(['released', []]);
    expect(launched).toEqual([
      ['100000000001', 'CreateFleet'],
      ['100001000001', 'CreateFleet'],
      ['100001000001', 'RunInstances'],
    ]);
  });

  test('a fault that needs a Spot Instance is never met where there is none', async () => {
    const faults: Fault[] = [{ state: 'Bake prod AMIs', kind: 'interrupted' }];
    expect((await rehearseFactory(two, { faults })).unmetFaults).toEqual(faults);
  });

  test('prod is not subscribed to the product of AWS Marketplace that its source AMI is: the cause has the address', async () => {
    const code = '3gruvlcso4s66wfg2mdzxg8z6';
    const report = await rehearseFactory(two, {
      prepare: ({ world }) => {
        const offered = world.publicRegion('eu-west-1').images;
        for (const [id, image] of offered) offered.set(id, { ...image, productCode: code });
        world.subscriptions.add(`100000000001/${code}`);
      },
    });
    expect(report.outcome).toBe('rolled back');
    const { cause = '' } = report.releases[0]?.error ?? {};
    expect(cause).toMatch(
      /^BakeFailed: 100001000001\/eu-west-1: build .*: OptInRequired: .* visit https:\/\/aws\.amazon\.com\/marketplace\/pp\?sku=3gruvlcso4s66wfg2mdzxg8z6/,
    );
    expect(cause).toContain('\nAdvice: The source AMI is a product of AWS Marketplace');
  });

  test('prod got a newer package than dev: the release goes on and says so, or is rolled back', async () => {
    const faults = [{ state: 'Bake prod AMIs', kind: 'drifted' } as const];
    const reported = await rehearseFactory(two, { faults });
    expect(reported.outcome).toBe('released');
    const enforced = await rehearseFactory({ ...two, parity: 'enforce' }, { faults });
    expect(pathOf(enforced)).toBe(
      `${UNTIL_PROD} > Compare AMIs > Deregister prod AMIs > Deregister dev AMIs > ${END}`,
    );
    expect(enforced.releases[0]?.error?.cause).toMatch(
      /^AmisDiffer: The AMIs of base@1\.4\.20261121093000 differ\.\n100001000001\/eu-west-1: bash x86_64 is .*\.1, in 100000000001\/eu-west-1 /,
    );
    const alike = await rehearseFactory({ ...two, parity: 'enforce' });
    expect(alike.outcome).toBe('released');
  });

  test.each(['Fetch source', 'Validate templates'])('%s hangs: nothing is released', async (state) => {
    const report = await rehearseFactory(two, { faults: [{ state, kind: 'timeout' }] });
    expect([report.outcome, report.releases.length]).toEqual(['rolled back', 0]);
    expect(report.error?.cause).toMatch(/ ended TIMED_OUT/);
  });

  test('nobody wants to know how the AMIs differ: an SBOM is left all the same', async () => {
    const faults = [{ state: 'Bake prod AMIs', kind: 'drifted' } as const];
    const report = await rehearseFactory({ ...two, parity: 'off' }, { faults });
    expect(pathOf(report)).toBe(
      `${UNTIL_PROD} > Compare AMIs > Apply version tags > Publish release > Announce release > Released`,
    );
  });

  describe('what the AMIs hold is scanned', () => {
    const vulnerable = { ...two, vulnerabilities: '{ failOn: high }' };
    const knows = (severity: string) => ({
      prepare: ({ world }: Sandbox) => {
        const ratings = [{ severity, source: { name: 'NVD' } }];
        world.vulnerabilities.push({ id: 'CVE-2026-3', ratings, packages: ['openssl'] });
      },
    });

    test('and released when nothing is too grave', async () => {
      const report = await rehearseFactory(vulnerable, knows('medium'));
      expect(pathOf(report)).toBe(
        `${UNTIL_PROD} > Compare AMIs > Scan AMIs > Apply version tags > Publish release > Announce release > Released`,
      );
    });

    test('also where nobody compares', async () => {
      const report = await rehearseFactory({ ...vulnerable, parity: 'off' }, knows('critical'));
      expect(pathOf(report)).toBe(
        `${UNTIL_PROD} > Compare AMIs > Scan AMIs > Deregister prod AMIs > Deregister dev AMIs > ${END}`,
      );
    });

    test('and rolled back when something is, or when there is nothing to scan', async () => {
      const report = await rehearseFactory(vulnerable, knows('high'));
      expect(report.outcome).toBe('rolled back');
      expect(report.releases[0]?.error?.cause).toMatch(
        /^VulnerabilitiesFound: .* holds vulnerabilities that are too grave\.\n100000000001\/eu-west-1 and 1 more: CVE-2026-3, high, in openssl 1\.\d+-1\.amzn2023/,
      );
      const unseen = await rehearseFactory(vulnerable, {
        faults: [{ state: 'Compare AMIs', kind: 'refused' }],
      });
      expect(unseen.releases[0]?.error?.cause).toMatch(/^NotScanned: There is no SBOM of .*: AccessDenied/);
    });

    test('by a command of one’s own, whose failure is a rollback that says why', async () => {
      const scanAmis = { command: 'scan "$SBOM"' };
      const report = await rehearseFactory({ ...vulnerable, scanAmis }, knows('high'));
      expect(pathOf(report)).toBe(
        `${UNTIL_PROD} > Compare AMIs > Run scanner > Scan AMIs > Deregister prod AMIs > Deregister dev AMIs > ${END}`,
      );
      expect(report.releases[0]?.error?.cause).toContain('CVE-2026-3, high, in openssl');
      const faults = [{ state: 'Run scanner', kind: 'timeout' } as const];
      const failed = await rehearseFactory({ ...vulnerable, scanAmis }, { faults });
      expect(failed.releases[0]?.error?.cause).toMatch(
        /^NotScanned: The scanner failed: build packleader-scan:\S+ ended TIMED_OUT/,
      );
      expect((await rehearseFactory({ ...vulnerable, scanAmis })).outcome).toBe('released');
    });

    test('of a list that names no system nothing is known', async () => {
      const report = await rehearseFactory(vulnerable, {
        prepare: ({ builds }) => {
          builds.packages = (usual) => usual.replace(/.*operating-system.*\n/, '');
        },
      });
      expect(report.releases[0]?.error?.cause).toMatch(/^NotScanned: Amazon Inspector knows none of its 6/);
    });
  });

  test('prod fails: prod is undone first, then dev, and the first error is raised again', async () => {
    const report = await rehearseFactory(two, { faults: [{ state: 'Bake prod AMIs', kind: 'failed' }] });
    expect(pathOf(report)).toBe(`${UNTIL_PROD} > Deregister prod AMIs > Deregister dev AMIs > ${END}`);
    expect(report.releases[0]?.error?.name).toBe('BakeFailed');
    expect(report.releases[0]?.targets.map(({ imageId }) => imageId)).toEqual([null, null]);
  });

  test('publishing fails: the publication is withdrawn before the AMIs are deregistered', async () => {
    const report = await rehearseFactory(two, { faults: [{ state: 'Publish release', kind: 'refused' }] });
    expect(pathOf(report)).toBe(
      `${UNTIL_PROD} > Compare AMIs > Apply version tags > Publish release > Withdraw publication > Deregister prod AMIs > Deregister dev AMIs > ${END}`,
    );
  });

  test('a rollback that leaves something behind says so, and names it', async () => {
    const report = await rehearseFactory(two, {
      faults: [
        { state: 'Bake prod AMIs', kind: 'failed' },
        { state: 'Deregister dev AMIs', kind: 'refused' },
      ],
    });
    expect(report.outcome).toBe('rollback incomplete');
    expect(pathOf(report)).toMatch(/Was everything undone\? > Rollback incomplete$/);
    const dev = report.world['100000000001/eu-west-1'];
    const ours =
      dev?.images.filter(({ tags }) => tags['packleader:release'] === 'base@1.4.20261121093000') ?? [];
    expect(ours).toHaveLength(1);
    const left = ours.flatMap(({ imageId, snapshotIds }) => [imageId, ...snapshotIds]);
    expect(report.releases[0]?.leftovers.map(({ resourceId }) => resourceId).toSorted()).toEqual(
      left.toSorted(),
    );
  });

  test('an undo that gave up after its work was done is a clean rollback: the accounts decide', async () => {
    const report = await rehearseFactory(two, {
      faults: [{ state: 'Bake prod AMIs', kind: 'failed' }],
      prepare: (sandbox) => {
        let deleted = false;
        sandbox.intercept(async (call, next) => {
          if (currentState()?.state !== 'Deregister dev AMIs') return next();
          // Its last deletion is its last success: the look that follows is refused for ever.
          if (deleted) throw Object.assign(new Error('no'), { name: 'UnauthorizedOperation' });
          deleted = call.operation === 'DeleteSnapshot';
          return next();
        });
      },
    });
    expect(report.outcome).toBe('rolled back');
    expect(pathOf(report)).toMatch(/Was everything undone\? > Rolled back$/);
    expect(report.releases[0]?.error?.cause).toMatch(
      /Deregister dev AMIs: gave up with LeftoversRemain\.\nNothing of base@1\.4\.20261121093000 is left in any account\.$/,
    );
    expect(report.releases[0]?.leftovers).toEqual([]);
  });

  test('an account that cannot be looked at after the undo counts as left behind', async () => {
    const report = await rehearseFactory(two, {
      faults: [
        { state: 'Bake prod AMIs', kind: 'failed' },
        { state: 'Verify rollback', kind: 'refused', accountId: '100000000001' },
      ],
    });
    expect(report.outcome).toBe('rollback incomplete');
    expect(pathOf(report)).toMatch(/Was everything undone\? > Rollback incomplete$/);
    expect(report.releases[0]?.leftovers).toMatchObject([
      {
        accountId: '100000000001',
        region: 'eu-west-1',
        resourceId: 'base@1.4.20261121093000',
        why: expect.stringMatching(/^could not be looked at: AccessDenied: /),
      },
    ]);
  });

  test('a rollback that nobody could verify is red, and tells the first error', async () => {
    const report = await rehearseFactory(two, {
      faults: [
        { state: 'Bake prod AMIs', kind: 'failed' },
        { state: 'Verify rollback', kind: 'timeout' },
      ],
    });
    expect(report.outcome).toBe('rollback incomplete');
    expect(pathOf(report)).toMatch(/Deregister dev AMIs > Verify rollback > Rollback not verified$/);
    expect(report.releases[0]?.error?.name).toBe('RollbackIncomplete');
    expect(report.releases[0]?.error?.cause).toContain(
      'ended FAILED in BUILD: made to fail, to see what happens then | Script exited',
    );
  });

  test('an announcement that fails does not undo what consumers may already use', async () => {
    const report = await rehearseFactory(two, { faults: [{ state: 'Announce release', kind: 'refused' }] });
    expect(report.outcome).toBe('released');
    expect(pathOf(report)).toMatch(/Announce release > Released without announcement$/);
    expect(report.releases[0]?.error?.name).toBe('AnnouncementFailed');
    expect(report.releases[0]?.targets.map(({ tags }) => tags['packleader:state'])).toEqual([
      'released',
      'released',
    ]);
  });

  test('another branch than the default one: first stage only, and never latest', async () => {
    const report = await rehearseFactory(two, { branch: 'feature/x' });
    const [release] = report.releases;
    expect(release?.version).toBe('1.4.20261121093000-feature-x');
    expect(release?.targets.map(({ stage, parameters }) => [stage, Object.keys(parameters)])).toEqual([
      ['dev', ['/packleader/base/versions/1.4.20261121093000-feature-x']],
    ]);
    const prod = report.world['100001000001/eu-west-1'];
    expect(prod?.images.filter(({ tags }) => 'packleader:release' in tags)).toEqual([]);
  });

  test('an AMI that an instance already uses is quarantined instead of deregistered', async () => {
    let sandbox: Sandbox | undefined;
    const report = await rehearseFactory(two, {
      faults: [{ state: 'Bake prod AMIs', kind: 'failed' }],
      prepare: (prepared) => {
        sandbox = prepared;
        prepared.intercept(async (call, next) => {
          const result = await next();
          // As soon as dev's AMI is checked, somebody launches an instance of it.
          if (call.operation === 'StartBuild' && call.accountId === '100001000001') await launch(prepared);
          return result;
        });
      },
    });
    expect(report.outcome).toBe('rollback incomplete');
    const [leftover] = report.releases[0]?.leftovers ?? [];
    expect(leftover?.why).toMatch(
      /^quarantined: it is used by arn:aws:ec2:eu-west-1:100000000001:instance\/i-/,
    );
    const image = report.world['100000000001/eu-west-1']?.images.find(
      ({ imageId }) => imageId === leftover?.resourceId,
    );
    expect(image?.tags['packleader:state']).toBe('quarantined');
    expect(sandbox).toBeDefined();
  });
});

async function launch(sandbox: Sandbox): Promise<void> {
  const place = sandbox.world.region('100000000001', 'eu-west-1');
  const ours = [...place.images.values()].find(({ tags }) => tags.has('packleader:release'));
  const caller = {
    accountId: '100000000001',
    region: 'eu-west-1',
    role: 'packleader-bake',
    session: 'somebody',
  };
  const input = { ImageId: ours?.imageId, MinCount: 1, MaxCount: 1, InstanceType: 'm7i.large' };
  await sandbox.call(caller, 'ec2', 'RunInstances', input);
}

describe('an account that may run one build at a time', () => {
  const regions = ['eu-west-1', 'eu-central-1', 'us-east-1'];
  const crowded = { stages: { dev: regions.flatMap((region) => targetsIn(0, 1, region)) } };
  const atMost = (buildsAtOnce: number) => (sandbox: Sandbox) => {
    sandbox.world.region('100000000001', sandbox.hub.region).buildsAtOnce = buildsAtOnce;
    sandbox.builds.minutes = () => 60;
  };

  test('bakes its regions one after the other, and the release succeeds', async () => {
    const report = await rehearseFactory(crowded, { prepare: atMost(1) });
    expect(report.outcome).toBe('released');
    expect(report.figures.virtualMs / 60_000).toBeGreaterThan(3 * 60);
    expect(report.figures.virtualMs / 60_000).toBeLessThan(3 * 60 + 60);
  });

  test('of none waits as long as a bake may take, and is told which quota to raise', async () => {
    const report = await rehearseFactory(two, { prepare: atMost(0) });
    expect(report.outcome).toBe('rolled back');
    expect(report.releases[0]?.error?.cause).toMatch(
      /^BakeFailed: 100000000001\/eu-west-1: no build ran: CodeBuild let no build start for 8 hours\. Raise the quota "Concurrently running builds for ARM\/Small environment" of 100000000001 /,
    );
    expect(report.figures.virtualMs / 3_600_000).toBeGreaterThan(8);
    // Of the wait and the rollback; the bound of retries.ts.
    expect(report.figures.transitions).toBeLessThan(150);
  });

  test('waits in the hub as well, and is told the quota of the hub', async () => {
    const full: Fault = { state: 'Fetch source', kind: 'full', times: 10 };
    expect((await rehearseFactory(two, { faults: [full] })).outcome).toBe('released');
    const report = await rehearseFactory(two, { faults: [{ ...full, times: 1_000 }] });
    expect(report.error?.name).toBe('CodeBuild.AccountLimitExceededException');
    expect(report.error?.cause).toContain(
      'Raise the quota "Concurrently running builds for ARM/Small environment" of the hub\'s account',
    );
  });
});
