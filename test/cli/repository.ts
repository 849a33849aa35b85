/** A team's repository: a directory in which command lines are run. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory, writeFiles } from '../fixtures/directories.ts';
import { run } from './output.ts';

export const REPOSITORY = 'https://github.com/example/images';

/** What `packleader init` cannot know. */
export const TOLD = [
  '--repository',
  REPOSITORY,
  '--hub',
  '999999999999/eu-west-1',
  '--stage',
  'dev=111111111111/eu-west-1',
  '--stage',
  'prod=222222222222/eu-west-1,333333333333/us-east-1',
] as const;

/** An empty directory, or one with these files, which is the current one until the test ends; without any tool but node. */
export function openRepository(files: Readonly<Record<string, string>> = {}) {
  const root = temporaryDirectory();
  writeFiles(root, files);
  const { PATH, PACKLEADER_CACHE } = process.env;
  const before = process.cwd();
  process.chdir(root);
  process.env['PACKLEADER_CACHE'] = join(root, 'node_modules', '.cache');
  onTestFinished(() => {
    process.chdir(before);
    process.env['PATH'] = PATH;
    if (PACKLEADER_CACHE === undefined) delete process.env['PACKLEADER_CACHE'];
    else process.env['PACKLEADER_CACHE'] = PACKLEADER_CACHE;
  });
  return {
    root,
    run,
    text: (path: string) => readFileSync(join(root, path), 'utf8'),
    /** Every file with its content, but for what npm and the caches have. */
    files: () => filesIn(root),
  };
}

function filesIn(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((name) => !name.startsWith('node_modules/') && !name.startsWith('.git/'))
    .toSorted();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(root, name), 'utf8')]));
}

/** How many lines the files below a directory have together. */
export function linesBelow(files: Readonly<Record<string, string>>, directory: string): number {
  const below = Object.entries(files).filter(([name]) => name.startsWith(`${directory}/`));
  return below.reduce((sum, [, text]) => sum + text.trimEnd().split('\n').length, 0);
}
