/** What is played on what was deployed. Each has an image of its own, so that several may be played at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { startRelease, waitForRelease } from '../../../client/client.ts';
import { ReleaseRolledBack } from '../../../client/errors.ts';
import { NAMES, bucketName } from '../../../core/contract/names.ts';
import { releasedRecordSchema } from '../../../core/contract/releases.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import { EXIT } from '../../../cli/terminal/exit-codes.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { COMMIT } from '../../fixtures/releases.ts';
import { SECRET, fromGithub, githubPayload } from '../../triggers/requests.ts';
import type { Allowed } from './gate.ts';
import { type Release, type Stand, type Transaction, played, transactionOf, worldOf } from './played.ts';
import { FEATURE, FIRST_IMAGE, STALE_AFTER_DAYS } from './repository.ts';
import { answeredBy } from './approver.ts';
import { importedAndBack } from './imported.ts';
import { areCopies, nobodyElseMayCopy } from './copied.ts';
import type { Running } from './running.ts';

export interface Scenario {
  readonly name: string;
  /** The image that it releases, and when that is rebuilt by itself. */
  readonly image: string;
  readonly schedule?: unknown;
  /** Whether its AMIs are tested and scanned, and pass that. */
  readonly gated?: 'sound' | 'unsound';
  /** Whether prod copies what dev bakes. */
  readonly copied?: true;
  /** Returns what is wrong. */
  readonly play: (stand: Stand) => Promise<string[]>;
}

const DEV = '111111111111';
const PROD = '222222222222';
const isMutating = ({ operation }: Allowed): boolean => !/^(Describe|Get|List)/.test(operation);

function release(
  name: string,
  { schedule, gated, copied, ...of }: Release & Pick<Scenario, 'schedule' | 'gated' | 'copied'>,
): Scenario {
  const play = async (stand: Stand) => played(stand, of);
  return { name, image: of.image, schedule, ...(gated && { gated }), ...(copied && { copied }), play };
}

/** As a person does it in the console. */
const inConsole = async ({ running }: Stand, image: string): Promise<string> =>
  running.start(NAMES.releaseMachine, { images: [image] }, `console-${image}-${Date.now()}`);

const resultSchema = z.object({ executionArn: z.string(), outcome: z.string() });

/** `packleader release --wait`, which must end with the exit code. */
function typed(code: number, ...more: readonly string[]): Release['start'] {
  return async ({ operator }, image) => {
    const ran = await operator.types('release', image, ...more, '--key', `cli-${image}`, '--wait', '--json');
    if (ran.status !== code)
      throw new Error(`packleader release ended with ${ran.status}, not ${code}: ${ran.stdout}${ran.stderr}`);
    return resultSchema.parse(JSON.parse(ran.stdout)).executionArn;
  };
}

/** By the typed client, which must throw that the release was rolled back. */
async function byClient({ operator }: Stand, image: string): Promise<string> {
  const on = { hub: HUB, client: await operator.client() };
  const { executionArn } = await startRelease({ images: [image] }, { ...on, key: `client-${image}` });
  const thrown: unknown = await waitForRelease(executionArn, { ...on, timeoutMs: 600_000 }).catch(
    (error: unknown) => error,
  );
  if (!(thrown instanceof ReleaseRolledBack)) throw new Error(`The client came to ${String(thrown)}`);
  return executionArn;
}

// ---------------------------------------------------------------------------------------------- pushes

/** What a request of GitHub's is answered by the URL that the stack tells of. */
async function answered(
  { running }: Stand,
  { headers, body }: ReturnType<typeof fromGithub>,
): Promise<string> {
  const { statusCode, body: said } = await running.handOver.asked(running.webhookUrl, {
    method: 'POST',
    headers,
    body,
  });
  return `${statusCode} ${said}`;
}

const push = (commit: string) => fromGithub(githubPayload({ after: commit }), SECRET);

/** GitHub tells of the first commit; the webhook, the bus, the rule and the function behind it start the release. */
async function pushed(stand: Stand): Promise<string> {
  const { running, repository } = stand;
  const { firstCommit: commit } = repository;
  const answer = await answered(stand, push(commit));
  if (!answer.startsWith('202')) throw new Error(`The webhook answered ${answer}`);
  return (await running.executionWhere(NAMES.releaseMachine, ({ input }) => input['ref'] === commit)).arn;
}

async function pushedAgain(stand: Stand): Promise<string[]> {
  const { firstCommit } = stand.repository;
  const forged = fromGithub(githubPayload({ after: COMMIT }), 'somebody else’s secret');
  const [again, unsigned] = [await answered(stand, push(firstCommit)), await answered(stand, forged)];
  return [
    ...(again.startsWith('200') && again.includes('received before') ? [] : [`The same push: ${again}`]),
    ...(unsigned.startsWith('401') ? [] : [`A forged push: ${unsigned}`]),
  ];
}

/** What is scheduled when there is a newer source AMI finds none. */
async function nothingNewer({ running }: Stand): Promise<string[]> {
  const { payload } = await running.handOver.scheduled(`packleader-rebuild-${FIRST_IMAGE}`, new Date());
  return payload === '{"outcome":"source AMI is the newest"}' ? [] : [`The schedule came to ${payload}`];
}

async function dueNow({ running }: Stand, image: string): Promise<string> {
  const { payload, failed } = await running.handOver.scheduled(`packleader-rebuild-${image}`, new Date());
  if (failed) throw new Error(`The schedule failed: ${payload}`);
  return (await running.executionWhere(NAMES.releaseMachine, ({ input }) => input['image'] === image)).arn;
}

/** An event that nobody understands is tried as often as was deployed, and then kept. */
async function notFollowed({ running }: Stand): Promise<string[]> {
  const before = await running.waiting(NAMES.deadLetterQueue);
  await running.tell({ Source: NAMES.eventSource, DetailType: NAMES.gitPush, Detail: '{"branch":"main"}' });
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await running.waiting(NAMES.deadLetterQueue)) === before + 1) return [];
    await sleep(200);
  }
  return [`${NAMES.deadLetterQueue} has no message of it.`];
}

// ---------------------------------------------------------------------------------------------- sweeps

async function sweepOf({ running }: Stand, { arn }: Transaction) {
  const { arn: sweep } = await running.executionWhere(
    NAMES.sweepMachine,
    ({ input }) => input['execution'] === arn,
  );
  return { path: await running.pathOf(sweep), ...(await running.ended(sweep)) };
}

/** The rule has started a sweep, which comes to nothing for the same reason. */
async function sweepIsIncomplete(stand: Stand, ended: Transaction): Promise<string[]> {
  const { status, error, cause } = await sweepOf(stand, ended);
  return status === 'FAILED' && error === 'SweepIncomplete' ? [] : [`The sweep: ${status} ${error} ${cause}`];
}

/** Once the reason is gone, whoever operates sweeps by hand. */
async function sweptByHand(stand: Stand, { releaseId }: Transaction): Promise<string[]> {
  const ran = await stand.operator.types('sweep', releaseId);
  const said =
    ran.status === EXIT.released ? [] : [`packleader sweep: ${ran.status} ${ran.stdout}${ran.stderr}`];
  return [...said, ...(await left(stand, releaseId))];
}

async function left({ running, targets }: Stand, releaseId: string): Promise<string[]> {
  const world = await worldOf(running, targets, releaseId);
  return Object.entries(world).flatMap(([place, { parameters, ...lists }]) => [
    ...Object.keys(parameters).map((name) => `${place} still has ${name}`),
    ...Object.entries(lists).flatMap(([kind, things]) =>
      things.length === 0 ? [] : [`${place} still has ${things.length} ${kind}: ${JSON.stringify(things)}`],
    ),
  ]);
}

/** Every sweep has ended, and the one that comes every hour changes nothing: the test fires its rule, moto never does. */
export async function sweptHourly({ running, targets }: Stand): Promise<string[]> {
  for (const { arn } of await running.executionsOf(NAMES.sweepMachine)) await running.ended(arn);
  const look = async () => Promise.all(targets.map(async (target) => running.moto.snapshotOf(target)));
  const before = await look();
  await running.handOver.due(/EveryHour/);
  const { arn } = await running.executionWhere(
    NAMES.sweepMachine,
    ({ input }) => 'olderThanMinutes' in input,
  );
  const { status, error, cause } = await running.ended(arn);
  return [
    ...(status === 'SUCCEEDED' ? [] : [`The sweep: ${status} ${error} ${cause}`]),
    ...(isDeepStrictEqual(await look(), before) ? [] : ['The hourly sweep changed something.']),
  ];
}

/** Somebody stops the execution while prod bakes: no Catch runs, and the rule has everything swept. */
async function stoppedThenSwept(stand: Stand, image: string): Promise<string[]> {
  const { running, parts, targets } = stand;
  parts.set(image, ({ accountId }) => (accountId === PROD ? 'hang' : 'bake'));
  const arn = await inConsole(stand, image);
  const isBaking = async (): Promise<Transaction | undefined> => {
    const found = await transactionOf(running, arn, image);
    const world = found && (await worldOf(running, targets, found.releaseId));
    const builders = Object.entries(world ?? {}).filter(
      ([place, { instances }]) => place.startsWith(PROD) && instances.length > 0,
    );
    return builders.length === 2 ? found : undefined;
  };
  let baking = await isBaking();
  for (let attempt = 0; baking === undefined && attempt < 300; attempt++) {
    await sleep(300);
    baking = await isBaking();
  }
  if (baking === undefined) return ['Prod does not bake.'];
  await running.stop(baking.arn);
  const { status, path, error, cause } = await sweepOf(stand, baking);
  return [
    ...(status === 'SUCCEEDED' ? [] : [`The sweep: ${status} ${path.join(' > ')} ${error} ${cause}`]),
    ...(await left(stand, baking.releaseId)),
  ];
}

// ---------------------------------------------------------------------------------------------- gates

/** The cause says so. */
async function says(running: Running, arn: string, what: RegExp): Promise<string[]> {
  const { cause = '' } = await running.described(arn);
  return what.test(cause) ? [] : [`The cause says something else than ${what.source}: ${cause}`];
}

async function approvedIsTagged({ running, targets }: Stand, { releaseId }: Transaction): Promise<string[]> {
  const world = await worldOf(running, targets, releaseId);
  return Object.entries(world).flatMap(([place, { images }]) =>
    images.flatMap(({ tags }) =>
      tags[TAGS.approved]?.includes('packleader-operator') === true &&
      tags[TAGS.approved]?.includes('CHG-4711')
        ? []
        : [`${place}: ${TAGS.approved} is ${tags[TAGS.approved]}`],
    ),
  );
}

/** What the tests printed in each account is in the bucket, and the record says what the gates came to, and where the time went. */
async function testsAreKept(
  { running, repository, targets }: Stand,
  { releaseId }: Transaction,
): Promise<string[]> {
  const { record, outputs } = await running.keptOf(bucketName(repository.factory), releaseId);
  const { tested, approvals, vulnerabilities, timeline, notTimed } = releasedRecordSchema.parse(record);
  const printed = outputs.filter((output) => output.includes('test_image_is_a_debian'));
  return [
    ...(printed.length === targets.length ? [] : [`Of ${printed.length} targets what was printed is kept.`]),
    ...(timeline?.bakes.length === targets.length && timeline.states.at(-1)?.state === 'Publish release'
      ? []
      : [`The record says of its time: ${JSON.stringify({ timeline, notTimed })}`]),
    ...(tested?.['prod']?.tests === 2 ? [] : [`The record says of tests: ${JSON.stringify(tested)}`]),
    ...(approvals?.[0]?.reason === 'CHG-4711'
      ? []
      : [`The record says of approvals: ${JSON.stringify(approvals)}`]),
    ...(vulnerabilities?.scanner === 'command' && vulnerabilities.sboms.length === 1
      ? []
      : [`The record says of vulnerabilities: ${JSON.stringify(vulnerabilities)}`]),
  ];
}

/** A month later nobody has released anything. */
export async function toldOfStale({ running }: Stand): Promise<string[]> {
  const { refused } = running.handOver;
  const before = refused.length;
  await running.handOver.due(/stale-images/, new Date(Date.now() + STALE_AFTER_DAYS * 86_400_000));
  return refused.slice(before);
}

// ---------------------------------------------------------------------------------------------- all of them

/** In every region of the account, or in one. */
function failsIn(accountId: string, region?: string): NonNullable<Release['part']> {
  const isIt = (target: Target): boolean =>
    target.accountId === accountId && (region === undefined || target.region === region);
  return (target) => (isIt(target) ? 'fail' : 'bake');
}

/** The longest first. */
export const SCENARIOS: readonly Scenario[] = [
  release('an undo gives up: what is left is told, and swept once that is possible', {
    image: 'given-up',
    start: typed(EXIT.rollbackIncomplete),
    ends: 'Rollback incomplete',
    part: failsIn(PROD),
    strikes: (call) => call.accountId === DEV && call.role === NAMES.stewardRole && isMutating(call),
    faults: [
      { state: 'Bake prod AMIs', kind: 'failed' },
      { state: 'Deregister dev AMIs', kind: 'refused', accountId: DEV },
    ],
    before: sweepIsIncomplete,
    after: sweptByHand,
  }),
  release('a push is released, by webhook, event bus and rule', {
    image: FIRST_IMAGE,
    schedule: { rate: '7 days', when: 'newer-source-ami' },
    start: pushed,
    ends: 'Released',
    ref: ({ firstCommit }) => firstCommit,
    after: async (stand) => [...(await pushedAgain(stand)), ...(await nothingNewer(stand))],
  }),
  {
    name: 'a release is stopped while prod bakes: the rule has it swept',
    image: 'stopped',
    play: async (stand) => stoppedThenSwept(stand, 'stopped'),
  },
  release('dev fails: prod is never built', {
    image: 'dev-fails',
    start: typed(EXIT.rolledBack),
    ends: 'Rolled back',
    part: failsIn(DEV),
    faults: [{ state: 'Bake dev AMIs', kind: 'failed' }],
  }),
  release("prod fails in one of two regions: dev's AMI is deregistered", {
    image: 'prod-fails',
    start: byClient,
    ends: 'Rolled back',
    part: failsIn(PROD, 'eu-west-1'),
    faults: [{ state: 'Bake prod AMIs', kind: 'failed', region: 'eu-west-1' }],
  }),
  release('publishing is refused in prod: what was published is withdrawn', {
    image: 'unpublished',
    start: inConsole,
    ends: 'Rolled back',
    strikes: ({ accountId, operation }) => accountId === PROD && operation === 'PutParameter',
    faults: [{ state: 'Publish release', kind: 'refused', accountId: PROD }],
  }),
  release('what is scheduled is tested, approved by hand, scanned, and released', {
    image: 'nightly',
    schedule: { cron: '0 4 * * ? *' },
    gated: 'sound',
    answer: answeredBy('approve', 'CHG-4711'),
    start: dueNow,
    ends: 'Released',
    after: async (stand, ended) => [
      ...(await approvedIsTagged(stand, ended)),
      ...(await testsAreKept(stand, ended)),
    ],
  }),
  release('prod copies what dev bakes, under keys of its own, in both of its regions', {
    image: 'copied',
    copied: true,
    start: inConsole,
    ends: 'Released',
    after: async (stand, ended) => [
      ...(await areCopies(stand, ended)),
      ...(await nobodyElseMayCopy(stand, ended)),
    ],
  }),
  release('one copy is refused when both are let read: that is taken back, and all of it undone', {
    image: 'not-copied',
    copied: true,
    start: inConsole,
    ends: 'Rolled back',
    strikes: ({ operation, region }) => operation === 'CopyImage' && region === 'us-east-1',
    faults: [{ state: 'Copy prod AMIs', kind: 'refused', region: 'us-east-1' }],
    before: async ({ running }, { arn }) => says(running, arn, /EC2 refuses to copy ami-/),
  }),
  release("prod is rejected by hand: dev's AMI is deregistered", {
    image: 'rejected',
    answer: answeredBy('reject', 'not before the freeze ends'),
    rejects: ['prod'],
    start: inConsole,
    ends: 'Rolled back',
    before: async ({ running }, { arn }) =>
      says(running, arn, /rejected it for prod: not before the freeze ends/),
  }),
  release('a test fails on an instance in dev: nobody is asked about prod', {
    image: 'unsound',
    gated: 'unsound',
    start: inConsole,
    ends: 'Rolled back',
    faults: [{ state: 'Test dev AMIs', kind: 'failed' }],
    before: async ({ running }, { arn }) =>
      says(running, arn, /FAILED {2}test_image_serves_the_web[^]*asking port 80/),
  }),
  release('a branch is released in the first stage only, and AMIs from before are imported', {
    image: 'tried-out',
    start: typed(EXIT.released, '--branch', FEATURE),
    ends: 'Released',
    ref: () => FEATURE,
    branch: FEATURE,
    after: async (stand) => importedAndBack(stand, 'tried-out'),
  }),
  { name: 'a push that nobody understands is kept', image: FIRST_IMAGE, play: notFollowed },
];
