/**
 * `npm run e2e:deploy`: the real CDK CLI bootstraps and deploys the hub and its targets into moto's accounts, and what CloudFormation
 * created there is read back. Ends with `N passed, N failed`.
 *
 * `E2E_KEEP=1` keeps in .cache/e2e what the run leaves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { accountsOf } from '../../../core/configuration/factory.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { STAGES } from '../factory.ts';
import { installMoto } from '../installation.ts';
import { Moto } from '../moto.ts';
import { ADDITIONS } from './accounts.ts';
import { Deployment, makeRepository } from './deployment.ts';
import {
  type Inventories,
  blindAlarms,
  danglingArns,
  distrustfulRoles,
  inventoriesOf,
  unfinishedStacks,
  wrongVariables,
} from './read-back.ts';
import { Suite, say } from './suite.ts';

/** The account whose target is an instance of a StackSet; the other has a stack of its own. */
const BY_STACK_SET = '222222222222';

const { cache, bin } = installMoto(say);
const directory = mkdtempSync(join(cache, 'deploy-'));
const aws = join(bin, 'aws');
const python = join(bin, 'python');
const suite = new Suite();

const moto = await Moto.start({
  python,
  directory,
  hub: HUB,
  accounts: ['111111111111', '222222222222'],
  roles: [],
  additions: ADDITIONS,
  launchSeconds: 0,
});
const repository = join(directory, 'repository');
const { factory } = makeRepository(repository, STAGES, new Map());
const deployment = new Deployment(moto, repository);
const ownStack = [HUB.accountId, ...accountsOf(factory).filter((accountId) => accountId !== BY_STACK_SET)];

await suite.check('the CDK CLI bootstraps the accounts, and deploys hub and target', async () => {
  await deployment.synthesise();
  await Promise.all(
    ownStack.map(async (accountId) => {
      await deployment.bootstrap(accountId);
      await deployment.deploy(accountId);
    }),
  );
  return [];
});
await suite.check(
  'a target is deployed as an instance of a StackSet, into an account that is not bootstrapped',
  async () => {
    await deployment.createStackSet(aws, await deployment.targetTemplate());
    await deployment.addInstance(aws, BY_STACK_SET);
    return [];
  },
);
const inventories: Inventories = await inventoriesOf(moto, python, [HUB.accountId, ...accountsOf(factory)]);
await suite.check('everything that a template describes was created', async () =>
  unfinishedStacks(inventories, repository),
);
await suite.check('every ARN that one resource says of another exists', async () =>
  danglingArns(inventories),
);
await suite.check('whatever runs with a role is trusted by it', async () => distrustfulRoles(inventories));
await suite.check('every environment variable says what there is', async () =>
  wrongVariables(inventories, factory),
);
await suite.check('every alarm looks at what something writes', async () =>
  blindAlarms(inventories, repository),
);

if (suite.failed === 0 && process.env['E2E_KEEP'] === undefined)
  rmSync(directory, { recursive: true, force: true });
else say(`See ${directory}`);
process.exit(suite.end() ? 0 : 1);
