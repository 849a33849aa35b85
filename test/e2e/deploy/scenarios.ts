/** Releases of what was deployed: each returns what is wrong with how it went, or with what it left, by what a rehearsal of it says. */
import { NAMES } from '../../../core/contract/names.ts';
import { plannedReleaseSchema } from '../../../core/contract/releases.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import type { WorldSnapshot } from '../../../sandbox/aws/world.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { differences, normalised } from '../compare.ts';
import { LOGIN } from '../factory.ts';
import type { Part } from '../machines.ts';
import { answerBakes } from '../release.ts';
import { rehearseAlone } from '../rehearsal.ts';
import type { Running } from './running.ts';

export interface Stand {
  readonly running: Running;
  readonly repository: string;
  readonly targets: readonly Target[];
  /** A minimal Debian, for the machines. */
  readonly root: string;
  readonly directory: string;
}

export interface Scenario {
  readonly name: string;
  readonly request: unknown;
  /** How `packleader-release-image` ends: its last state. */
  readonly ends: string;
  readonly part?: (target: Target) => Part;
  /** What is refused besides, of the calls that the policies allow. */
  readonly refuse?: (call: { readonly accountId: string; readonly operation: string }) => boolean;
  /** The same, for the rehearsal. */
  readonly faults?: readonly Fault[];
}

const DEV = '111111111111';
const PROD = '222222222222';

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a release reaches every account',
    request: { images: ['linux-base'] },
    ends: 'Released',
  },
  {
    name: 'dev fails: prod is never built',
    request: { images: ['linux-base'] },
    ends: 'Rolled back',
    part: ({ accountId }) => (accountId === DEV ? 'fail' : 'bake'),
    faults: [{ state: 'Bake dev AMIs', kind: 'failed' }],
  },
  {
    name: "prod fails in one of two regions: dev's AMI is deregistered",
    request: { images: ['linux-base'] },
    ends: 'Rolled back',
    part: ({ accountId, region }) => (accountId === PROD && region === 'eu-west-1' ? 'fail' : 'bake'),
    faults: [{ state: 'Bake prod AMIs', kind: 'failed', region: 'eu-west-1' }],
  },
  {
    name: 'publishing is refused in prod: what was published is withdrawn',
    request: { images: ['linux-base'] },
    ends: 'Rolled back',
    refuse: ({ accountId, operation }) => accountId === PROD && operation === 'PutParameter',
    faults: [{ state: 'Publish release', kind: 'refused', accountId: PROD }],
  },
];

/** How a release went: the path of its transaction, and what it left. */
export async function played(stand: Stand, scenario: Scenario): Promise<string[]> {
  const { running, repository } = stand;
  const { request, ends, part = () => 'bake', refuse, faults = [] } = scenario;
  answerBakes(running, { root: stand.root, directory: stand.directory, login: LOGIN }, part);
  running.gate.refuse = refuse;
  const refusedBefore = running.judge.refused.length;
  const name = `e2e-${Date.now()}`;
  const arn = await running.start(NAMES.releaseMachine, request, name);
  const { startDate, error, cause } = await running.ended(arn);
  running.gate.refuse = undefined;
  const transaction = await transactionOf(running, name);
  if (transaction === undefined)
    return [
      `The release did not get to its transaction: ${error}: ${cause}`,
      ...running.judge.refused.slice(refusedBefore),
    ];
  const path = await running.pathOf(transaction.arn);
  const startAt = startDate ?? new Date();
  const rehearsed = rehearseAlone({ repository, request, faults, startAt: startAt.toISOString() });
  const rename = (text: string) => text.replaceAll(name, `rehearsal-${startAt.getTime()}`);
  const world = Object.fromEntries(
    await Promise.all(
      stand.targets.map(async (target) => [
        targetName(target),
        ofRelease(await running.moto.snapshotOf(target), transaction.releaseId, rename),
      ]),
    ),
  );
  const expected = rehearsed.releases[0];
  return [
    ...(path.at(-1) === ends ? [] : [`It ended as ${path.at(-1)}, expected ${ends}: ${error}: ${cause}`]),
    ...differences(expected?.releaseId, transaction.releaseId, 'release'),
    ...differences(expected?.path.join(' > '), path.join(' > '), 'path'),
    ...differences(normalised({ releases: [], world: rehearsed.world }), normalised({ releases: [], world })),
    ...running.judge.refused.slice(refusedBefore),
  ];
}

interface Transaction {
  readonly arn: string;
  readonly releaseId: string;
}

/** The first release that an execution of `packleader-release` ran. */
async function transactionOf(running: Running, name: string): Promise<Transaction | undefined> {
  for (const arn of await running.executionsOf(NAMES.releaseImageMachine)) {
    const { input = '{}' } = await running.described(arn);
    if (!input.includes(`:${name}"`) && !arn.includes(name)) continue;
    return { arn, releaseId: plannedReleaseSchema.parse(JSON.parse(input)).release.releaseId };
  }
  return undefined;
}

/** What is in a target of one release; of what has no tag of a release, everything, for nothing of that kind may stay. */
function ofRelease(world: WorldSnapshot, releaseId: string, rename: (text: string) => string): WorldSnapshot {
  const isOwn = ({ tags }: { readonly tags: Readonly<Record<string, string>> }) =>
    tags['packleader:release'] === releaseId;
  const images = world.images.filter(isOwn);
  const ids = new Set(images.map(({ imageId }) => imageId));
  const own = {
    ...world,
    images,
    snapshots: world.snapshots.filter(isOwn),
    parameters: Object.fromEntries(Object.entries(world.parameters).filter(([, value]) => ids.has(value))),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The same, with another name in it.
  return JSON.parse(rename(JSON.stringify(own))) as WorldSnapshot;
}
