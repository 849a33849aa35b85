/** Gets a factory's files: as they lie in a directory, or as a commit of its git repository holds them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { unzipSync } from 'fflate';
import { FACTORY_FILE } from '../../core/configuration/factory.ts';
import { commitOf, git, gitRoot, tryGitBytes } from './git.ts';
import { asSeenFromStart, fromStart } from './start-directory.ts';
import { directoryProblems } from '../../core/configuration/files.ts';
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
  const listed = git(root, ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '.']);
  const names = listed.split('\0').filter((name) => name !== '' && existsSync(join(root, name)));
  const files = readTree(root, names);
  const commit = commitOf(root, 'HEAD');
  if (commit === undefined)
    return { commit: contentHash(files), note: 'no commit yet: the commit is a hash of the files', files };
  const changed = git(root, ['status', '--porcelain', '--', '.']) !== '';
  return { commit, note: changed ? WORKING_TREE : undefined, files };
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
  const files = new Map(
    Object.entries(archive ? unzipSync(archive) : {}).filter(([name]) => !name.endsWith('/')),
  );
  if (!files.has(FACTORY_FILE))
    throw refused(
      '--ref',
      `the commit ${commit.slice(0, 7)} holds no ${prefix ? `${prefix}/` : ''}${FACTORY_FILE}`,
    );
  return { commit, note: undefined, files };
}

function refused(field: string, message: string): InvalidConfiguration {
  return new InvalidConfiguration([problem(field, 0, [], message)]);
}

function readTree(root: string, names: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const files = names.filter((name) => statSync(join(root, name)).isFile()).toSorted();
  return new Map(files.map((name) => [name, new Uint8Array(readFileSync(join(root, name)))]));
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
