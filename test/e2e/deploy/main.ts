/**
 * `npm run e2e:deploy`: the real CDK CLI bootstraps and deploys the hub and its targets into moto's accounts, as the last commit did before
 * what is deployed changed; the installed package upgrades that. What CloudFormation created there is read back; then it runs: the state
 * machines on moto's interpreter, the deployed zips as Lambda would run them, the deployed buildspecs with real Packer, and every call is
 * judged by the deployed policies. In the end an account comes, one goes, and all of it is removed. Ends with `N passed, N failed`.
 *
 *     npm run e2e:deploy -- 'dev fails'     only the scenarios whose name contains that, and no account comes or goes
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
import { STAGES } from '../factory.ts';
import { install } from '../installation.ts';
import { removeStaleMachines } from '../machines.ts';
import { Moto } from '../moto.ts';
import { ADDITIONS, ROOT, administratorOf, typed } from './accounts.ts';
import { NEW, changes, releasedBefore } from './changes.ts';
import { policyOfCopiedKey } from './copied.ts';
import { detours } from './detours.ts';
import { Gate } from './gate.ts';
import { Deployment, checkout, installed } from './deployment.ts';
import { earlierPackleader } from './earlier.ts';
import { NEW_ACCOUNTS, deployNew } from './new-factory.ts';
import { makeOperator } from './operator.ts';
import { unusedPermissions } from './permissions.ts';
import type { Stand } from './played.ts';
import {
  blindAlarms,
  danglingArns,
  distrustfulRoles,
  needlessReasons,
  unfinishedStacks,
  wrongVariables,
} from './read-back.ts';
import {
  COMMIT_STATUS,
  FIRST_IMAGE,
  STATUS_TOKEN,
  WEBHOOK_SECRET,
  makeRepository,
  writeRepository,
} from './repository.ts';
import { ProviderServer } from '../../telling/provider-server.ts';
import { SCENARIOS, sweptHourly, toldOfStale } from './scenarios.ts';
import { notShown } from './shown.ts';
import { type StandOptions, readBack, runDeployed } from './stand.ts';
import { installPacked, pack } from './packed.ts';
import { Suite, say } from './suite.ts';
import { subscribe } from './told.ts';

/** The account whose target is an instance of a StackSet; the other has a stack of its own. */
const BY_STACK_SET = '222222222222';
/** Scenarios wait more than they compute. */
const AT_ONCE = 4;
/** No other suite's machines have these addresses. */
const NETWORK = 200;

const [only = ''] = process.argv.slice(2);

const installation = await install(say);
const { cache, bin } = installation;
removeStaleMachines();
const directory = mkdtempSync(join(cache, 'deploy-'));
const aws = join(bin, 'aws');
const python = join(bin, 'python');
const suite = new Suite();

/** A key of an account's own, whose policy leaves it to IAM there who may use it, and admits whoever copies. */
async function volumeKey(target: Target): Promise<string> {
  const kms = new KMSClient(await moto.observer(target));
  const Policy = policyOfCopiedKey(target.accountId);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'Encrypts volumes.', Policy }));
  return KeyMetadata?.Arn ?? '';
}

const gate = await Gate.start();
process.env['E2E_GATE'] = gate.endpoint;
const provider = new ProviderServer();
const moto = await Moto.start({
  python,
  directory,
  hub: HUB,
  accounts: ['111111111111', BY_STACK_SET, NEW.accountId, ...Object.values(NEW_ACCOUNTS)],
  roles: [],
  additions: ADDITIONS,
});
const targets = Object.values(STAGES).flat();
const networks = await Promise.all(
  [...targets, NEW].map(
    async (target, index) => [targetName(target), await moto.addNetwork(target, NETWORK + index)] as const,
  ),
);
const images = new Set(SCENARIOS.map(({ image }) => image));
images.delete(FIRST_IMAGE);
const common = {
  networks: new Map(networks),
  copies: [...images],
  schedules: Object.fromEntries(
    SCENARIOS.flatMap(({ image, schedule }) => (schedule === undefined ? [] : [[image, schedule]])),
  ),
  gated: Object.fromEntries(
    SCENARIOS.flatMap(({ image, gated }) => (gated === undefined ? [] : [[image, gated]])),
  ),
  copied: SCENARIOS.flatMap(({ image, copied }) => (copied ? [image] : [])),
  stages: STAGES,
  volumeKey: { stage: 'dev', arn: await volumeKey(DEV) },
};
const team = makeRepository(join(directory, 'repository'), common);
const { factory } = team;
const ownStack = [HUB.accountId, ...accountsOf(factory).filter((accountId) => accountId !== BY_STACK_SET)];
const options: StandOptions = {
  moto,
  gate,
  provider: await provider.listen(),
  installation,
  directory: join(directory, 'now'),
  accounts: [HUB.accountId, ...accountsOf(factory)],
  repository: team,
  targets,
};

// Beside what is deployed first.
const packed = pack(join(directory, 'package'));
const earlier = earlierPackleader(join(directory, 'earlier'));
const from = earlier?.checkout ?? ROOT;
const old = join(directory, 'repository-before');
writeRepository(old, { ...common, program: from });
const before = new Deployment(moto, old, checkout(from));
await suite.check('the CDK CLI bootstraps the accounts, and deploys hub and target', async () => {
  await before.synthesise();
  await Promise.all(
    ownStack.map(async (accountId) => {
      await before.bootstrap(accountId);
      await before.deploy(accountId);
    }),
  );
  return [];
});
await suite.check(
  'a target is deployed as an instance of a StackSet, into an account that is not bootstrapped',
  async () => {
    await before.createStackSet(aws, await before.targetTemplate());
    await before.addInstance(aws, BY_STACK_SET);
    return [];
  },
);
await suite.check('whoever releases, and the secrets, are made as documented', async () => {
  const env = await administratorOf(moto, HUB.accountId);
  const secret = async (name: string, value: string) =>
    typed(aws, ['secretsmanager', 'create-secret', '--name', name, '--secret-string', value], { env });
  await Promise.all([
    makeOperator(moto, aws),
    secret(WEBHOOK_SECRET, SECRET),
    secret(COMMIT_STATUS.tokenSecret, STATUS_TOKEN),
  ]);
  return [];
});

const deployment = new Deployment(
  moto,
  team.repository,
  installed(await installPacked(await packed, team.repository)),
);
let first: Stand | undefined;
await suite.check(
  earlier
    ? `what ${earlier.commit} deployed releases, and is upgraded: the targets, and the hub last`
    : 'what was deployed releases, and is deployed again (no earlier commit is known here): the targets, and the hub last',
  async () => {
    const was = {
      ...options,
      directory: join(directory, 'before'),
      repository: { ...team, repository: old },
    };
    first = await runDeployed(was, await readBack(was));
    const problems = await releasedBefore(first);
    await deployment.synthesise();
    for (const accountId of ownStack.toReversed())
      if (accountId !== HUB.accountId) await deployment.deploy(accountId);
    await deployment.updateStackSet(aws, await deployment.targetTemplate());
    await deployment.deploy(HUB.accountId);
    return problems;
  },
);

await suite.check(
  'a factory that the installed package makes is deployed by it into accounts of its own',
  async () => deployNew({ moto, python, tarball: await packed, directory: join(directory, 'new') }),
);

const inventories = await readBack(options);
const { repository } = team;
await suite.check('everything that a template describes was created', async () =>
  unfinishedStacks(inventories, repository),
);
await suite.check('every ARN that one resource says of another exists', async () => [
  ...danglingArns(inventories),
  ...needlessReasons(inventories),
]);
await suite.check('whatever runs with a role is trusted by it', async () => distrustfulRoles(inventories));
await suite.check('every environment variable says what there is', async () =>
  wrongVariables(inventories, factory),
);
await suite.check('every alarm looks at what something writes', async () =>
  blindAlarms(inventories, repository),
);

const stand = await runDeployed(options, inventories, first);
const { running } = stand;
const untold = await subscribe(moto);
const chosen = SCENARIOS.filter(({ name }) => name.includes(only));
await pMap(chosen, async ({ name, play }) => suite.check(name, async () => play(stand)), {
  concurrency: AT_ONCE,
});
await suite.check('what comes every hour sweeps nothing more', async () => sweptHourly(stand));
await suite.check('an image that nobody has released for a month is told of', async () => toldOfStale(stand));
if (only === '') {
  await suite.check('people are told of all that', untold);
  await suite.check('the commits show all that', async () => notShown(provider, team));
}
await suite.check('nobody was refused what was meant to be', async () => [
  ...new Set([...running.judge.refused, ...running.handOver.refused]),
]);
if (only === '') {
  await suite.check('every permission was needed, or has a reason', async () =>
    unusedPermissions(inventories, running.judge.used),
  );
  await changes({
    suite,
    deployment,
    aws,
    stand,
    options,
    networks: common.networks,
    byStackSet: BY_STACK_SET,
  });
}
say('What moto does not do, and what was done instead:');
for (const detour of detours(directory)) say(`        ${detour}`);
if (suite.failed === 0 && process.env['E2E_KEEP'] === undefined)
  rmSync(directory, { recursive: true, force: true });
else say(`See ${directory}`);
process.exit(suite.end() ? 0 : 1);
