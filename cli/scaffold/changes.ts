/** Writes several files into a directory, or none of them. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  InvalidConfiguration,
  type Problem,
  problem,
  throwIfAny,
} from '../../core/configuration/documents/problems.ts';

/** A file that is to be there; paths are from the root of the project, with slashes. */
export interface NewFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly executable?: boolean;
}

/** One that is there and gets more in it. */
export interface AddedTo extends NewFile {
  /** What is new in it, for people. */
  readonly added: string;
}

export interface Changes {
  readonly written: readonly NewFile[];
  readonly added: readonly AddedTo[];
  /** What is there already, and stays as it is. */
  readonly kept: readonly string[];
}

/** Their bytes by their paths, as a factory has them. */
export const bytesOf = (files: readonly NewFile[]): Map<string, Uint8Array> =>
  new Map(
    files.map(({ path, content }) => [path, typeof content === 'string' ? Buffer.from(content) : content]),
  );

/** Files that are there are kept, whatever is in them. */
export function onlyNew(root: string, files: readonly NewFile[]): Pick<Changes, 'written' | 'kept'> {
  const there = (file: NewFile) => existsSync(join(root, file.path));
  return {
    written: files.filter((file) => !there(file)),
    kept: files.filter(there).map(({ path }) => path),
  };
}

/**
 * Writes all, beside their places first. When one cannot be put in its place, those that were are taken away again, and what they
 * replaced is put back.
 *  @throws InvalidConfiguration when something is in the way of one, before anything is written
 */
export function writeChanges(root: string, { written, added }: Pick<Changes, 'written' | 'added'>): void {
  const files = [...written, ...added];
  throwIfAny(files.flatMap(({ path }) => inTheWay(root, path)));
  mkdirSync(root, { recursive: true });
  const beside = mkdtempSync(join(root, '.packleader-'));
  const undo: (() => void)[] = [];
  try {
    for (const [index, { content, executable = false }] of files.entries())
      writeFileSync(join(beside, `${index}`), content, { mode: executable ? 0o755 : 0o644 });
    for (const [index, { path }] of files.entries()) {
      const place = join(root, path);
      makeDirectory(dirname(place), undo);
      const before = index < written.length ? undefined : readFileSync(place);
      if (before === undefined && existsSync(place)) throw appeared(path);
      renameSync(join(beside, `${index}`), place);
      undo.push(() => (before === undefined ? rmSync(place) : writeFileSync(place, before)));
    }
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

const appeared = (path: string): InvalidConfiguration =>
  new InvalidConfiguration([problem(path, 0, [], 'has been made by somebody else just now: run it again')]);

function makeDirectory(directory: string, undo: (() => void)[]): void {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory), undo);
  mkdirSync(directory);
  undo.push(() => rmdirSync(directory));
}

/** A file where a directory must be, or the other way round. */
function inTheWay(root: string, path: string): Problem[] {
  const steps = path.split('/');
  return steps.flatMap((_, index) => {
    const here = steps.slice(0, index + 1).join('/');
    const found = statSync(join(root, here), { throwIfNoEntry: false });
    const mustBeFile = index === steps.length - 1;
    if (found === undefined || found.isDirectory() !== mustBeFile) return [];
    const [is, must] = mustBeFile ? ['a directory', 'a file'] : ['a file', 'a directory'];
    return [problem(here, 0, [], `is ${is}, must be ${must}: move it away, and run it again`)];
  });
}
