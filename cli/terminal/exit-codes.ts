import type { ReleaseResult } from '../../client/result.ts';

/** What a command's exit code means to whoever started it; none means two things. */
export const EXIT = {
  released: 0,
  rolledBack: 1,
  refused: 2,
  rollbackIncomplete: 3,
  /** The release still runs, or watching ended before it did: how it ends is not known. */
  unknown: 4,
  /** A check of the doctor failed, or could not be made. */
  unwell: 5,
  /** The CDK failed: some stacks may be deployed. */
  notDeployed: 6,
  /** A fault of this program; the number that sysexits.h has for that. */
  fault: 70,
  /** What the command printed could not be written, as on a full disk; likewise. */
  notWritten: 74,
} as const;

/** What a release's outcome is to whoever started the command. */
export function exitCodeOf({ outcome }: Pick<ReleaseResult, 'outcome'>): number {
  if (outcome === 'released') return EXIT.released;
  if (outcome === 'running') return EXIT.unknown;
  if (outcome === 'refused') return EXIT.refused;
  // A release that was stopped undid nothing by itself: what it left is not known to be gone.
  return outcome === 'rolled back' ? EXIT.rolledBack : EXIT.rollbackIncomplete;
}
