/**
 * `npm run e2e:deploy`: the real CDK CLI bootstraps and deploys the hub and its targets into moto's accounts. What CloudFormation
 * created there is read back; then it runs: the state machines on moto's interpreter, the deployed zips as Lambda would run them, the
 * deployed buildspecs with real Packer, and every call is judged by the deployed policies. Ends with `N passed, N failed`.
 *
 *     npm run e2e:deploy -- 'dev fails'     only the scenarios whose name contains that
 *
 * `E2E_KEEP=1` keeps in .cache/e2e what the run leaves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { accountsOf } from '../../../core/configuration/factory.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import pMap from 'p-map';
import { DEV, HUB } from '../../fixtures/accounts.ts';
import { SECRET } from '../../triggers/requests.ts';
import { LOGIN, STAGES } from '../factory.ts';
import { install } from '../installation.ts';
import { removeStaleMachines } from '../machines.ts';
import { Moto } from '../moto.ts';
import { answerBakes } from '../release.ts';
import { ADDITIONS, administratorOf, typed } from './accounts.ts';
import { detours } from './detours.ts';
import { Gate } from './gate.ts';
import { Deployment } from './deployment.ts';
import { Operator, makeOperator } from './operator.ts';
import { unusedPermissions } from './permissions.ts';
import type { Stand } from './played.ts';
import {
  blindAlarms,
  danglingArns,
  distrustfulRoles,
  inventoriesOf,
  unfinishedStacks,
  wrongVariables,
} from './read-back.ts';
import { FIRST_IMAGE, WEBHOOK_SECRET, makeRepository } from './repository.ts';
import { Running } from './running.ts';
import { SCENARIOS, sweptHourly } from './scenarios.ts';
import { Suite, say } from './suite.ts';

/** The account whose target is an instance of a StackSet; the other has a stack of its own. */
const BY_STACK_SET = '222222222222';
/** Scenarios wait more than they compute. */
const AT_ONCE = 4;
/** No other suite's machines have these addresses. */
const NETWORK = 200;

const [only = ''] = process.argv.slice(2);

const installation = await install(say);
const { cache, bin, root } = installation;
removeStaleMachines();
const directory = mkdtempSync(join(cache, 'deploy-'));
const aws = join(bin, 'aws');
const python = join(bin, 'python');
const suite = new Suite();

/** A key of an account's own, whose policy leaves it to IAM who may use it. */
async function volumeKey(target: Target): Promise<string> {
  const kms = new KMSClient(await moto.observer(target));
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'Encrypts volumes.' }));
  return KeyMetadata?.Arn ?? '';
}

const gate = await Gate.start();
process.env['E2E_GATE'] = gate.endpoint;
const moto = await Moto.start({
  python,
  directory,
  hub: HUB,
  accounts: ['111111111111', BY_STACK_SET],
  roles: [],
  additions: ADDITIONS,
});
const targets = Object.values(STAGES).flat();
const networks = await Promise.all(
  targets.map(
    async (target, index) => [targetName(target), await moto.addNetwork(target, NETWORK + index)] as const,
  ),
);
const images = new Set(SCENARIOS.map(({ image }) => image));
images.delete(FIRST_IMAGE);
const schedules = SCENARIOS.flatMap(({ image, schedule }) =>
  schedule === undefined ? [] : [[image, schedule]],
);
const team = makeRepository(
  join(directory, 'repository'),
  STAGES,
  new Map(networks),
  [...images],
  Object.fromEntries(schedules),
  { stage: 'dev', arn: await volumeKey(DEV) },
);
const { repository, factory } = team;
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
await suite.check('whoever releases, and the secret of the webhook, are made as documented', async () => {
  const env = await administratorOf(moto, HUB.accountId);
  const secret = ['--name', WEBHOOK_SECRET, '--secret-string', SECRET];
  await Promise.all([
    makeOperator(moto, aws),
    typed(aws, ['secretsmanager', 'create-secret', ...secret], { env }),
  ]);
  return [];
});

const inventories = await inventoriesOf(moto, python, [HUB.accountId, ...accountsOf(factory)]);
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

const running = await Running.start({ moto, gate, inventories, installation, made: team, directory });
const parts: Stand['parts'] = new Map();
const partOf = (target: Target, image: string) => parts.get(image)?.(target) ?? 'bake';
answerBakes(running, { root, directory, login: LOGIN }, partOf);
const operator = new Operator(gate, repository);
const stand: Stand = { running, repository: team, operator, targets, parts };
const chosen = SCENARIOS.filter(({ name }) => name.includes(only));
await pMap(chosen, async ({ name, play }) => suite.check(name, async () => play(stand)), {
  concurrency: AT_ONCE,
});
await suite.check('what comes every hour sweeps nothing more', async () => sweptHourly(stand));
if (only === '')
  await suite.check('every permission was needed, or has a reason', async () =>
    unusedPermissions(inventories, running.judge.used),
  );
await suite.check('nobody was refused what was meant to be', async () => [
  ...new Set([...running.judge.refused, ...running.handOver.refused]),
]);

say('What moto does not do, and what was done instead:');
for (const detour of detours(directory)) say(`        ${detour}`);
if (suite.failed === 0 && process.env['E2E_KEEP'] === undefined)
  rmSync(directory, { recursive: true, force: true });
else say(`See ${directory}`);
process.exit(suite.end() ? 0 : 1);
