/** The files of a factory, wherever they come from. */
import { unzipSync } from 'fflate';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type FactoryFiles, factoryFiles } from './factory.ts';

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

/** What the configuration reads of them. */
export function configurationFiles(files: Files): FactoryFiles {
  const decoder = new TextDecoder();
  return factoryFiles(files.keys(), (name) => decoder.decode(files.get(name)));
}
