/** Gets a factory's files: as they lie in a directory, or as a commit of its git repository holds them. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { OUTSIDE } from '../../buildspecs/outside.mjs';
import { FACTORY_FILE } from '../../core/configuration/factory.ts';
import { commitOf, git, gitRoot, tryGit, tryGitBytes } from './git.ts';
import { asSeenFromStart, fromStart } from './start-directory.ts';
import { directoryProblems, filesInZip, outsideOf } from '../../core/configuration/files.ts';
import { InvalidConfiguration, problem, throwIfAny } from '../../core/configuration/documents/problems.ts';

export interface FactoryCheckout {
  /** The directory of its factory.yaml, as whoever started the program would write it. */
  readonly directory: string;
  /** 40 hex digits: of git, or of the content where there is no git. */
  readonly commit: string;
  /** What a person should know about where the files come from. */
  readonly note: string | undefined;
  /** Every file of the factory, by its path in the factory. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 *  @param directory holds `factory.yaml`, or `packer/factory.yaml`
 *  @param ref a commit, branch or tag; without it the files as they lie there, changes that are not committed included
 *  @throws InvalidConfiguration when there is no factory, or no such ref
 */
export function checkOutFactory(directory: string, ref?: string): FactoryCheckout {
  const root = factoryRoot(directory, ref);
  const checkout = checkOut(directory, root, ref);
  if (ref === undefined) throwIfAny(directoryProblems(root, checkout.files));
  return { directory: asSeenFromStart(root), ...checkout };
}

function checkOut(
  directory: string,
  root: string,
  ref: string | undefined,
): Omit<FactoryCheckout, 'directory'> {
  const repository = gitRoot(root);
  if (ref !== undefined) {
    if (repository === undefined)
      throw refused('--ref', `${directory} is not in a git repository, so it has no ref ${ref}`);
    return checkOutRef(repository, root, ref);
  }
  if (repository === undefined) {
    const files = readTree(root, listTree(root));
    return { commit: contentHash(files), note: 'not in git: the commit is a hash of the files', files };
  }
  const files = withOutside(repository, root, readTree(root, listed(root, ['.'])));
  const commit = commitOf(root, 'HEAD');
  if (commit === undefined)
    return { commit: contentHash(files), note: 'no commit yet: the commit is a hash of the files', files };
  const outside = [...files.keys()].filter((name) => name.startsWith(`${OUTSIDE}/`));
  const at = ['.', ...(outside.length > 0 ? outsideOf(files).map((path) => `:/${path}`) : [])];
  const changed = git(root, ['status', '--porcelain', '--', ...at]) !== '';
  return { commit, note: changed ? WORKING_TREE : undefined, files };
}

/** What git has below a directory, or would have: nothing that it ignores. */
const listed = (directory: string, paths: readonly string[]): string[] =>
  git(directory, ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...paths])
    .split('\0')
    .filter((name) => name !== '' && existsSync(join(directory, name)));

/** The files of a factory, and what its images bake that lies outside of it, as `Fetch source` packs them. */
export function withOutside(
  repository: string,
  root: string,
  files: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  // A factory at the root of its repository has all of it inside.
  const paths = relative(repository, root) === '' ? [] : outsideOf(files);
  if (paths.length === 0) return files;
  const names = listed(repository, paths);
  const outside = [...readTree(repository, names)].map(
    ([name, bytes]) => [`${OUTSIDE}/${name}`, bytes] as const,
  );
  return new Map([...files, ...outside]);
}

/** The note of a factory that no commit holds as it is. */
export const WORKING_TREE = 'with changes that are not committed';

/** Which factory a command takes, and what of it: the first thing that a command says. */
export function whichFactory({ directory, commit, note }: FactoryCheckout): string {
  return `the factory in ${directory} at ${commit.slice(0, 7)}${note === undefined ? '' : ` (${note})`}`;
}

function factoryRoot(directory: string, ref: string | undefined): string {
  const start = fromStart(directory);
  const found = placesOf(directory).find((place) => existsSync(join(place, FACTORY_FILE)));
  // A ref may hold a factory that the working tree no longer has.
  if (found === undefined && ref !== undefined && existsSync(start)) return start;
  if (found !== undefined) return found;
  const above = directory === HERE ? ', and so does no directory above it' : '';
  const message = existsSync(start)
    ? `${start} holds neither ${FACTORY_FILE} nor packer/${FACTORY_FILE}${above}; a factory directory holds one`
    : `there is no directory ${start}`;
  throw refused('--factory', message);
}

/** What the options mean when nobody says where the factory is. */
const HERE = '.';

/** Where a factory may be: in the directory, or in its `packer`; and like git, in one above when nobody said which. */
function placesOf(directory: string): string[] {
  const places = [fromStart(directory)];
  if (directory === HERE)
    for (let above = dirname(fromStart(HERE)); above !== places.at(-1); above = dirname(above))
      places.push(above);
  return places.flatMap((place) => [place, join(place, 'packer')]);
}

/** The factory that a command finds when nobody says where it is; undefined when there is none. */
export function factoryHere(): string | undefined {
  return placesOf(HERE).find((place) => existsSync(join(place, FACTORY_FILE)));
}

function checkOutRef(repository: string, root: string, ref: string): Omit<FactoryCheckout, 'directory'> {
  const commit = commitOf(root, ref);
  if (commit === undefined) throw refused('--ref', `git knows no commit, branch or tag ${ref}`);
  const prefix = relative(repository, root).split(sep).join('/');
  const tree = prefix === '' ? commit : `${commit}:${prefix}`;
  const archive = tryGitBytes(repository, ['archive', '--format=zip', tree]);
  const files = new Map(archive ? filesInZip(archive) : []);
  if (!files.has(FACTORY_FILE))
    throw refused(
      '--ref',
      `the commit ${commit.slice(0, 7)} holds no ${prefix ? `${prefix}/` : ''}${FACTORY_FILE}`,
    );
  const paths = prefix === '' ? [] : outsideOf(files).filter((path) => commitHas(repository, commit, path));
  const more =
    paths.length > 0
      ? tryGitBytes(repository, ['archive', '--format=zip', commit, '--', ...paths])
      : undefined;
  for (const [name, bytes] of more ? filesInZip(more) : []) files.set(`${OUTSIDE}/${name}`, bytes);
  return { commit, note: undefined, files };
}

const commitHas = (repository: string, commit: string, path: string): boolean =>
  tryGit(repository, ['cat-file', '-e', `${commit}:${path}`]) !== undefined;

function refused(field: string, message: string): InvalidConfiguration {
  return new InvalidConfiguration([problem(field, 0, [], message)]);
}

function readTree(root: string, names: readonly string[]): ReadonlyMap<string, Uint8Array> {
  for (const name of names) refuseLinkOut(root, name);
  const files = names.filter((name) => statSync(join(root, name)).isFile()).toSorted();
  return new Map(files.map((name) => [name, new Uint8Array(readFileSync(join(root, name)))]));
}

/** What lies elsewhere on this machine is in no commit, and so in no bake. */
function refuseLinkOut(root: string, name: string): void {
  if (!lstatSync(join(root, name)).isSymbolicLink()) return;
  const within = realpathSync(gitRoot(root) ?? root);
  const target = realpathSync(join(root, name));
  if (relative(within, target).startsWith('..'))
    throw refused(
      name,
      `is a symbolic link to ${target}, must not lead out of the repository: a bake has what the commit has`,
    );
}

function listTree(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !/(^|\/)(\.git|node_modules)\//.test(name));
}

/** The same files give the same 40 hex digits. */
function contentHash(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('sha1');
  for (const [name, bytes] of files) hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
