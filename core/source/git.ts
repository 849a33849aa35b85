/** Asks git about the repository that a directory is in. */
import { execFileSync } from 'node:child_process';

/** The directory of the repository that holds a directory; undefined outside of git. */
export function gitRoot(directory: string): string | undefined {
  return tryGit(directory, ['rev-parse', '--show-toplevel'])?.trim();
}

/** Enough for the listing of any factory. */
const MAX_BYTES = 512 * 1024 * 1024;

interface Told {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** What a git command prints. */
export const git = (directory: string, args: readonly string[], told: Told = {}): string =>
  gitBytes(directory, args, told).toString('utf8');

/** The same, for what may be no text. */
export function gitBytes(
  directory: string,
  args: readonly string[],
  { env = {}, input = '' }: Told = {},
): Buffer {
  return execFileSync('git', ['-C', directory, ...args], {
    env: { ...process.env, ...env },
    input,
    maxBuffer: MAX_BYTES,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** The same; undefined when it fails. */
export function tryGit(directory: string, args: readonly string[]): string | undefined {
  try {
    return git(directory, args);
  } catch {
    return undefined;
  }
}

/** The full id of a commit, branch or tag; undefined when git knows none of that name. */
export function commitOf(directory: string, ref: string): string | undefined {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
  return tryGit(directory, args)?.trim();
}
