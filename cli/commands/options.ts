/** What the options of several commands share. */

/** What the program exits with, once the command is done. */
export interface ExitCode {
  exit: number;
}

/** An option that may be repeated. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export const EXIT_CODES = `
Exit codes:
  0  released in every account
  1  rolled back: no account holds the release
  2  refused: bad input or configuration, nothing was done
  3  rollback incomplete: the leftovers are listed`;
