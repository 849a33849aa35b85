/** What a deployment that was removed leaves. */
import { join } from 'node:path';
import { bucketName } from '../../../core/contract/names.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { inventoryOf } from './inventory.ts';
import type { StandOptions } from './stand.ts';

/** What is in a target whose stack was removed, apart from what docs/deploying.md says stays. */
export async function leftIn(options: StandOptions, target: Target): Promise<string[]> {
  const { moto } = options;
  const {
    logGroups,
    keys: _keys,
    buckets: _buckets,
    parameters,
    ...rest
  } = await inventoryOf(moto, pythonOf(options), target.accountId);
  const { instances, keyPairs, securityGroups } = await moto.snapshotOf(target);
  const place = targetName(target);
  return [
    ...stillThere(place, { ...rest, instances, keyPairs, securityGroups }),
    ...logGroups
      .filter((name) => name !== '/packleader/packleader-bake')
      .map((name) => `${place} still has the log group ${name}`),
    ...parameters
      .filter(
        (name) => !/^\/packleader\/[^/]+\/(latest|versions\/[^/]+)$|^\/(aws|cdk-bootstrap)\//.test(name),
      )
      .map((name) => `${place} still has ${name}`),
  ];
}

/** The same of the hub; and what should stay and did not. */
export async function leftInHub(options: StandOptions): Promise<string[]> {
  const {
    logGroups,
    buckets,
    keys: _keys,
    parameters,
    ...rest
  } = await inventoryOf(options.moto, pythonOf(options), HUB.accountId);
  const bucket = bucketName(options.repository.factory);
  const names = buckets.map(({ name }) => name);
  return [
    ...stillThere('the hub', rest),
    ...(names.includes(bucket)
      ? []
      : [`The hub has lost ${bucket}, which holds the record of every release.`]),
    ...(logGroups.length > 0 ? [] : ['The hub has lost its log groups.']),
    ...parameters
      .filter((name) => !/^\/(aws|cdk-bootstrap)\//.test(name))
      .map((name) => `the hub still has ${name}`),
  ];
}

const pythonOf = ({ installation }: StandOptions): string => join(installation.bin, 'python');

/** Everything that has a name and is not the bootstrap's, nor made by whoever operates. */
function stillThere(place: string, lists: Readonly<Record<string, readonly unknown[]>>): string[] {
  return Object.entries(lists).flatMap(([kind, things]) =>
    things
      .map((thing) => JSON.stringify(thing))
      .filter((said) => !/"CDKToolkit"|"isDeployed":false|schedule-group\/default/.test(said))
      .map((said) => `${place} still has of ${kind}: ${said.slice(0, 200)}`),
  );
}
