/** How long `Test <stage> AMIs` waits between its attempts. */
import { LONGEST_TEST_MINUTES } from '../contract/limits.ts';
import { attemptsWithin, waitedBefore } from '../releases/waits.ts';

export const TEST_WAITS = { firstSeconds: 15, rate: 1.1, longestSeconds: 60 } as const;

/** How many seconds were waited before an attempt, the first being 0. */
export const waitedSeconds = (attempt: number): number => waitedBefore(TEST_WAITS, attempt);

/** As many as the longest test takes, and ten minutes in which its instance is terminated. */
export const MOST_TEST_ATTEMPTS = attemptsWithin(TEST_WAITS, (LONGEST_TEST_MINUTES + 10) * 60);
