import { describe, expect, test } from 'vitest';
import { type Clock, REAL_TIME } from '../../client/clock.ts';
import { Clock as VirtualClock } from '../../sandbox/aws/clock.ts';

/** What everything that waits relies on; whatever is tested on virtual time must hold on the real one. */
const clocks: readonly (readonly [string, () => Clock])[] = [
  ['the real clock', () => REAL_TIME],
  ['the virtual clock', () => new VirtualClock(new Date('2026-11-21T09:30:00Z'))],
];

describe.each(clocks)('%s', (_, open) => {
  test('sleeps as long as it says', async () => {
    const clock = open();
    const before = clock.now().getTime();
    await clock.sleep(20);
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(19);
  });

  test('rejects with the signal’s own reason when it is aborted while it sleeps', async () => {
    const clock = open();
    const controller = new AbortController();
    const enough = new Error('enough');
    const sleeping = clock.sleep(60_000, controller.signal);
    controller.abort(enough);
    await expect(sleeping).rejects.toBe(enough);
  });

  test('rejects with the signal’s own reason when it was aborted before', async () => {
    const enough = new Error('enough');
    await expect(open().sleep(60_000, AbortSignal.abort(enough))).rejects.toBe(enough);
  });

  test('forgets the signal once it has slept', async () => {
    const clock = open();
    const controller = new AbortController();
    await clock.sleep(1, controller.signal);
    controller.abort(new Error('too late'));
    await expect(clock.sleep(1)).resolves.toBeUndefined();
  });
});
