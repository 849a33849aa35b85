/** The packleader that a deployment is upgraded from: the last one before what is deployed was changed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './accounts.ts';

/** What of this repository becomes a part of a stack. */
const DEPLOYED = ['buildspecs', 'core', 'tasks', 'telling', 'triggers', 'workflow'];

export interface Earlier {
  /** Of packleader, with what it depends on. */
  readonly checkout: string;
  /** The commit, as people name it. */
  readonly commit: string;
}

/** Undefined where git does not know what was before, as in a shallow clone. */
export function earlierPackleader(directory: string): Earlier | undefined {
  let commit: string;
  try {
    const newest = git('rev-list', '--max-count=1', 'HEAD', '--', ...DEPLOYED);
    commit = git('rev-parse', '--short', '--verify', `${newest}^`);
  } catch {
    return undefined;
  }
  mkdirSync(directory);
  const archive = execFileSync('git', ['-C', ROOT, 'archive', commit], { maxBuffer: 256 * 1024 * 1024 });
  execFileSync('tar', ['--extract', '--directory', directory], { input: archive });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return { checkout: directory, commit };
}

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-C', ROOT, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
