import { SETTLING_MINUTES } from '../contract/limits.ts';

/** When nothing that an execution has left running can do anything any more. */
export const settledAfter = (endedAt: Date): Date => new Date(endedAt.getTime() + SETTLING_MINUTES * 60_000);
