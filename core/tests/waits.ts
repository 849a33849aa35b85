/**
 * How long `Test <stage> AMIs` waits between its attempts, and so how long a test has taken: no task of ours asks its own clock, which a
 * rehearsal would not turn.
 */
import { LONGEST_TEST_MINUTES } from '../contract/limits.ts';

export const TEST_WAITS = { firstSeconds: 15, rate: 1.1, longestSeconds: 60 } as const;

/** How many seconds were waited before an attempt, the first being 0; what the attempts themselves took comes on top. */
export const waitedSeconds = (attempt: number): number =>
  Array.from({ length: attempt }, (_, before) =>
    Math.min(TEST_WAITS.firstSeconds * TEST_WAITS.rate ** before, TEST_WAITS.longestSeconds),
  ).reduce((sum, seconds) => sum + seconds, 0);

/** As many as the longest test takes, and ten minutes in which its instance is terminated. */
export const MOST_TEST_ATTEMPTS = attemptsWithin((LONGEST_TEST_MINUTES + 10) * 60);

function attemptsWithin(seconds: number): number {
  let attempts = 0;
  while (waitedSeconds(attempts) < seconds) attempts += 1;
  return attempts;
}
