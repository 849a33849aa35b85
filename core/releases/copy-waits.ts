/** How `Copy <stage> AMIs` waits between its attempts. */
import { LONGEST_BAKE_MINUTES } from '../contract/limits.ts';
import { attemptsWithin } from './waits.ts';

export const COPY_WAITS = { firstSeconds: 15, rate: 1.2, longestSeconds: 120 } as const;

/** As many as the longest that `timeoutMinutes` lets a copy take, and ten minutes for what comes after it. */
export const MOST_COPY_ATTEMPTS = attemptsWithin(COPY_WAITS, (LONGEST_BAKE_MINUTES + 10) * 60);
