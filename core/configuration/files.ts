/** The files of a factory, wherever they come from. */
import { unzipSync } from 'fflate';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type Problem, problem } from './documents/problems.ts';
import { FACTORY_FILE, type FactoryFiles, factoryFiles } from './factory.ts';

/** Every file of a factory, by its path in the factory. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** The files of the zip that every account bakes from. */
export const filesInZip = (zip: Uint8Array): Files =>
  new Map(Object.entries(unzipSync(zip, { filter: ({ name }) => !name.endsWith('/') })));

/** The files in and below a directory of this machine. */
export function filesInDirectory(root: string): Files {
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, sep).length))
    .sort();
  return new Map(names.map((name) => [name.split(sep).join('/'), readFileSync(join(root, name))]));
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
