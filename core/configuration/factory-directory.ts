/** Reads a factory from a directory of this machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { FACTORY_FILE, type FactoryFiles, factoryFiles } from './factory.ts';
import { InvalidConfiguration, problem } from './documents/problems.ts';

/**
 * What the configuration reads of the files below the directory, which holds `factory.yaml` or `packer/factory.yaml`.
 *  @throws InvalidConfiguration when it holds neither
 */
export function readFactoryDirectory(directory: string): FactoryFiles {
  const root = [directory, join(directory, 'packer')].find((one) => existsSync(join(one, FACTORY_FILE)));
  if (root === undefined) {
    const message = `found neither ${FACTORY_FILE} nor packer/${FACTORY_FILE} in ${directory}, must be a factory directory`;
    throw new InvalidConfiguration([problem(FACTORY_FILE, 0, [], message)]);
  }
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, sep).length))
    .map((file) => file.split(sep).join('/'))
    .sort();
  return factoryFiles(files, (file) => readFileSync(join(root, file), 'utf8'));
}
