import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ERRORS, PackleaderError } from '../../../core/contract/errors.ts';
import { withLogs } from '../../../core/aws/with-logs.ts';
import { RELEASE } from '../../fixtures/releases.ts';

const event = {
  release: RELEASE,
  stage: 'dev',
  batches: [
    {
      number: 1,
      targets: [
        { accountId: '111111111111', region: 'eu-west-1', sourceImageId: 'ami-1', timeoutMinutes: 60 },
        { accountId: '111111111111', region: 'eu-central-1', sourceImageId: 'ami-1', timeoutMinutes: 60 },
      ],
    },
  ],
  secret: 'hunter2',
};

let lines: string[] = [];
const documents = () => lines.map((line): unknown => JSON.parse(line));
const lastOf = () => documents().at(-1);

beforeEach(() => {
  lines = [];
  vi.useFakeTimers({ now: new Date('2026-11-21T10:15:00Z') });
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const run = (task: (event: unknown) => Promise<unknown>, name = 'packleader-check-amis') =>
  withLogs(task, name)(event);

describe('with logs', () => {
  it('a task writes one line when it begins and one when it ends, and returns what it returned', async () => {
    expect(await run(async () => 'done')).toBe('done');
    const about = {
      task: 'packleader-check-amis',
      release: RELEASE.releaseId,
      execution: RELEASE.releaseId.replace('@', '-'),
      stage: 'dev',
      targets: 2,
    };
    expect(documents()).toEqual([
      { at: 'start', ...about },
      expect.objectContaining({ at: 'end', ...about, outcome: 'succeeded', durationMs: 0 }),
    ]);
    for (const line of lines) expect(line).toMatch(/^[^\n]+\n$/);
  });

  it('an error is thrown as plain text, with what caused it, because Lambda logs it whole', async () => {
    const thrown = new PackleaderError(ERRORS.bakeFailed, 'a \u001B[2Jcause', {
      cause: new Error('of \u001B]8;;http://x\u0007a \u202Ecause'),
    });
    const error = await run(async () => {
      throw thrown;
    }).catch((caught: unknown) => caught);
    expect(error).toBe(thrown);
    expect(thrown).toMatchObject({
      name: 'BakeFailed',
      message: 'a cause',
      cause: { message: 'of a \\u202ecause' },
    });
    expect(thrown.stack).toContain('a cause\n');
    expect(thrown.stack).not.toContain('\u001B');
  });

  it('an error whose message cannot be set, or that is its own cause, is thrown as plain text too', async () => {
    const thrown = new DOMException('a \u001B[2Jtimeout', 'TimeoutError');
    const circle = new Error('a \u001B[2Jcircle');
    circle.cause = circle;
    for (const error of [thrown, circle])
      await expect(
        run(async () => {
          throw error;
        }),
      ).rejects.toBe(error);
    expect([thrown.message, circle.message]).toEqual(['a timeout', 'a circle']);
  });

  it('a line holds nothing that a terminal obeys, and the same values', async () => {
    const releaseId = 'web@1.0\u009B2J\u202E';
    await withLogs(async () => 'done', 'task')({ release: { ...RELEASE, releaseId } });
    expect(lines.join('')).not.toMatch(/\u009B|\u202E/);
    expect(lastOf()).toMatchObject({ release: releaseId });
  });

  it('nothing of the event is written but what it is about', async () => {
    await run(async () => undefined);
    expect(lines.join('')).not.toContain('hunter2');
  });

  it('an error is named, and thrown on as it was', async () => {
    const error = new PackleaderError(ERRORS.notReadyYet, 'the password is hunter2');
    await expect(run(async () => Promise.reject(error))).rejects.toBe(error);
    expect(lastOf()).toMatchObject({ outcome: 'failed', error: 'NotReadyYet' });
    expect(lines.join('')).not.toContain('hunter2');
    expect(lastOf()).not.toHaveProperty('TaskCrashed');
  });

  it.each([new TypeError('x is not a function'), 'a string'])(
    'an error that is none of ours counts as a crash',
    async (error) => {
      await expect(run(async () => Promise.reject(error))).rejects.toBe(error);
      expect(lastOf()).toMatchObject({
        TaskCrashed: 1,
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: 'packleader',
              Dimensions: [[]],
              Metrics: [
                { Name: 'TaskCrashed', Unit: 'Count' },
                { Name: 'ReleaseMinutes', Unit: 'None' },
              ],
            },
          ],
        },
      });
    },
  );

  it('tells how many minutes ago the release began', async () => {
    await run(async () => undefined);
    expect(lastOf()).toMatchObject({ ReleaseMinutes: 45 });
  });

  it('names the release also where the event holds the whole document', async () => {
    await withLogs(
      async () => ({ complete: true }),
      'packleader-verify-rollback',
    )({ input: event, attempt: 0 });
    expect(documents()).toHaveLength(2);
    for (const line of documents()) expect(line).toMatchObject({ release: RELEASE.releaseId, targets: 2 });
  });

  it.each([
    ['packleader-announce-release', { announced: true }, { ReleasesReleased: 1 }],
    ['packleader-verify-rollback', { complete: true }, { ReleasesRolledBack: 1 }],
    ['packleader-verify-rollback', { complete: false }, { RollbacksIncomplete: 1 }],
    [
      'packleader-report-sweep',
      { complete: false, dryRun: false, removedCount: 3, leftoverCount: 1 },
      { SweepRemoved: 3, SweepLeftovers: 1 },
    ],
  ])('%s counts how it ended: %j', async (name, result, counts) => {
    await run(async () => result, name);
    expect(lastOf()).toMatchObject(counts);
  });

  it('a sweep that only looked counts nothing', async () => {
    await run(
      async () => ({ complete: true, dryRun: true, removedCount: 3, leftoverCount: 1 }),
      'packleader-report-sweep',
    );
    expect(lastOf()).not.toHaveProperty('SweepRemoved');
  });

  it.each([undefined, null, 'text', { requestContext: { http: { method: 'POST' } } }])(
    'copes with the event %j',
    async (odd) => {
      await withLogs(async () => undefined, 'packleader-webhook')(odd);
      expect(documents()).toEqual([
        { at: 'start', task: 'packleader-webhook', targets: 0 },
        { at: 'end', task: 'packleader-webhook', targets: 0, outcome: 'succeeded', durationMs: 0 },
      ]);
    },
  );
});
