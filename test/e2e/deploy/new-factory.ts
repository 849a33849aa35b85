/** A newcomer's first deployment: the installed package makes a factory in an empty repository, and deploys it into accounts that have nothing. */
import { mkdirSync } from 'node:fs';
import { HUB } from '../../fixtures/accounts.ts';
import { git } from '../factory.ts';
import type { Moto } from '../moto.ts';
import { typed } from './accounts.ts';
import { Deployment, installed } from './deployment.ts';
import { installPacked } from './packed.ts';
import { danglingArns, distrustfulRoles, inventoriesOf, unfinishedStacks } from './read-back.ts';

/** In the region of the other hub, where everybody who deploys here is at home. */
export const NEW_ACCOUNTS = { hub: '888888888888', dev: '444444444444', prod: '555555555555' } as const;

export interface NewFactoryOptions {
  readonly moto: Moto;
  readonly python: string;
  /** The package, packed. */
  readonly tarball: string;
  /** That of the repository, which is not there yet. */
  readonly directory: string;
}

/** Returns what is wrong with what was created. */
export async function deployNew({ moto, python, tarball, directory }: NewFactoryOptions): Promise<string[]> {
  mkdirSync(directory);
  git(directory, 'init', '--quiet', '--initial-branch=main');
  const program = installed(await installPacked(tarball, directory));
  const at = (accountId: string) => `${accountId}/${HUB.region}`;
  const stages = ['dev', 'prod'] as const;
  const where = stages.flatMap((stage) => ['--stage', `${stage}=${at(NEW_ACCOUNTS[stage])}`]);
  const repository = 'https://github.com/example/new-images';
  const init = ['init', '--yes', '--repository', repository, '--hub', at(NEW_ACCOUNTS.hub), ...where];
  await typed(process.execPath, [program.cli, ...init], { cwd: directory });
  git(directory, 'add', '--all');
  git(directory, 'commit', '--quiet', '--message', 'Begin a factory');
  const deployment = new Deployment(moto, directory, program, NEW_ACCOUNTS.hub);
  await deployment.synthesise();
  const accounts = [NEW_ACCOUNTS.dev, NEW_ACCOUNTS.prod, NEW_ACCOUNTS.hub];
  for (const accountId of accounts) {
    await deployment.bootstrap(accountId);
    await deployment.deploy(accountId);
  }
  const inventories = await inventoriesOf(moto, python, accounts);
  return [
    ...unfinishedStacks(inventories, directory, NEW_ACCOUNTS.hub),
    ...danglingArns(inventories),
    ...distrustfulRoles(inventories),
  ];
}
