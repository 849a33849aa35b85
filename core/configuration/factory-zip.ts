import { unzipSync } from 'fflate';
import { type FactoryFiles, factoryFiles, isConfiguration } from './factory.ts';

/** What the configuration reads of the zip that every account bakes from; nothing else of it is unpacked. */
export function factoryFilesOf(zip: Uint8Array): FactoryFiles {
  const names: string[] = [];
  const entries = unzipSync(zip, {
    filter: ({ name }) => {
      names.push(name);
      return isConfiguration(name);
    },
  });
  const decoder = new TextDecoder();
  return factoryFiles(names, (name) => decoder.decode(entries[name]));
}
