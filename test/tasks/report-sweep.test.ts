import { GetObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/report-sweep.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';
import { HUB, awsError, useAws } from '../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../fixtures/releases.ts';
import { BUCKET, records } from '../fixtures/aws/executions.ts';

const aws = useAws();

const { releaseId } = RELEASE;
const kept = [{ releaseId: 'other@1.0.20261121093000', is: 'running', why: 'its execution is RUNNING' }];
const dead = {
  release: RELEASE,
  why: 'its execution ended ABORTED',
  settledAt: '2026-11-21T10:00:00.000Z',
  batches: [],
  targets: [
    { ...DEV, resourceIds: ['ami-1', 'snap-1'] },
    { ...PROD, resourceIds: ['i-1'] },
  ],
};
const KEY = `sweeps/sweep-1/${releaseId}.json`;
const removed = [
  { ...DEV, releaseId, resourceId: 'ami-1' },
  { ...DEV, releaseId, resourceId: 'snap-1' },
  { ...PROD, releaseId, resourceId: 'i-1' },
];
const clean = { leftovers: [], leftoverCount: 0, kept, keptCount: 1, complete: true, dryRun: false };

const report = async (more: object = { swept: [{ releaseId }] }) =>
  handler({ bucket: BUCKET, sweep: 'sweep-1', dryRun: false, ...more });
const findings = (leftovers: object[] = []) =>
  aws.holds(BUCKET, 'sweeps/sweep-1/findings.json', { releases: [dead], kept, leftovers });
const swept = (result: object) => aws.holds(BUCKET, KEY, { spared: null, leftovers: [], ...result });
const neverWritten = () => aws.accepts(HUB, records(KEY));

describe('the report of a sweep', () => {
  it('lists what was removed', async () => {
    findings();
    swept({});
    const cause = 'Removed 3 things of 1 release.\nNothing is left behind.';
    expect(await report()).toEqual({ ...clean, cause, removed, removedCount: 3 });
  });

  it('of a dry run lists what would be removed, and reads no result', async () => {
    findings();
    const cause = 'Would remove 3 things of 1 release.\nNothing is left behind.';
    expect(await report({ dryRun: true })).toEqual({
      ...clean,
      dryRun: true,
      cause,
      removed,
      removedCount: 3,
    });
    expect(aws.sent).toHaveLength(1);
  });

  it('names what is left, of a release that gave up and of what nobody could decide', async () => {
    const unclear = { ...PROD, resourceId: 'ami-9', why: 'of web: unclear' };
    const left = { ...DEV, resourceId: 'ami-1', why: 'it is still there' };
    findings([unclear]);
    swept({ leftovers: [left] });
    expect(await report({ swept: [{ releaseId, failure: { Error: 'LeftoversRemain' } }] })).toEqual({
      ...clean,
      complete: false,
      cause:
        'Removed 2 things of 1 release.\nLeft behind:\n' +
        '  222222222222/us-east-1 ami-9: of web: unclear\n  111111111111/eu-west-1 ami-1: it is still there',
      removed: removed.slice(1),
      removedCount: 2,
      leftovers: [unclear, left],
      leftoverCount: 2,
    });
  });

  it('counts a quarantined AMI as left, though nothing failed', async () => {
    findings();
    swept({ leftovers: [{ ...DEV, resourceId: 'ami-1', why: 'quarantined: it is used by i-9' }] });
    expect(await report()).toMatchObject({ complete: false, leftoverCount: 1, removedCount: 2 });
  });

  it('leaves out of the removed ones a release that was spared after all', async () => {
    findings();
    const spared = { releaseId, is: 'running', why: 'its execution is RUNNING' };
    swept({ spared });
    expect(await report()).toMatchObject({
      complete: true,
      removed: [],
      kept: [...kept, spared],
    });
  });

  it.each<[string, object]>([
    [
      'gave up before it could say what is left',
      { swept: [{ releaseId, failure: { Error: 'States.Timeout' } }] },
    ],
    ['nobody began', { swept: [] }],
  ])('takes everything for left of a release that %s', async (_title, more) => {
    findings();
    neverWritten();
    const { leftovers, removedCount } = await report(more);
    expect(removedCount).toBe(0);
    expect(leftovers).toMatchObject([
      { ...DEV, resourceId: releaseId, why: expect.stringMatching(/^not swept: /) },
      { ...PROD, resourceId: releaseId },
    ]);
  });

  it('fails when a result cannot be read, instead of taking it for clean', async () => {
    findings();
    swept({});
    aws.on(HUB, new GetObjectCommand({ Bucket: BUCKET, Key: KEY }), awsError('AccessDenied'));
    await expect(report()).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('cuts long lists to what a state’s document has room for, and counts them whole', async () => {
    const targets = Array.from({ length: 1_000 }, (_, index) => ({
      accountId: String(100_000_000_000 + index),
      region: 'ap-southeast-1',
    }));
    const leftovers = targets.map((target) => ({
      ...target,
      resourceId: 'ami-0123456789abcdef0',
      why: 'x'.repeat(900),
    }));
    const resourceIds = Array.from({ length: 5 }, (_, index) => `snap-0123456789abcdef${index}`);
    aws.holds(BUCKET, 'sweeps/sweep-1/findings.json', {
      releases: [{ ...dead, targets: targets.map((target) => ({ ...target, resourceIds })) }],
      kept: targets.map(() => ({ releaseId: 'x'.repeat(90), is: 'running', why: 'x'.repeat(80) })),
      leftovers,
    });
    swept({});
    const document = { ...(await report()), removed: [], report: await report() };
    expect(document.report).toMatchObject({ removedCount: 5_000, leftoverCount: 1_000, keptCount: 1_000 });
    expect(Buffer.byteLength(JSON.stringify(document.report))).toBeLessThan(220_000);
  });
});
