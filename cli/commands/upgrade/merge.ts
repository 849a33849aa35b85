/** What git makes of two changes of one file. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Content } from './compare.ts';

interface ThreeVersions {
  readonly yours: Uint8Array;
  readonly copied: Uint8Array;
  readonly packleaders: Uint8Array;
}

/** `git merge-file` ends with more for what it cannot read, as for a file that is no text. */
const MOST_CONFLICTS = 127;

/** In how many places both have changed the same lines. */
export const conflictsOf = ({ yours, copied, packleaders }: ThreeVersions): number =>
  inTemporaryDirectory((directory) => {
    for (const [name, bytes] of Object.entries({ yours, copied, packleaders }))
      writeFileSync(join(directory, name), bytes);
    const { status } = gitIn(directory, ['merge-file', '-p', '--quiet', 'yours', 'copied', 'packleaders']);
    return status === null || status > MOST_CONFLICTS ? 1 : status;
  });

export interface PatchedFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly before: Content;
  readonly after: Content;
  readonly executable: boolean;
}

/** A patch with the whole ids of both sides, by which `git apply --3way` finds what it merges with. */
export const patchOf = (files: readonly PatchedFile[]): string =>
  inTemporaryDirectory((directory) => {
    for (const { path, before, after, executable } of files)
      for (const [side, content] of Object.entries({ a: before, b: after })) {
        if (content === undefined) continue;
        const file = join(directory, side, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content, { mode: executable ? 0o755 : 0o644 });
      }
    for (const side of ['a', 'b']) mkdirSync(join(directory, side), { recursive: true });
    const args = [
      'diff',
      '--no-index',
      '--no-prefix',
      '--full-index',
      '--binary',
      '--no-color',
      '--no-ext-diff',
    ];
    const { status, stdout, stderr } = gitIn(directory, ['-c', 'core.quotePath=false', ...args, 'a', 'b']);
    if (status !== 0 && status !== 1) throw new Error(`git could not compare: ${stderr}`);
    return stdout;
  });

/** Whatever the settings of whoever runs it. */
const gitIn = (directory: string, args: readonly string[]) =>
  spawnSync('git', [...args], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_DIR: '/dev/null' },
    maxBuffer: 64 * 1024 * 1024,
  });

function inTemporaryDirectory<Result>(work: (directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), 'packleader-upgrade-'));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
