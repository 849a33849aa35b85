import { setTimeout as timer } from 'node:timers/promises';

/** Time, as whoever waits for something sees it; a rehearsal has its own. */
export interface Clock {
  readonly now: () => Date;
  /** Resolves after so many milliseconds; rejects with the signal's reason as soon as it is aborted, also before it began. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const REAL_TIME: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await timer(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      // Node rejects with an AbortError of its own.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
