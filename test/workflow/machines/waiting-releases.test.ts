import { describe, expect, test } from 'vitest';
import { retryingOn } from '../../../cli/commands/rehearse/retry.ts';
import { HUB, targetsIn } from '../../fixtures/accounts.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';

const factory = { stages: STAGES, waitHours: 4 };
const PROD_FAILS = [{ state: 'Bake prod AMIs', kind: 'failed' }] as const;
const retrying = retryingOn(HUB, undefined);
const UNDONE =
  'Deregister prod AMIs > Deregister dev AMIs > Verify rollback > Announce rollback > Was everything undone? > Rolled back';
const HOUR_MS = 3_600_000;

describe('a release that fails in a later stage, where one waits for a retry', () => {
  test('clears that stage, waits for its time, and is undone when nobody has retried it', async () => {
    const report = await rehearseFactory(factory, { faults: PROD_FAILS });
    expect(report.outcome).toBe('rolled back');
    expect(pathOf(report)).toMatch(
      new RegExp(`Check prod AMIs > Clear failed stage > Await retry > ${UNDONE.replaceAll('?', '\\?')}$`),
    );
    expect(report.figures.virtualMs).toBeGreaterThan(4 * HOUR_MS);
    expect(report.figures.virtualMs).toBeLessThan(5 * HOUR_MS);
    expect(report.releases[0]?.error).toMatchObject({
      name: 'BakeFailed',
      cause: expect.stringContaining('It waited for a retry that would go on from prod, and none did.'),
    });
  });

  test('goes on with the AMIs of the stages before when it is retried, as another execution', async () => {
    const report = await rehearseFactory(factory, { faults: PROD_FAILS, retrying });
    expect(report.outcome).toBe('released');
    const [first] = report.retried ?? [];
    const [release] = report.releases;
    expect(first?.path.slice(-2)).toEqual(['Await retry', 'Handed over']);
    const dev = ({ targets = [] }: { targets?: readonly { imageId: string | null }[] } = {}) =>
      targets[0]?.imageId;
    expect(dev(release)).toBe(dev(first));
    expect(release?.path).toContain('Bake dev AMIs');
    expect(release?.targets.every(({ imageId }) => imageId !== null)).toBe(true);
    // One of dev and two of prod: nothing is baked again that is sound.
    expect(report.figures.virtualMs).toBeLessThan(2 * HOUR_MS);
  });

  test('is retried more than once, each time from the stage that failed', async () => {
    const stages = { dev: targetsIn(0, 1), test: targetsIn(1, 1), prod: targetsIn(2, 1) };
    const report = await rehearseFactory(
      { stages, waitHours: 4 },
      { faults: [{ ...PROD_FAILS[0] }], retrying },
    );
    expect(report.outcome).toBe('released');
    expect(report.retried?.[0]?.targets.map(({ imageId }) => imageId !== null)).toEqual([true, true, false]);
  });

  test.each(['Bake dev AMIs', 'Check dev AMIs', 'Compare AMIs', 'Publish release'])(
    'waits for nobody when it fails in %s, where a retry could keep nothing or has nothing to bake',
    async (state) => {
      const kind = state === 'Bake dev AMIs' ? 'failed' : 'refused';
      const report = await rehearseFactory({ ...factory, parity: 'enforce' }, { faults: [{ state, kind }] });
      expect(report.outcome).toBe('rolled back');
      expect(pathOf(report)).not.toContain('Await retry');
    },
  );

  test('waits for nobody when it is rejected', async () => {
    const asking = { ...factory, approvals: { prod: { timeoutHours: 4 } } };
    const report = await rehearseFactory(asking, { rejects: ['prod'] });
    expect(pathOf(report)).toContain(`Approve prod > ${UNDONE}`);
  });

  test('is asked for approval again when it is retried: another execution bakes prod', async () => {
    const asking = { ...factory, approvals: { prod: { timeoutHours: 4 } } };
    const report = await rehearseFactory(asking, { faults: PROD_FAILS, retrying });
    expect(report.outcome).toBe('released');
    expect(pathOf(report)).toContain('Check dev AMIs > Approve prod > Bake prod AMIs');
  });

  test.each([
    ['Clear failed stage', 'refused'],
    ['Await retry', 'refused'],
    ['Clear failed stage', 'timeout'],
  ] as const)('is undone at once when %s is %s', async (state, kind) => {
    const report = await rehearseFactory(factory, { faults: [...PROD_FAILS, { state, kind }] });
    expect(report.outcome).toBe('rolled back');
    expect(pathOf(report)).toContain(UNDONE);
    expect(report.figures.virtualMs).toBeLessThan(3 * HOUR_MS);
  });

  test('costs a release that is well one transition, and one that does not wait none', async () => {
    const waits = await rehearseFactory(factory);
    const plain = await rehearseFactory({ stages: STAGES });
    expect(plain.figures.transitions).toBe(28);
    expect(waits.figures.transitions).toBe(29);
  });
});
