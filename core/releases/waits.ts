/**
 * How long a state waits between its attempts, and so how long it has taken: no task of ours asks its own clock, which a rehearsal would
 * not turn.
 */
export interface Waits {
  readonly firstSeconds: number;
  /** By which each is longer than the one before. */
  readonly rate: number;
  readonly longestSeconds: number;
}

/** How many seconds were waited before an attempt, the first being 0; what the attempts themselves took comes on top. */
export const waitedBefore = ({ firstSeconds, rate, longestSeconds }: Waits, attempt: number): number =>
  Array.from({ length: attempt }, (_, before) =>
    Math.min(firstSeconds * rate ** before, longestSeconds),
  ).reduce((sum, seconds) => sum + seconds, 0);

/** How many attempts it takes to wait so long. */
export function attemptsWithin(waits: Waits, seconds: number): number {
  let attempts = 0;
  while (waitedBefore(waits, attempts) < seconds) attempts += 1;
  return attempts;
}
