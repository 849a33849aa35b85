import { describe, expect, test } from 'vitest';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';
import { STAGES } from '../../fixtures/factories.ts';

const factory = { stages: STAGES, approvals: { prod: { timeoutHours: 24, fourEyes: true } } };
const UNDONE =
  'Deregister dev AMIs > Verify rollback > Announce rollback > Was everything undone? > Rolled back';

describe('a stage that somebody must approve', () => {
  test('is baked after somebody has; a rehearsal answers by itself', async () => {
    const report = await rehearseFactory(factory);
    expect(report.outcome).toBe('released');
    expect(pathOf(report)).toContain('Check dev AMIs > Approve prod > Bake prod AMIs > Check prod AMIs');
  });

  test('costs one transition and its answer, and a factory that asks nobody none', async () => {
    const asked = await rehearseFactory(factory);
    const unasked = await rehearseFactory({ stages: STAGES });
    expect(unasked.figures.transitions).toBe(28);
    // Of the answer, most are looks whether CloudTrail shows yet who gave it, as in the console.
    expect(asked.figures.transitions - unasked.figures.transitions).toBeLessThan(30);
  });

  test('is never baked when it is rejected, and nothing of the stages before is left', async () => {
    const report = await rehearseFactory(factory, { rejects: ['prod'] });
    expect(report.outcome).toBe('rolled back');
    expect(pathOf(report)).toMatch(new RegExp(`Approve prod > ${UNDONE.replaceAll('?', '\\?')}$`));
    expect(report.releases[0]?.error).toMatchObject({
      name: 'ReleaseRejected',
      cause: expect.stringContaining('rejected it for prod: a rehearsal'),
    });
  });

  test.each([
    ['refused', 'AccessDenied'],
    ['lost', 'ConnectionLost'],
    ['timeout', 'Sandbox.Timedout'],
  ] as const)('is undone when nobody can be asked: %s', async (kind, error) => {
    const report = await rehearseFactory(factory, { faults: [{ state: 'Approve prod', kind }] });
    expect(report.outcome).toBe('rolled back');
    expect(pathOf(report)).toContain(`Approve prod > ${UNDONE}`);
    expect(report.releases[0]?.error?.name).toBe(error);
    expect(report.figures.virtualMs).toBeLessThan(2 * 3_600_000);
  });

  test('is asked for again when AWS throttles', async () => {
    const report = await rehearseFactory(factory, { faults: [{ state: 'Approve prod', kind: 'throttled' }] });
    expect(report.outcome).toBe('released');
  });

  test('is undone after its time when no answer can be given', async () => {
    const report = await rehearseFactory(factory, {
      faults: [{ state: 'Answer approval', kind: 'refused' }],
    });
    expect(pathOf(report)).toContain(`Approve prod > No approval of prod > ${UNDONE}`);
    expect(report.releases[0]?.error).toMatchObject({
      name: 'NotApproved',
      cause: expect.stringContaining('Nobody approved it for prod within 24 hours.'),
    });
  });

  test('has its answer also when the reply to that was lost once', async () => {
    const report = await rehearseFactory(factory, {
      faults: [{ state: 'Answer approval', kind: 'lost', times: 1 }],
    });
    expect(report.outcome).toBe('released');
  });

  test('asks nobody for a prerelease, which does not reach it', async () => {
    const report = await rehearseFactory(factory, { branch: 'feature' });
    expect(report.outcome).toBe('released');
    expect(pathOf(report)).toContain('Approve prod > Bake prod AMIs');
    expect(report.figures.virtualMs).toBeLessThan(3_600_000);
  });

  test('takes no answer that is not of the form of one', async () => {
    const report = await rehearseFactory(factory, {
      prepare: (sandbox) => {
        sandbox.intercept(async (call, next) => {
          if (call.operation === 'SendTaskSuccess') Object.assign(call.input, { output: '{"by":"me"}' });
          return next();
        });
      },
    });
    expect(report.outcome).not.toBe('released');
    expect(pathOf(report)).not.toContain('Bake prod AMIs');
  });
});
