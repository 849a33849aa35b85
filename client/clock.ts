import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  readonly now: () => Date;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const REAL_TIME: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
};

/** A timer that is aborted rejects with an error of its own; the signal's reason is what was promised. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  signal?.throwIfAborted();
}
