// Writes the factory of one commit as a checkout of that commit has it: what .gitattributes say of line ends, encodings and
// `$Id$` holds, those above the factory included, and nothing is left out for `export-ignore`. The hub packs the result, and
// `--ref` reads it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

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
 * Returns where the factory lies in the directory, and its submodules, which are empty directories there.
 * @param {(args: readonly string[], told?: { env?: Record<string, string>, input?: string }) => string} git
 *   runs git in the repository, whose own index and working tree stay as they are
 * @param {{ commit: string, factory: string }} source `.` is a factory at the root
 * @param {string} directory an empty one
 * @returns {{ root: string, submodules: { path: string, commit: string }[] }}
 */
export function checkOut(git, { commit, factory }, directory) {
  const env = { GIT_INDEX_FILE: join(directory, 'index') };
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  git([...ANYWHERE, 'read-tree', commit], { env });
  const listed = git(['ls-files', '-z', '-s'], { env }).split('\0');
  const below = factory === '.' ? '' : `${factory}/`;
  const entries = listed.flatMap((line) => {
    const [, mode = '', id = '', path = ''] = /^(\d+) ([0-9a-f]+) \d\t([\s\S]*)$/.exec(line) ?? [];
    return path.startsWith(below) && mode !== '' ? [{ mode, id, path, name: path.slice(below.length) }] : [];
  });
  for (const { name } of entries) refuseName(name);
  const input = entries.map(({ path }) => `${path}\0`).join('');
  git([...ANYWHERE, `--work-tree=${tree}`, 'checkout-index', '-z', '--stdin'], {
    env,
    input,
  });
  const submodules = entries.filter(({ mode }) => mode === SUBMODULE);
  return {
    root: join(tree, factory),
    submodules: submodules.map(({ name, id }) => ({ path: name, commit: id })),
  };
}

/** A name that no directory can hold, or that nothing here can say; every other is for the checks to judge. */
export class ImpossibleName extends Error {}

/** @param {string} name */
function refuseName(name) {
  const of = JSON.stringify(name);
  if (name.includes('\uFFFD'))
    throw new ImpossibleName(`${of} has a name that is not UTF-8, must be UTF-8: rename it`);
  if (name.split('/').some((one) => Buffer.byteLength(one) > LONGEST_NAME))
    throw new ImpossibleName(
      `${of} has a name of more than ${LONGEST_NAME} bytes, must have at most so many: rename it`,
    );
}
