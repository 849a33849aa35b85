// Writes the factory of one commit as a checkout of that commit has it: what .gitattributes say of line ends, encodings and
// `$Id$` holds, those above the factory included, and nothing is left out for `export-ignore`. The hub packs the result, and
// `--ref` reads it. What its images bake that lies outside of it stands in it, under its path in the repository.
import { lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE, OUTSIDE, outsideName, outsidePaths } from './outside.mjs';
import { tooLarge } from './source-size.mjs';

export const SUBMODULE = '160000';
/** What ext4 holds. */
const LONGEST_NAME = 255;

/** The same bytes whoever checks out: Linux's line ends, and no filter, whose programs and keys the hub does not have. */
const ANYWHERE = [
  'core.autocrlf=false',
  'core.eol=lf',
  'core.attributesFile=',
  'core.sparseCheckout=false',
  'index.sparse=false',
  ...['lfs', 'git-crypt'].flatMap((name) => [
    `filter.${name}.smudge=`,
    `filter.${name}.process=`,
    `filter.${name}.required=false`,
  ]),
].flatMap((setting) => ['-c', setting]);

/**
 * Returns where the factory lies in the directory, its submodules, which are empty directories there, and what its images name that
 * lies outside of it.
 * @param {(args: readonly string[], told?: { env?: Record<string, string>, input?: string }) => string} git
 *   runs git in the repository, whose own index and working tree stay as they are
 * @param {{ commit: string, factory: string }} source `.` is a factory at the root
 * @param {string} directory an empty one
 * @returns {{ root: string, submodules: { path: string, commit: string }[], outside: string[] }}
 */
export function checkOut(git, { commit, factory }, directory) {
  const env = { GIT_INDEX_FILE: join(directory, 'index') };
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  git([...ANYWHERE, 'read-tree', commit], { env });
  const listed = git(['ls-files', '-z', '-s'], { env }).split('\0');
  const all = listed.flatMap((line) => {
    const [, mode = '', id = '', path = ''] = /^(\d+) ([0-9a-f]+) \d\t([\s\S]*)$/.exec(line) ?? [];
    return mode === '' ? [] : [{ mode, id, path }];
  });
  const root = join(tree, factory);
  const below = factory === '.' ? '' : `${factory}/`;
  const inside = write('', (path) => (path.startsWith(below) ? path.slice(below.length) : undefined));
  const texts = inside
    .filter(({ mode, name }) => mode.startsWith('100') && IMAGE.test(name))
    .map(({ name }) => readFileSync(join(root, name), 'utf8'));
  const outside = outsidePaths(factory, texts);
  const around = write(`${below}${OUTSIDE}/`, (path) => outsideName(outside, path));
  const written = [...inside, ...around].filter(({ mode }) => mode.startsWith('100'));
  const large = tooLarge(written.map(({ name }) => ({ name, bytes: lstatSync(join(root, name)).size })));
  if (large) throw new ImpossibleSource(`${large.name} ${large.message}`);
  const submodules = [...inside, ...around].filter(({ mode }) => mode === SUBMODULE);
  return { root, submodules: submodules.map(({ name, id }) => ({ path: name, commit: id })), outside };

  /**
   * Writes what has a name in the factory.
   * @param {string} prefix of the paths, below the tree
   * @param {(path: string) => string | undefined} nameOf
   */
  function write(prefix, nameOf) {
    const entries = all.flatMap((entry) => {
      const name = nameOf(entry.path);
      return name === undefined ? [] : [{ ...entry, name }];
    });
    for (const { name } of entries) refuseName(name);
    if (entries.length === 0) return entries;
    const input = entries.map(({ path }) => `${path}\0`).join('');
    const args = [`--work-tree=${tree}`, 'checkout-index', `--prefix=${prefix}`, '-z', '--stdin'];
    git([...ANYWHERE, ...args], { env, input });
    return entries;
  }
}

/** What no directory or no bake can hold, or that nothing here can say; all else is for the checks to judge. */
export class ImpossibleSource extends Error {}

/** @param {string} name */
function refuseName(name) {
  const of = JSON.stringify(name);
  if (name.includes('\uFFFD'))
    throw new ImpossibleSource(`${of} has a name that is not UTF-8, must be UTF-8: rename it`);
  if (name.split('/').some((one) => Buffer.byteLength(one) > LONGEST_NAME))
    throw new ImpossibleSource(
      `${of} has a name of more than ${LONGEST_NAME} bytes, must have at most so many: rename it`,
    );
}
