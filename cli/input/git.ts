/** Asks git about the repository that a directory is in. */
import { execFileSync } from 'node:child_process';

/** The directory of the repository that holds a directory; undefined outside of git. */
export function gitRoot(directory: string): string | undefined {
  return tryGit(directory, ['rev-parse', '--show-toplevel'])?.trim();
}

/** Enough for the listing or the archive of any factory. */
const MAX_BYTES = 512 * 1024 * 1024;

/** What a git command prints. */
export function git(directory: string, args: readonly string[]): string {
  return execFileSync('git', ['-C', directory, ...args], {
    encoding: 'utf8',
    maxBuffer: MAX_BYTES,
    stdio: ['ignore', 'pipe', 'pipe'],
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

/** The same, for what is no text. */
export function tryGitBytes(directory: string, args: readonly string[]): Uint8Array | undefined {
  try {
    return execFileSync('git', ['-C', directory, ...args], {
      maxBuffer: MAX_BYTES,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch {
    return undefined;
  }
}

/** The full id of a commit, branch or tag; undefined when git knows none of that name. */
export function commitOf(directory: string, ref: string): string | undefined {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
  return tryGit(directory, args)?.trim();
}
