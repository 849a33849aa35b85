/** Gets a factory's files: as they lie in a directory, or as a commit of its git repository holds them. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { ImpossibleSource, checkOut as writeCheckout } from '../../buildspecs/checkout.mjs';
import { FACTORY_FILE } from '../../core/configuration/factory.ts';
import { type Files, outsideOf } from '../../core/configuration/files.ts';
import { directoryProblems, filesInCheckout, filesInDirectory } from '../../core/source/directory.ts';
import { commitOf, git, gitRoot } from '../../core/source/git.ts';
import { pathInRepository } from '../../core/source/path-in-repository.ts';
import { asSeenFromStart, fromStart } from './start-directory.ts';
import { InvalidConfiguration, problem, throwIfAny } from '../../core/configuration/documents/problems.ts';

export interface FactoryCheckout {
  /** The directory of its factory.yaml, as whoever started the program would write it. */
  readonly directory: string;
  /** 40 hex digits: of git, or of the content where there is no git. */
  readonly commit: string;
  /** What a person should know about where the files come from. */
  readonly note: string | undefined;
  /** Every file of the factory, by its path in the factory. */
  readonly files: Files;
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
  const files = filesInDirectory(root);
  if (repository === undefined)
    return { commit: contentHash(files), note: 'not in git: the commit is a hash of the files', files };
  const commit = commitOf(root, 'HEAD');
  if (commit === undefined)
    return { commit: contentHash(files), note: 'no commit yet: the commit is a hash of the files', files };
  const outside = outsideOf(files, pathInRepository(root)).map((path) => `:/${path}`);
  const changed = git(root, ['status', '--porcelain', '--', '.', ...outside]) !== '';
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
    ? `${start} holds neither ${FACTORY_FILE} nor packer/${FACTORY_FILE}${above}; a factory directory holds one, and \`packleader init\` begins one`
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
  const files = filesOfCommit(repository, { commit, factory: prefix || '.' });
  if (!files.has(FACTORY_FILE))
    throw refused(
      '--ref',
      `the commit ${commit.slice(0, 7)} holds no ${prefix ? `${prefix}/` : ''}${FACTORY_FILE}`,
    );
  return { commit, note: undefined, files };
}

/** What the hub would get, whatever the settings of git on this machine. */
function filesOfCommit(
  repository: string,
  source: { readonly commit: string; readonly factory: string },
): Files {
  const directory = mkdtempSync(join(tmpdir(), 'packleader-ref-'));
  try {
    const { root, submodules } = writeCheckout(
      (args, told) => git(repository, args, told),
      source,
      directory,
    );
    if (!existsSync(root)) return new Map();
    return filesInCheckout(
      root,
      submodules.map(({ path }) => path),
    );
  } catch (error) {
    if (error instanceof ImpossibleSource) throw refused('--ref', error.message);
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function refused(field: string, message: string): InvalidConfiguration {
  return new InvalidConfiguration([problem(field, 0, [], message)]);
}

/** The same files give the same 40 hex digits. */
function contentHash(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('sha1');
  for (const [name, bytes] of files) hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
