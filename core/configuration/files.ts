/** The files of a factory, wherever they come from. */
import { unzipSync } from 'fflate';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { OUTSIDE, outsidePaths } from '../../buildspecs/outside.mjs';
import { type Problem, problem } from './documents/problems.ts';
import { FACTORY_FILE, type FactoryFiles, factoryFiles } from './factory.ts';

/** Every file of a factory, by its path in the factory. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** The files of the zip that every account bakes from. */
export function filesInZip(zip: Uint8Array): Files {
  const files = new Map(Object.entries(unzipSync(zip, { filter: ({ name }) => !name.endsWith('/') })));
  const links = linksInZip(zip);
  const bytesOf = (name: string, through: readonly string[]): Uint8Array | undefined => {
    const bytes = files.get(name);
    if (!bytes || !links.has(name)) return bytes;
    // What leads round in a circle, or to a directory, is no file.
    if (through.includes(name)) return undefined;
    return bytesOf(posix.join(posix.dirname(name), new TextDecoder().decode(bytes)), [...through, name]);
  };
  return new Map(
    [...files.keys()].flatMap((name) => {
      const bytes = bytesOf(name, []);
      return bytes ? [[name, bytes] as const] : [];
    }),
  );
}

/**
 * The symbolic links among the files of a zip, each of which holds where it leads: a disk follows them, and so must a reader.
 *  @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.3.12, and for the attributes `git archive`
 */
function linksInZip(zip: Uint8Array): Set<string> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const links = new Set<string>();
  let end = zip.length - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < 0) return links;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (at + ENTRY_BYTES > zip.length || view.getUint32(at, true) !== DIRECTORY_ENTRY) break;
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const isLink = ((view.getUint32(at + 38, true) >>> 16) & FILE_TYPE) === LINK;
    const text = zip.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + (name ?? 0));
    if (isLink) links.add(new TextDecoder().decode(text));
    at += ENTRY_BYTES + (name ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
  return links;
}

const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;
const DIRECTORY_ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
/** The kind of a file in its Unix mode. */
const FILE_TYPE = 0o170000;
const LINK = 0o120000;

/** The files in and below a directory of this machine. */
export function filesInDirectory(root: string): Files {
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() || (entry.isSymbolicLink() && isFile(join(entry.parentPath, entry.name))),
    )
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, sep).length))
    .sort();
  return new Map(names.map((name) => [name.split(sep).join('/'), readFileSync(join(root, name))]));
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** The paths in the repository that an `image.yaml` names, because what it bakes lies outside of the factory. */
export const outsideOf = (files: Files): string[] =>
  outsidePaths(
    [...files].flatMap(([name, bytes]) =>
      /^images\/[^/]+\/image\.yaml$/.test(name) ? [new TextDecoder().decode(bytes)] : [],
    ),
  );

/** The files of a factory with those, by the names that they have in the zip, as they lie in a repository of this machine. */
export function withOutside(files: Files, repository: string): Files {
  const outside = outsideOf(files).flatMap((path): (readonly [string, Uint8Array])[] => {
    const place = join(repository, path);
    if (isFile(place)) return [[`${OUTSIDE}/${path}`, readFileSync(place)] as const];
    if (!existsSync(place)) return [];
    return [...filesInDirectory(place)].map(
      ([name, bytes]) => [`${OUTSIDE}/${path}/${name}`, bytes] as const,
    );
  });
  return new Map([...files, ...outside]);
}

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
  const names = [...files.keys()];
  return readdirSync(images, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !names.some((name) => name.startsWith(`images/${entry.name}/`)))
    .map(({ name }) =>
      problem(
        `images/${name}`,
        0,
        [],
        'found no file that git keeps, must hold image.yaml: write it, or remove the directory',
      ),
    );
}

/** What the configuration reads of them. */
export function configurationFiles(files: Files): FactoryFiles {
  const decoder = new TextDecoder();
  return factoryFiles(files.keys(), (name) => decoder.decode(files.get(name)));
}
