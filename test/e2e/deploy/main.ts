/**
 * `npm run e2e:deploy`: the real CDK CLI bootstraps and deploys the hub and its targets into moto's accounts. What CloudFormation
 * created there is read back; then it runs: the state machines on moto's interpreter, the deployed zips as Lambda would run them, the
 * deployed buildspecs with real Packer, and every call is judged by the deployed policies. Ends with `N passed, N failed`.
 *
 *     npm run e2e:deploy -- 'dev fails'     only the releases whose name contains that
 *
 * `E2E_KEEP=1` keeps in .cache/e2e what the run leaves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { accountsOf } from '../../../core/configuration/factory.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { STAGES } from '../factory.ts';
import { install } from '../installation.ts';
import { removeStaleMachines } from '../machines.ts';
import { Moto } from '../moto.ts';
import { ADDITIONS } from './accounts.ts';
import { Gate } from './gate.ts';
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
import { Running } from './running.ts';
import { SCENARIOS, played } from './scenarios.ts';
import { Suite, say } from './suite.ts';

/** The account whose target is an instance of a StackSet; the other has a stack of its own. */
const BY_STACK_SET = '222222222222';
/** No other suite's machines have these addresses. */
const NETWORK = 200;

const installation = await install(say);
const { cache, bin, root } = installation;
removeStaleMachines();
const directory = mkdtempSync(join(cache, 'deploy-'));
const aws = join(bin, 'aws');
const python = join(bin, 'python');
const suite = new Suite();

const gate = await Gate.start();
process.env['E2E_GATE'] = gate.endpoint;
const moto = await Moto.start({
  python,
  directory,
  hub: HUB,
  accounts: ['111111111111', '222222222222'],
  roles: [],
  additions: ADDITIONS,
});
const targets = Object.values(STAGES).flat();
const networks = await Promise.all(
  targets.map(
    async (target, index) => [targetName(target), await moto.addNetwork(target, NETWORK + index)] as const,
  ),
);
const repository = join(directory, 'repository');
const { factory } = makeRepository(repository, STAGES, new Map(networks));
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

const running = await Running.start({
  moto,
  gate,
  inventories,
  installation,
  made: { repository },
  directory,
});
const stand = { running, repository, targets, root, directory };
const [only = ''] = process.argv.slice(2);
for (const scenario of SCENARIOS.filter(({ name }) => name.includes(only)))
  await suite.check(scenario.name, async () => played(stand, scenario));

if (suite.failed === 0 && process.env['E2E_KEEP'] === undefined)
  rmSync(directory, { recursive: true, force: true });
else say(`See ${directory}`);
process.exit(suite.end() ? 0 : 1);
