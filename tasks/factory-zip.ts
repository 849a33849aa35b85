import { unzipSync } from 'fflate';
import type { FactoryFiles } from './configuration/factory.ts';

/** The configuration files in the zip that every account bakes from. */
export function factoryFilesOf(zip: Uint8Array): FactoryFiles {
  const entries = unzipSync(zip, { filter: ({ name }) => /\.ya?ml$/.test(name) });
  const decoder = new TextDecoder();
  return new Map(
    Object.entries(entries)
      .filter(([name]) => isConfiguration(name))
      .map(([name, bytes]) => [name, decoder.decode(bytes)]),
  );
}

/** Playbooks are YAML too, and are none of the configuration's business. */
export function isConfiguration(path: string): boolean {
  return /^(factory\.ya?ml|config\/.*|images\/[^/]+\/(image\.ya?ml|config\/.*))$/.test(path);
}
