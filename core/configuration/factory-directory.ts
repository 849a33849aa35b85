/** Reads a factory from a directory of this machine. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FACTORY_FILE, type FactoryFiles } from './factory.ts';
import { InvalidConfiguration, problem } from './documents/problems.ts';
import { filesInDirectory } from '../source/directory.ts';
import { configurationFiles } from './files.ts';

/**
 * The directory that holds `factory.yaml`: this one, or its `packer`.
 *  @throws InvalidConfiguration when neither does
 */
export function factoryDirectory(directory: string): string {
  const root = [directory, join(directory, 'packer')].find((one) => existsSync(join(one, FACTORY_FILE)));
  if (root !== undefined) return root;
  const message = `found neither ${FACTORY_FILE} nor packer/${FACTORY_FILE} in ${directory}, must be a factory directory`;
  throw new InvalidConfiguration([problem(FACTORY_FILE, 0, [], message)]);
}

/**
 * What the configuration reads of the files below the directory, which holds `factory.yaml` or `packer/factory.yaml`.
 *  @throws InvalidConfiguration when it holds neither
 */
export const readFactoryDirectory = (directory: string): FactoryFiles =>
  configurationFiles(filesInDirectory(factoryDirectory(directory)));
