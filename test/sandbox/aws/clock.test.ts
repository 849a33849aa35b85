import { setImmediate as turn } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Clock } from '../../../sandbox/aws/clock.ts';

const START = new Date('2026-11-21T09:30:00Z');

test('sleepers wake in the order of their time, and at one time in the order they went to sleep', async () => {
  const clock = new Clock(START);
  const woken: string[] = [];
  const sleeper = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    woken.push(`${name} ${clock.now().toISOString()}`);
  };
  await Promise.all([sleeper('c', 5_000), sleeper('a', 1_000), sleeper('d', 5_000), sleeper('b', 2_000)]);
  expect(woken).toEqual([
    'a 2026-11-21T09:30:01.000Z',
    'b 2026-11-21T09:30:02.000Z',
    'c 2026-11-21T09:30:05.000Z',
    'd 2026-11-21T09:30:05.000Z',
  ]);
});

test('time stands still while there is something to do', async () => {
  const clock = new Clock(START);
  const sleeping = clock.sleep(1_000);
  for (let turns = 0; turns < 50; turns++) {
    clock.activity();
    await turn();
    expect(clock.now()).toEqual(START);
  }
  await sleeping;
  expect(clock.milliseconds()).toBe(START.getTime() + 1_000);
});

test('time stands still while it is held for real input and output', async () => {
  const clock = new Clock(START);
  const sleeping = clock.sleep(1_000);
  await clock.hold(async () => readFile(import.meta.filename));
  expect(clock.now()).toEqual(START);
  await sleeping;
});

test('a background effect happens when time passes it, and does not move time', async () => {
  const clock = new Clock(START);
  const seen: string[] = [];
  clock.after(2_000, () => seen.push(clock.now().toISOString()));
  for (let turns = 0; turns < 10; turns++) await turn();
  expect(seen).toEqual([]);
  await clock.sleep(3_000);
  expect(seen).toEqual(['2026-11-21T09:30:02.000Z']);
});

test('fails a sleep that is aborted, without waiting for it', async () => {
  const clock = new Clock(START);
  const abort = new AbortController();
  const sleeping = clock.sleep(60_000, abort.signal);
  abort.abort(new Error('stopped'));
  await expect(sleeping).rejects.toThrow('stopped');
  expect(clock.now()).toEqual(START);
});
