/** Which hub a command talks to. */
import { loadFactory } from '../../core/configuration/factory.ts';
import { readFactoryDirectory } from '../../core/configuration/factory-directory.ts';
import { type Target, targetSchema } from '../../core/contract/targets.ts';
import { refuse } from './arguments.ts';
import { factoryHere } from './checkout.ts';
import { fromStart } from './start-directory.ts';

export interface HubFlags {
  /** `<account>/<region>` */
  readonly hub?: string;
  /** The directory of a factory. */
  readonly factory?: string;
}

/**
 * What `--hub` says, else the `factory.yaml` of `--factory`, of the current directory or of one above. Undefined when there is neither:
 * then the hub is where the caller's credentials are.
 *  @throws InvalidConfiguration
 */
export function hubFrom({ hub, factory }: HubFlags): Target | undefined {
  if (hub !== undefined) {
    const [accountId = '', region = '', ...more] = hub.split('/');
    const target = targetSchema.safeParse({ accountId, region });
    if (!target.success || more.length > 0)
      throw refuse('--hub', `found "${hub}", must look like 999999999999/eu-west-1`);
    return target.data;
  }
  const directory = factory === undefined ? factoryHere() : fromStart(factory);
  return directory === undefined ? undefined : loadFactory(readFactoryDirectory(directory)).hub;
}
