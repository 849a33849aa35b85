/** What the options of several commands share. */
import { type Command, InvalidArgumentError } from 'commander';

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

/** Follows the exit codes of commands that watch. */
export const UNKNOWN = `
  4  unknown: watching ended before the release did, which goes on`;

export const RELEASE = 'the name or ARN of its execution, or <image>@<version>';

export const RECORDED = '<image>@<version>, or an image, whose newest release is meant';

/** Follows the examples of commands that read records. */
export const READS_RECORDS = `
Exit codes:
  0  it was printed
  2  refused: no such release, bad input, or the hub refuses to tell`;

export const HUB = [
  '--hub <account/region>',
  'the hub, as in 999999999999/eu-west-1; by default that of the factory',
] as const;

export const FACTORY_OF_HUB = [
  '--factory <directory>',
  'where factory.yaml names the hub; by default here, and without one the account of the credentials',
] as const;

/** @throws InvalidArgumentError for anything but a number above 0 */
export function positiveNumber(text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

/** The flags of a command that only reads the hub's records. */
export interface RecordFlags {
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export const addRecordOptions = (command: Command): Command =>
  command
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else');
