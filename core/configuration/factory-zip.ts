import { unzipSync } from 'fflate';
import { type FactoryFiles, isConfiguration } from './factory.ts';

/** The configuration files in the zip that every account bakes from. */
export function factoryFilesOf(zip: Uint8Array): FactoryFiles {
  const entries = unzipSync(zip, { filter: ({ name }) => isConfiguration(name) });
  const decoder = new TextDecoder();
  return new Map(Object.entries(entries).map(([name, bytes]) => [name, decoder.decode(bytes)]));
}
