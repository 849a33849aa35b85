/** A fixed set of rehearsals, and every AWS call that was made in them: by whom, from which state, asking IAM for what. */
import { followRelease, retryRelease } from '../../../client/client.ts';
import { currentState } from '../../../sandbox/engine/call-site.ts';
import { awsError } from '../../../sandbox/aws/errors.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import { addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { HUB_ROLES } from '../../../sandbox/aws/hub-roles.ts';
import type { Call, Sandbox } from '../../../sandbox/sandbox.ts';
import { BAKE_ENVIRONMENT } from '../../../core/contract/environments.ts';
import type { Consumers } from '../../../core/contract/permissions.ts';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import { plannedReleaseSchema } from '../../../core/contract/releases.ts';
import { releasedBefore } from '../../fixtures/sandbox/released-before.ts';
import { AL2023, type MadeUpFactory } from '../../fixtures/factories.ts';
import { HUB, targetsIn } from '../../fixtures/accounts.ts';
import { retryingOn } from '../../../cli/commands/rehearse/retry.ts';
import { rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';
import { RELEASE_MACHINE } from '../../fixtures/sandbox/hub.ts';
import { releaseAgain, repoint } from '../../fixtures/sandbox/repointing.ts';
import { binRule } from '../../fixtures/sandbox/bin-rules.ts';
import { DAY_MS, addVersion, amiOf, oneDay, retire } from '../../fixtures/sandbox/retiring.ts';
import { retentionSchema } from '../../../core/configuration/retention.ts';
import type { OperatedHub } from '../../fixtures/sandbox/hub.ts';
import { type StopPoint, stoppedRelease, sweep, withHub } from '../../fixtures/sandbox/sweeping.ts';
import type { Request } from './evaluate.ts';
import { requestsOf, thingsIn } from './requests.ts';

/** One account with two regions, and a second stage: what concerns one target only must show as such. */
export const STAGES = {
  dev: [...targetsIn(0, 1), ...targetsIn(0, 1, 'eu-central-1')],
  prod: targetsIn(1, 1),
};

/** Whatever needs a permission that nobody else's roles have. */
export const SETTINGS = 'deprecateAfterDays: 90';

/** Who started a release is looked for. */
export const APPROVALS = { prod: { timeoutHours: 24, fourEyes: true, notify: {} } };

export interface Recorded {
  readonly accountId: string;
  /** In the hub the name of the function or the state machine that calls; elsewhere the name of the role. */
  readonly by: string;
  readonly state: string;
  readonly request: Request;
}

interface Scenario {
  readonly faults?: readonly Fault[];
  readonly images?: MadeUpFactory['images'];
  readonly prepare?: (sandbox: Sandbox) => void;
  readonly branch?: string;
  readonly spot?: true;
  /** For how many hours dev keeps the builder of a bake that failed. */
  readonly keep?: number;
  /** Who may launch them besides. */
  readonly consumers?: Consumers;
  /** AMIs are booted, and tested. */
  readonly tests?: true;
  /** By stage that copies, its layer. */
  readonly copies?: Readonly<Record<string, string>>;
  /** What they hold is scanned. */
  readonly vulnerabilities?: string;
  /** What is said of prod, which somebody must approve. */
  readonly asks?: 'approve' | 'reject';
  /** A release that fails waits, and is retried in time. */
  readonly waits?: true;
  /** Of config/default.yaml, besides those of all. */
  readonly settings?: string;
}

const PUBLISH_FAILS: Fault = { state: 'Publish release', kind: 'refused', accountId: '100001000001' };
const PROD_FAILS: Fault = { state: 'Bake prod AMIs', kind: 'failed' };

/** Success, each failure, each undo that is refused, a build that hangs: whatever makes the tasks call something else. */
const SCENARIOS: readonly Scenario[] = [
  {},
  { branch: 'feature/odd-name' },
  {
    images: {
      base: "filter: { name: 'al2023-ami-2023.*-kernel-6.1-x86_64' }\n  owners: [amazon]",
      web: 'image: base',
    },
  },
  ...[
    'Resolve source AMIs',
    'Bake dev AMIs',
    'Check dev AMIs',
    'Bake prod AMIs',
    'Check prod AMIs',
    'Compare AMIs',
    'Apply version tags',
    'Publish release',
    'Announce release',
  ].flatMap((state) =>
    (['refused', 'lost', 'timeout'] as const).map((kind) => ({ faults: [{ state, kind } as const] })),
  ),
  { faults: [PROD_FAILS] },
  { spot: true },
  { keep: 4, faults: [{ state: 'Bake dev AMIs', kind: 'failed' }] },
  // Its subnet is found by a tag that none has.
  { tests: true, settings: `accounts: { '100001000001': { network: { subnetTags: { Tier: build } } } }` },
  ...(['failed', 'silent', 'lost', 'refused'] as const).map((kind) => ({
    tests: true as const,
    faults: [{ state: 'Test prod AMIs', kind }],
  })),
  ...(['Copy prod AMIs', 'Publish release', 'Check prod AMIs'] as const).map((state) => ({
    copies: { prod: 'strategy: copy' },
    faults: [{ state, kind: 'refused' } as const],
  })),
  { copies: { prod: 'strategy: copy' } },
  { copies: { prod: 'strategy: copy' }, prepare: closeKeysBeforeCopies },
  { copies: { prod: 'strategy: copy' }, waits: true, prepare: closeKeysBeforeCopies },
  { asks: 'approve', prepare: (sandbox) => void releasedBefore(sandbox, 'base') },
  { asks: 'reject' },
  { vulnerabilities: '{}' },
  ...(['failed', 'lost', 'refused'] as const).map((kind) => ({
    vulnerabilities: '{}',
    faults: [{ state: 'Scan AMIs', kind }],
  })),
  { waits: true, faults: [PROD_FAILS] },
  { consumers: { accounts: ['333333333333'] } },
  { consumers: { accounts: ['333333333333'] }, faults: [PUBLISH_FAILS] },
  { spot: true, prepare: dieBeforeTheFleet },
  ...['Withdraw publication', 'Deregister prod AMIs', 'Deregister dev AMIs', 'Announce rollback'].map(
    (state) => ({ faults: [PUBLISH_FAILS, { state, kind: 'refused' } as const] }),
  ),
  { faults: [PUBLISH_FAILS], prepare: (sandbox) => void releasedBefore(sandbox, 'base') },
  { prepare: setByHand },
  { faults: [PUBLISH_FAILS], prepare: useTheCandidate },
];

/** The keys of what is copied admit nobody else any more: the copy fails when its source is shared already. */
function closeKeysBeforeCopies(sandbox: Sandbox): void {
  sandbox.intercept(async (call, next) => {
    if (call.operation === 'CopyImage')
      for (const { snapshots } of sandbox.world.regions.values())
        for (const { kmsKeyId } of snapshots.values())
          if (kmsKeyId !== undefined) sandbox.world.closedKeys.add(kmsKeyId);
    return next();
  });
}

/** Packer is not let delete its launch template at first, and in dev is killed before: the build removes it, and the rollback. */
function dieBeforeTheFleet(sandbox: Sandbox): void {
  sandbox.intercept(async (call, next) => {
    const { LaunchTemplateName: name } = call.input;
    if (call.operation !== 'DeleteLaunchTemplate' || typeof name !== 'string') return next();
    throw awsError('ec2', 'RequestLimitExceeded', 'Request limit exceeded.');
  });
  sandbox.builds.minutes = ({ [BAKE_ENVIRONMENT.region]: region }) =>
    region === 'eu-central-1' ? 48 * 60 : undefined;
}

/** `latest` points at an AMI that is no release, and flips in dev but not in prod: going back needs the parameter's history. */
function setByHand(sandbox: Sandbox): void {
  const { world } = sandbox;
  for (const target of Object.values(STAGES).flat()) {
    const [imageId = ''] = world.region(target.accountId, target.region).images.keys();
    addParameter(world, target, '/packleader/base/latest', imageId);
  }
  const [prod] = STAGES.prod;
  sandbox.intercept(async (call, next) => {
    if (call.operation !== 'PutParameter' || call.accountId !== prod?.accountId) return next();
    if (call.input['Name'] !== '/packleader/base/latest') return next();
    throw awsError('ssm', 'AccessDeniedException', 'Not authorized to perform ssm:PutParameter.');
  });
}

/** Somebody points a parameter of theirs at a candidate, which is quarantined for it. */
function useTheCandidate(sandbox: Sandbox): void {
  sandbox.intercept(async (call, next) => {
    const target = { accountId: call.accountId, region: call.region };
    if (call.operation === 'DescribeImageReferences') {
      const place = sandbox.world.region(target.accountId, target.region);
      const candidate = [...place.images.values()].find(({ tags }) => tags.has('packleader:release'));
      if (candidate) addParameter(sandbox.world, target, '/somebody/elses', candidate.imageId);
    }
    return next();
  });
}

/** Where a release is stopped before it is swept, and then retried: while a batch bakes, and in Tasks that can be redriven. */
const SWEEPS: readonly StopPoint[] = [
  (call) => call.operation === 'RunInstances' && call.role === NAMES.bakeRole,
  (_, state) => state === 'Check dev AMIs',
  (_, state) => state === 'Apply version tags',
  (call, state) =>
    state === 'Publish release' && String(call.input['Name']).endsWith('latest') && call.mutating,
];

/** A network interface that EC2 did not delete with its instance. */
function leaveInterface({ world }: Sandbox, releaseId: string): void {
  const [target] = STAGES.dev;
  const place = world.region(target?.accountId ?? '', target?.region ?? '');
  const networkInterfaceId = world.id(place, 'eni');
  const tags = new Map([['packleader:release', releaseId]]);
  place.networkInterfaces.set(networkInterfaceId, { networkInterfaceId, securityGroupIds: [], tags });
}

/** Every different thing that IAM is asked for in all of the scenarios. */
export async function record(): Promise<Recorded[]> {
  const recorded = new Map<string, Recorded>();
  for (const {
    faults = [],
    images,
    prepare,
    branch,
    spot,
    keep,
    tests,
    consumers,
    copies,
    vulnerabilities,
    asks,
    waits,
    settings,
  } of SCENARIOS) {
    await rehearseFactory(
      {
        stages: STAGES,
        settings: [SETTINGS, ...(settings === undefined ? [] : [settings])].join('\n'),
        ...(images && { images }),
        ...(spot && { spot }),
        ...(keep !== undefined && { keep }),
        ...(tests && { tests }),
        ...(consumers && { consumers }),
        ...(copies && { copies }),
        ...(vulnerabilities !== undefined && { vulnerabilities }),
        ...(asks && { approvals: APPROVALS }),
        ...(waits && { waitHours: 1 }),
      },
      {
        faults,
        ...(asks === 'reject' && { rejects: ['prod'] }),
        ...(waits && { retrying: retryingOn(HUB, undefined) }),
        ...(branch !== undefined && { branch }),
        prepare: (sandbox) => {
          sandbox.intercept(async (call, next) => {
            // Who retries has a role of their own, which is no part of the hub.
            if (waits && call.service === 'sfn' && currentState() === undefined) return next();
            for (const one of recordingsOf(sandbox, call)) recorded.set(JSON.stringify(one), one);
            return next();
          });
          prepare?.(sandbox);
        },
      },
    );
  }
  for (const at of SWEEPS) {
    await withHub(
      { stages: STAGES, settings: SETTINGS, consumers: { accounts: ['333333333333'] } },
      async (hub) => {
        hub.sandbox.intercept(async (call, next) => {
          if (call.role !== 'operator')
            for (const one of recordingsOf(hub.sandbox, call)) recorded.set(JSON.stringify(one), one);
          return next();
        });
        releasedBefore(hub.sandbox, 'base');
        const { input } = await stoppedRelease(hub, { at, after: true });
        const { releaseId } = plannedReleaseSchema.parse(input).release;
        leaveInterface(hub.sandbox, releaseId);
        await sweep(hub);
        const on = { ...hub.operator, hub: hub.sandbox.hub };
        const { outcome } = await followRelease(await retryRelease(releaseId, on), on);
        if (outcome !== 'released') throw new Error(`the retry of ${releaseId} was ${outcome}`);
        const [first] = hub.engine.executions.filter(
          ({ machine }) => machine.name === NAMES.releaseImageMachine,
        );
        // A Map cannot be redriven here.
        if (!first || first.history.path.at(-1)?.startsWith('Bake ')) return;
        first.redrive();
        await first.outcome;
      },
    );
  }
  for (const faults of REPOINTS)
    await withHub(
      { stages: STAGES, images: { base: AL2023, web: 'image: base' } },
      async (hub) => {
        await releaseAgain(hub, ['base', 'web']);
        const version = await releaseAgain(hub, ['base', 'web']);
        share(hub.sandbox);
        hub.sandbox.intercept(async (call, next) => {
          for (const one of recordingsOf(hub.sandbox, call)) recorded.set(JSON.stringify(one), one);
          return next();
        });
        await repoint(hub, { rollback: 'base' });
        await repoint(hub, { revoke: `base@${version}`, reason: 'a leaked key', disable: true });
        await repoint(hub, { restore: `base@${version}` });
        await repoint(hub, { revoke: `base@${version}`, reason: 'the only one left', disable: true });
        await hub.engine.start(RELEASE_MACHINE, 'whatever-changed', {}).outcome;
      },
      { faults },
    );
  await withHub({ stages: STAGES }, async (hub) => retireEverything(hub, recorded), {
    retention: { base: retentionSchema.parse({ keepNewest: 1, graceDays: 1, deregister: 'recycle-bin' }) },
  });
  return [...recorded.values()];
}

/** What goes back, and what is put back once that fails. */
const REPOINTS: readonly (readonly Fault[])[] = [
  [],
  ...['Point latest', 'Disable AMIs'].map((state) => [
    { state, kind: 'refused', accountId: STAGES.prod[0]?.accountId ?? '' } as const,
  ]),
];

/** Somebody else may launch what was released. */
function share({ world }: Sandbox): void {
  for (const { accountId, region } of Object.values(STAGES).flat())
    for (const { tags, launchPermissions } of world.region(accountId, region).images.values())
      if (tags.has('packleader:release')) launchPermissions.users.add('333333333333');
}

/** One version goes, and comes back from the Recycle Bin; it is followed by another, which is taken back; a template with more than its newest version is there. */
async function retireEverything(hub: OperatedHub, recorded: Map<string, Recorded>): Promise<void> {
  const { sandbox } = hub;
  const targets = Object.values(STAGES).flat();
  const newest = addVersion(sandbox, targets, { daysAgo: 30 });
  const first = addVersion(sandbox, targets, { daysAgo: 100 });
  for (const { accountId, region } of targets) {
    const place = sandbox.world.region(accountId, region);
    place.bin.rules.push(binRule('EC2_IMAGE'), binRule('EBS_SNAPSHOT'));
    const imageId = amiOf(sandbox, { accountId, region }, newest)?.imageId ?? '';
    for (const template of place.launchTemplates.values())
      for (const number of [2, 3]) template.versions.push({ number, createdAt: 0, imageId });
  }
  sandbox.intercept(async (call, next) => {
    for (const one of recordingsOf(sandbox, call)) recorded.set(JSON.stringify(one), one);
    return next();
  });
  // EC2 leaves a snapshot, which is then deleted by its own name.
  sandbox.intercept(async (call, next) => {
    const answer = await next();
    if (call.operation !== 'DeregisterImage') return answer;
    return {
      ...Object(answer),
      DeleteSnapshotResults: [{ SnapshotId: 'snap-0', ReturnCode: 'internal-error' }],
    };
  });
  for (let day = 0; day < 3; day += 1) await oneDay(hub);
  if (targets.some((target) => amiOf(sandbox, target, first))) throw new Error(`${first} is still there`);
  const second = addVersion(sandbox, targets, { daysAgo: 90 });
  // In one account it was to be deprecated one day anyhow, which is given back; in the other it never was.
  for (const target of STAGES.dev) {
    const image = amiOf(sandbox, target, second);
    if (image) image.deprecatedAt = sandbox.clock.milliseconds() + 60 * DAY_MS;
  }
  for (let day = 0; day < 2; day += 1) await oneDay(hub);
  const { outcome } = await retire(hub, { undo: second });
  if (outcome.status !== 'SUCCEEDED')
    throw new Error(`${second} was not restored: ${JSON.stringify(outcome)}`);
  const back = await retire(hub, { undo: first });
  if (back.outcome.status !== 'SUCCEEDED')
    throw new Error(`${first} did not come back: ${JSON.stringify(back.outcome)}`);
}

/** What one call asks IAM for, and who asks. */
export function recordingsOf(
  { world, hub }: Sandbox,
  call: Call,
  here: { readonly state: string; readonly by: string } | undefined = currentState(),
): Recorded[] {
  const state = here?.state ?? 'outside any state';
  const inHub = call.role === HUB_ROLES.tasks;
  const by = inHub ? (here?.by ?? 'nobody') : call.role;
  const { accountId } = call;
  const requests = requestsOf(call, thingsIn(world.region(accountId, call.region)));
  const own = requests.map((request) => ({ accountId, by, state, request }));
  const taken: readonly string[] = [NAMES.stewardRole, NAMES.testerRole, NAMES.copierRole];
  if (!taken.includes(call.role)) return own;
  // Here all functions share one process and so its sessions; in Lambda each takes on the role by itself.
  const resource = roleArn(accountId, call.role);
  const assumed = { action: 'sts:AssumeRole', resource, context: { 'aws:RequestedRegion': hub.region } };
  return [...own, { accountId: hub.accountId, by: here?.by ?? 'nobody', state, request: assumed }];
}
