/** The files of a factory, wherever they come from. */
import { IMAGE, outsidePaths } from '../../buildspecs/outside.mjs';
import { type FactoryFiles, factoryFiles } from './factory.ts';

/**
 * Every file of a factory, by its path in the factory. Below a symbolic link stands what it leads to, like a file of its own; what
 * else of git is no file is beside them.
 */
export type Files = ReadonlyMap<string, Uint8Array> & {
  /** By its path. */
  readonly links?: ReadonlyMap<string, Link>;
  /** The directories in which another repository is expected. */
  readonly submodules?: readonly string[];
};

export interface Link {
  /** As it is written. */
  readonly to: string;
  /** The path in the factory that it leads to; `''` is the factory itself, undefined what is not in it. */
  readonly leadsTo: string | undefined;
}

/** What the configuration reads of them. */
export function configurationFiles(files: Files): FactoryFiles {
  const decoder = new TextDecoder();
  return factoryFiles(files.keys(), (name) => decoder.decode(files.get(name)));
}

/**
 * The paths in the repository that an `image.yaml` names, because what it bakes lies outside of the factory.
 *  @param factory its path in the repository
 */
export function outsideOf(files: ReadonlyMap<string, Uint8Array>, factory: string): string[] {
  const decoder = new TextDecoder();
  const texts = [...files].flatMap(([name, bytes]) => (IMAGE.test(name) ? [decoder.decode(bytes)] : []));
  return outsidePaths(factory, texts);
}
