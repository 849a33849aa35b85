/** What a command's exit code means to whoever started it. */
export const EXIT = {
  released: 0,
  rolledBack: 1,
  refused: 2,
  rollbackIncomplete: 3,
  /** Watching ended before the release did, so how it ends is not known. */
  unknown: 4,
  /** A check of the doctor failed, or could not be made. */
  doctorFailed: 1,
} as const;
