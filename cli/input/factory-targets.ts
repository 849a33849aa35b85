/** The targets that a factory names, for commands that look into them. */
import type { StagedTarget } from '../../client/client.ts';
import { type Factory, loadFactory } from '../../core/configuration/factory.ts';
import { readFactoryDirectory } from '../../core/configuration/factory-directory.ts';
import { factoryHere } from './checkout.ts';
import { fromStart } from './start-directory.ts';

/** Those of the factory that names the hub; a hub that was named otherwise tells its own by its records. */
export function targetsFrom(
  hub: string | undefined,
  factory: string | undefined,
): StagedTarget[] | undefined {
  if (hub !== undefined && factory === undefined) return undefined;
  const directory = factory === undefined ? factoryHere() : fromStart(factory);
  return directory === undefined ? undefined : stagedTargets(loadFactory(readFactoryDirectory(directory)));
}

export const stagedTargets = ({ stages }: Pick<Factory, 'stages'>): StagedTarget[] =>
  stages.flatMap(({ name, targets }) =>
    targets.map(({ accountId, region }) => ({ stage: name, accountId, region })),
  );
