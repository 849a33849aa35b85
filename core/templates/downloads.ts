import type { DeploymentSettings } from '../configuration/deployment-settings.ts';
import type { Path } from '../configuration/documents/problems.ts';
import type { Image } from '../configuration/factory.ts';
import type { Files } from '../configuration/files.ts';
import { requiredPlugins, unmet } from './plugins.ts';

/** Why builds could not have what they download: something is not pinned. Undefined when all is, or when nothing need be. */
export async function downloadProblem(
  { packer, plugins, downloads }: DeploymentSettings,
  files: Files,
  images: readonly Image[],
): Promise<{ readonly path: Path; readonly message: string } | undefined> {
  for (const [key, is] of [
    ['packer', packer],
    ['plugins', plugins],
  ] as const)
    if (downloads !== undefined && !is)
      return {
        path: ['downloads'],
        message: `needs ${key}, which is not said: nothing else says which file it is; packleader pin --plugins writes it`,
      };
  if (!plugins) return undefined;
  const missed = unmet(await requiredPlugins(files, images), plugins);
  return (
    missed && {
      path: ['plugins'],
      message: `found no ${missed.source} of ${missed.version || 'any version'}, which ${missed.file}:${missed.line} requires: builds install these plugins and no others; packleader pin --plugins writes it`,
    }
  );
}
