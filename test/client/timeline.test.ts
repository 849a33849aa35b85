import { describe, expect, test } from 'vitest';
import { getReleaseRecord, releaseTimeline, startRelease, waitForRelease } from '../../client/client.ts';
import { AL2023 } from '../fixtures/factories.ts';
import { VERSION } from '../fixtures/releases.ts';
import { openClient } from './operator.ts';

const READER = { allows: /^(sfn|sts|s3):/ };
const seconds = ({ startedAt, stoppedAt }: { startedAt: string; stoppedAt: string | null }): number =>
  (Date.parse(stoppedAt ?? '') - Date.parse(startedAt)) / 1_000;

describe('releaseTimeline', () => {
  test('says where the time went: every state in order, each bake within its stage', async () => {
    const { on } = await openClient(READER);
    await waitForRelease(await startRelease({}, on), on);
    const { states, bakes, billed, cost } = await releaseTimeline(`base@${VERSION}`, on);
    expect(states.map(({ state }) => state)).toEqual([
      'Resolve source AMIs',
      'Bake dev AMIs',
      'Check dev AMIs',
      'Bake prod AMIs',
      'Check prod AMIs',
      'Compare AMIs',
      'Apply version tags',
      'Publish release',
      'Announce release',
      'Released',
    ]);
    expect(bakes.map(({ stage, accountId, error }) => [stage, accountId, error])).toEqual([
      ['dev', '100000000001', null],
      ['prod', '100001000001', null],
    ]);
    for (const bake of bakes) {
      const stage = states.find(({ state }) => state === `Bake ${bake.stage} AMIs`);
      expect(stage?.startedAt).toBe(bake.startedAt);
      expect(seconds(bake)).toBeGreaterThan(5 * 60);
      expect(seconds(bake)).toBeLessThanOrEqual(seconds(stage ?? bake));
    }
    expect(billed.buildMinutes).toBe(
      Math.ceil(seconds(bakes[0] ?? NONE) / 60) + Math.ceil(seconds(bakes[1] ?? NONE) / 60),
    );
    // Seven tasks, and Publish release twice more until SSM has validated its parameters.
    expect(billed.lambdaRequests).toBe(9);
    expect(cost).toBeGreaterThan(billed.buildMinutes * 0.005);
    expect(cost).toBeLessThan(billed.buildMinutes * 0.005 + 0.01);
    const { announcedAt } = await getReleaseRecord('base', on);
    expect(announcedAt).toBe(states.find(({ state }) => state === 'Announce release')?.startedAt);
  });

  test('tells which of several bakes at the same time failed', async () => {
    const fault = { state: 'Bake prod AMIs', kind: 'failed' } as const;
    const { on } = await openClient({ ...READER, faults: [fault] }, { base: AL2023, other: AL2023 });
    await expect(waitForRelease(await startRelease({}, on), on)).rejects.toThrow();
    const { states, bakes } = await releaseTimeline(`base@${VERSION}`, on);
    expect(bakes.map(({ stage, error }) => [stage, error])).toEqual([
      ['dev', null],
      ['prod', 'States.TaskFailed'],
    ]);
    expect(states.at(-1)).toMatchObject({ state: 'Rolled back', stoppedAt: expect.any(String) });
  });

  test('leaves open what still goes on', async () => {
    const { on, sandbox } = await openClient(READER);
    await startRelease({}, on);
    await sandbox.clock.sleep(10 * 60_000);
    const { states, bakes } = await releaseTimeline(`base@${VERSION}`, on);
    expect(states.at(-1)).toMatchObject({ state: 'Bake dev AMIs', stoppedAt: null });
    expect(bakes).toEqual([expect.objectContaining({ stage: 'dev', stoppedAt: null, error: null })]);
  });
});

const NONE = { startedAt: '', stoppedAt: null };
