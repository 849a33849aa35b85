import { basename, resolve } from 'node:path';
import { tryGit } from './git.ts';

/**
 * Where a directory lies, from the root of its git repository; `.` is the root itself. What is in none yet will be in the directory
 * of its name.
 */
export function pathInRepository(root: string): string {
  const prefix = tryGit(root, ['rev-parse', '--show-prefix']);
  if (prefix !== undefined) return prefix.trim().replace(/\/$/, '') || '.';
  return basename(resolve(root)) === 'packer' ? 'packer' : '.';
}
