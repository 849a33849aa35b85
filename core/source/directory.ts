/** Reads a factory from a directory: what git would commit of it, or, where there is no git, all that lies there. */
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { SUBMODULE } from '../../buildspecs/checkout.mjs';
import { OUTSIDE } from '../../buildspecs/outside.mjs';
import { tooLarge } from '../../buildspecs/source-size.mjs';
import { InvalidConfiguration, type Problem, problem } from '../configuration/documents/problems.ts';
import { FACTORY_FILE } from '../configuration/factory.ts';
import { type Files, outsideOf } from '../configuration/files.ts';
import { git, gitBytes, gitRoot } from './git.ts';
import { isStoredElsewhere } from './stored-elsewhere.ts';
import { type Entries, followed } from './links.ts';
import { pathInRepository } from './path-in-repository.ts';

/**
 * The files in and below a directory of this machine. What git keeps is read from there where a release would get something else
 * than what lies here: a file that Git LFS or git-crypt has put in place. What its images bake that lies outside of it is among them,
 * as `Fetch source` packs it.
 *  @param made files that are not there yet, which name some of it
 *  @throws InvalidConfiguration when a sparse checkout has left out some of them, or when they are too large together; those are not read
 */
export function filesInDirectory(root: string, made: ReadonlyMap<string, Uint8Array> = new Map()): Files {
  const hasGit = gitRoot(root) !== undefined;
  const listed = hasGit ? listedByGit(root, ['.']) : listedBelow(root, '', IGNORED);
  const sizes = sizesOf(root, listed);
  refuseTooLarge(sizes);
  const inside = read(root, listed);
  const files = new Map([...inside.files, ...made]);
  const factory = pathInRepository(root);
  const paths = outsideOf(files, factory);
  if (paths.length === 0) return followed({ ...inside, files });
  const repository = resolve(root, relative(`/${factory}`, '/'));
  const listedAround = hasGit ? listedByGit(repository, paths) : listedAt(repository, paths);
  refuseTooLarge([...sizes, ...sizesOf(repository, listedAround)]);
  const around = read(repository, listedAround);
  return followed({
    files: new Map([...files, ...under(OUTSIDE, around.files)]),
    links: new Map([...inside.links, ...under(OUTSIDE, around.links)]),
    submodules: [...inside.submodules, ...around.submodules.map((path) => `${OUTSIDE}/${path}`)],
  });
}

const under = <T>(directory: string, entries: ReadonlyMap<string, T>): (readonly [string, T])[] =>
  [...entries].map(([path, one]) => [`${directory}/${path}`, one] as const);

/** Every file and link of a directory that no git knows, as a checkout has them. */
export const filesInCheckout = (root: string, submodules: readonly string[]): Files =>
  followed(read(root, { ...listedBelow(root, '', []), submodules }));

interface Listed {
  readonly names: readonly string[];
  readonly submodules: readonly string[];
  /** What git keeps of a file, where that is not what lies there. */
  readonly stored?: ReadonlyMap<string, Uint8Array>;
}

interface Sized {
  readonly name: string;
  readonly bytes: number;
}

const sizesOf = (root: string, { names, stored }: Listed): Sized[] =>
  names.flatMap((name) => {
    const found = lstatSync(join(root, name), { throwIfNoEntry: false });
    return found?.isFile() === true ? [{ name, bytes: stored?.get(name)?.length ?? found.size }] : [];
  });

function refuseTooLarge(files: readonly Sized[]): void {
  const large = tooLarge(files);
  if (large) throw new InvalidConfiguration([problem(large.name, 0, [], large.message)]);
}

function read(root: string, { names, submodules, stored }: Listed): Entries {
  const files = new Map<string, Uint8Array>();
  const links = new Map<string, string>();
  for (const name of names.toSorted()) {
    const path = join(root, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() === true) links.set(name, readlinkSync(path));
    else if (found?.isFile() === true)
      files.set(name, stored?.get(name) ?? new Uint8Array(readFileSync(path)));
    // Its bytes could not be said, so nothing is found there; the name is what is wrong.
    else if (name.includes('\uFFFD')) files.set(name, new Uint8Array());
  }
  return { files, links, submodules };
}

/** What git would be told to ignore, where there is git. */
const IGNORED = ['.git', 'node_modules'];

/** Node's own recursive listing goes through links to directories, wherever they lead. */
function listedBelow(root: string, directory: string, ignored: readonly string[]): Listed {
  const entries = readdirSync(join(root, directory), { withFileTypes: true });
  const nameOf = (name: string) => (directory === '' ? name : `${directory}/${name}`);
  if (directory !== '' && entries.some(({ name }) => name === '.git'))
    return { names: [], submodules: [directory] };
  const listed = entries
    .filter(({ name }) => !ignored.includes(name))
    .map((entry): Listed => {
      if (entry.isDirectory()) return listedBelow(root, nameOf(entry.name), ignored);
      return { names: entry.isFile() || entry.isSymbolicLink() ? [nameOf(entry.name)] : [], submodules: [] };
    });
  return together(listed);
}

const together = (listed: readonly Listed[]): Listed => ({
  names: listed.flatMap(({ names }) => names),
  submodules: listed.flatMap(({ submodules }) => submodules),
});

/** The same of some paths, of which each may be a file, a directory or nothing. */
function listedAt(root: string, paths: readonly string[]): Listed {
  const listed = paths.map((path): Listed => {
    const found = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return listedBelow(root, path, IGNORED);
    return { names: found ? [path] : [], submodules: [] };
  });
  return together(listed);
}

interface Tracked {
  readonly tag: string;
  readonly mode: string;
  readonly id: string;
  readonly name: string;
}

function listedByGit(root: string, paths: readonly string[]): Listed {
  const tracked = namesIn(git(root, ['ls-files', '-z', '-s', '-t', '--', ...paths])).map((line): Tracked => {
    const [, tag = '', mode = '', id = '', name = ''] =
      /^(\S) (\d+) ([0-9a-f]+) \d\t([\s\S]*)$/.exec(line) ?? [];
    return { tag, mode, id, name };
  });
  const absent = tracked.filter(({ tag, name }) => tag === SKIPPED && !existsSync(join(root, name)));
  const [first] = absent;
  if (first) throw new InvalidConfiguration([sparse(first.name, absent.length)]);
  const others = namesIn(git(root, ['ls-files', '-z', '--others', '--exclude-standard', '--', ...paths]));
  // A repository in this one is listed as a directory; added, it would be a submodule.
  const repositories = others.filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1));
  const files = tracked.filter(({ mode }) => mode !== SUBMODULE);
  return {
    names: [...new Set([...files.map(({ name }) => name), ...others])],
    submodules: [
      ...tracked.filter(({ mode }) => mode === SUBMODULE).map(({ name }) => name),
      ...repositories,
    ],
    stored: storedElsewhere(root, files),
  };
}

/** The tag of `git ls-files -t` for what a sparse checkout leaves out. */
const SKIPPED = 'S';

const namesIn = (listed: string): string[] => listed.split('\0').filter((name) => name !== '');

const sparse = (first: string, count: number): Problem =>
  problem(
    first,
    0,
    [],
    `is one of ${count} files that this sparse checkout leaves out, must be here: a release has the whole factory (\`git sparse-checkout disable\`, or \`git sparse-checkout add\` and its directory, gets them)`,
  );

/** What git keeps of files with a filter, where that is not the file. */
function storedElsewhere(root: string, files: readonly Tracked[]): Map<string, Uint8Array> {
  const input = files.map(({ name }) => `${name}\0`).join('');
  const said = namesIn(git(root, ['check-attr', '-z', '--stdin', 'filter'], { input }));
  const filtered = new Set(said.filter((_, at) => at % 3 === 0 && FILTERS.has(said[at + 2] ?? '')));
  return new Map(
    files
      .filter(({ name }) => filtered.has(name))
      .map(({ name, id }) => [name, gitBytes(root, ['cat-file', 'blob', id])] as const)
      .filter(([, bytes]) => isStoredElsewhere(bytes)),
  );
}

const FILTERS = new Set(['lfs', 'git-crypt']);

/** What is wrong with a directory that its files do not show: one in place of factory.yaml, and images that hold no file. */
export function directoryProblems(root: string, files: Files): Problem[] {
  const factory = statSync(join(root, FACTORY_FILE), { throwIfNoEntry: false });
  if (factory?.isDirectory() === true)
    return [
      problem(
        FACTORY_FILE,
        0,
        [],
        'found a directory, must be a file: it names the repository, the hub and the stages',
      ),
    ];
  const images = join(root, 'images');
  if (!existsSync(images)) return [];
  // Git does not keep an image that somebody has begun with an empty directory.
  const names = [...files.keys(), ...(files.submodules ?? [])];
  return readdirSync(images, { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && !names.some((name) => `${name}/`.startsWith(`images/${entry.name}/`)),
    )
    .map(({ name }) =>
      problem(
        `images/${name}`,
        0,
        [],
        'found no file that git keeps, must hold image.yaml: write it, or remove the directory',
      ),
    );
}
