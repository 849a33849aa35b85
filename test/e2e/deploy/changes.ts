/** What becomes of a deployment: accounts come and go, and in the end all of it is removed, by the steps of docs/deploying.md. */
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { DEV, HUB } from '../../fixtures/accounts.ts';
import type { Stages } from '../factory-files.ts';
import { STAGES, git } from '../factory.ts';
import type { Network } from '../moto.ts';
import type { Deployment } from './deployment.ts';
import { leftIn, leftInHub } from './left-behind.ts';
import { type Stand, played, transactionOf } from './played.ts';
import { unfinishedStacks } from './read-back.ts';
import { setTargets } from './repository.ts';
import { type StandOptions, readBack, runDeployed } from './stand.ts';
import type { Suite } from './suite.ts';

/** The account that comes, and goes again. */
export const NEW: Target = { accountId: '333333333333', region: 'eu-west-1' };

export interface Changed {
  readonly suite: Suite;
  readonly deployment: Deployment;
  readonly aws: string;
  /** The deployment that is changed. */
  readonly stand: Stand;
  readonly options: StandOptions;
  /** By target, with that of {@link NEW}. */
  readonly networks: ReadonlyMap<string, Network>;
  /** The account whose target is an instance of the StackSet. */
  readonly byStackSet: string;
}

const LARGER: Stages = { ...STAGES, prod: [...(STAGES['prod'] ?? []), NEW] };
/** Of an image that was released before. */
const IMAGE = 'nightly';

export async function changes(changed: Changed): Promise<void> {
  const { suite } = changed;
  await suite.check(
    'an account is added: too early nothing is baked, and then every release goes there',
    async () => added(changed),
  );
  await suite.check('an account is removed: no release goes there, and what was released stays', async () =>
    removed(changed),
  );
  await suite.check('everything is removed, but for what the documentation says', async () => gone(changed));
}

async function added(changed: Changed): Promise<string[]> {
  const { deployment, options, stand, networks } = changed;
  const { repository } = options.repository;
  setTargets(repository, LARGER, 'prod', networks);
  const early = await refused(stand, 'HEAD');
  await deployment.synthesise();
  await deployment.bootstrap(NEW.accountId);
  await deployment.deploy(NEW.accountId);
  await deployment.deploy(HUB.accountId);
  const larger = { ...options, ...placed(options, 'larger', LARGER) };
  const inventories = await readBack(larger);
  const now = await runDeployed(larger, inventories);
  return [...early, ...unfinishedStacks(inventories, repository), ...(await released(now))];
}

async function removed(changed: Changed): Promise<string[]> {
  const { deployment, options, aws, networks } = changed;
  const { repository } = options.repository;
  setTargets(repository, STAGES, 'prod', networks);
  await deployment.synthesise();
  await deployment.deploy(HUB.accountId);
  const smaller = { ...options, ...placed(options, 'smaller', STAGES) };
  const now = await runDeployed(smaller, await readBack(smaller));
  const old = await refused(now, 'HEAD~1');
  const before = await options.moto.snapshotOf(NEW);
  await deployment.remove(aws, NEW.accountId);
  const after = await options.moto.snapshotOf(NEW);
  return [
    ...old,
    ...(await released(now)),
    ...(await leftIn(options, NEW)),
    ...(JSON.stringify(after) === JSON.stringify(before) && after.images.length > 0
      ? []
      : ['Removing the account has changed what was released there.']),
  ];
}

async function gone({ deployment, options, aws, byStackSet }: Changed): Promise<string[]> {
  await deployment.remove(aws, DEV.accountId);
  await deployment.removeInstance(aws, byStackSet);
  await deployment.remove(aws, HUB.accountId);
  const targets = Object.values(STAGES).flat();
  return [
    ...(await Promise.all(targets.map(async (target) => leftIn(options, target)))).flat(),
    ...(await leftInHub(options)),
  ];
}

function placed(
  options: StandOptions,
  name: string,
  stages: Stages,
): Pick<StandOptions, 'directory' | 'accounts' | 'targets'> {
  const targets = Object.values(stages).flat();
  return {
    directory: `${options.directory}-${name}`,
    accounts: [HUB.accountId, ...new Set(targets.map(({ accountId }) => accountId))],
    targets,
  };
}

/** With what somebody deployed before: that a release of today differs is no fault of it. */
export async function releasedBefore({ running }: Stand): Promise<string[]> {
  const arn = await running.start(NAMES.releaseMachine, { images: [IMAGE] }, 'before-the-upgrade');
  const { status, error, cause } = await running.ended(arn);
  return status === 'SUCCEEDED' ? [] : [`The release before the upgrade: ${status} ${error}: ${cause}`];
}

const released = async (stand: Stand): Promise<string[]> =>
  played(stand, {
    image: IMAGE,
    ends: 'Released',
    start: async ({ running }, image) =>
      running.start(NAMES.releaseMachine, { images: [image] }, `changed-${Date.now()}`),
  });

/** A release of a commit with an account where no role of the hub may act: it stops before anything is baked. */
async function refused({ running, repository }: Stand, ref: string): Promise<string[]> {
  const commit = git(repository.repository, 'rev-parse', ref).trim();
  const arn = await running.start(
    NAMES.releaseMachine,
    { images: [IMAGE], ref: commit },
    `refused-${Date.now()}`,
  );
  await running.ended(arn);
  const transaction = await transactionOf(running, arn, IMAGE);
  if (transaction === undefined) return [`The release of ${ref} did not get to its transaction.`];
  const { cause = '' } = await running.described(transaction.arn);
  const path = await running.pathOf(transaction.arn);
  const others = running.judge.refused.filter(
    (line) => !line.includes(roleArn(NEW.accountId, NAMES.stewardRole)),
  );
  return [
    ...others,
    ...(cause.includes('AccessDenied') ? [] : [`The release of ${ref} ended for another reason: ${cause}`]),
    ...path
      .filter((state) => state.startsWith('Bake'))
      .map((state) => `The release of ${ref} came to ${state}.`),
  ];
}
