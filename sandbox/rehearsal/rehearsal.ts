import type { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { errorOutputSchema } from '../../core/contract/errors.ts';
import { STATE_NAMES } from '../../core/contract/state-names.ts';
import { parameters as parameterNames, NAMES } from '../../core/contract/names.ts';
import { plannedReleaseSchema, type PlannedRelease } from '../../core/contract/releases.ts';
import { type RepointAnswer, repointAnswerSchema } from '../../core/contract/repoints.ts';
import type { Leftover } from '../../core/contract/leftovers.ts';
import type { Target } from '../../core/contract/targets.ts';
import { forgetClients } from '../../core/aws/clients.ts';
import { TAGS } from '../../core/contract/tags.ts';
import {
  type ReleaseOutcome,
  messageIn,
  leftoversIn,
  outcomeAt,
  sourcesIn,
} from '../../core/releases/release-outcome.ts';
import { executionName } from '../../core/releases/execution-name.ts';
import type { ReleaseProgress } from '../../core/releases/release-progress.ts';
import { stateGraphSchema } from '../engine/asl.ts';
import { bindSandbox } from '../bind.ts';
import { runOutside } from '../engine/call-site.ts';
import { Engine, type Execution, type Machine } from '../engine/engine.ts';
import type { Outcome } from '../engine/outcome.ts';
import { type Fault, Faults } from './faults.ts';
import { integrationsFor } from '../engine/integrations.ts';
import type { CheckOut } from './fetch-source.ts';
import type { Hub, Sandbox } from '../sandbox.ts';
import { createSandbox } from './seed.ts';
import { stepFunctionsOf } from '../aws/step-functions.ts';
import { type Answers, answerLater } from './approver.ts';
import { addOnlooker } from './onlooker.ts';
import { loadTask } from './task-handlers.ts';
import { snapshotOf, type WorldSnapshot } from '../aws/world.ts';

/** The factory, as far as a rehearsal needs it. */
export interface RehearsedFactory {
  readonly hub: Target;
  readonly stages: readonly { readonly name: string; readonly targets: readonly Target[] }[];
}

export interface RehearsalOptions {
  readonly factory: RehearsedFactory;
  readonly machines: readonly { readonly name: string; readonly definition: unknown }[];
  readonly bucket: string;
  readonly checkOut: CheckOut;
  /** What a person, an event or a tool would start the workflow with; it may be wrong. */
  readonly request?: unknown;
  /** Starts it in another way than by hand: it may start several executions, or none. */
  readonly start?: Start;
  readonly faults?: readonly Fault[];
  /** The stages whose approval is refused; every other one is given. */
  readonly rejects?: readonly string[];
  /** Begins what came to nothing once more, when its faults are over. */
  readonly retrying?: Retrying;
  readonly startAt?: Date;
  /** Prepares the world before the release, for instance with earlier releases. */
  readonly prepare?: (sandbox: Sandbox) => void | Promise<void>;
  readonly background?: boolean;
  /** What is done with each released image afterwards. */
  readonly afterwards?: Then;
  readonly onProgress?: (progress: ReleaseProgress) => void;
  /** Looks at the world from outside, when all has come to rest. */
  readonly atEnd?: (hub: Target, client: SFNClient, now: () => Date) => Promise<void>;
}

/** Back to the version before, or the new one revoked. */
export type Then = 'rollback' | 'revoke';

/** What became of an image that was gone back from. */
export interface ReportedRepoint {
  readonly image: string;
  readonly outcome: 'repointed' | 'put back' | 'incomplete';
  readonly error: { readonly name: string; readonly cause: string } | null;
  /** The states, in the order in which they were entered. */
  readonly path: readonly string[];
  /** What was done, or was to be; null when it was refused. */
  readonly answer: RepointAnswer | null;
}

/** What starts the workflow while the sandbox answers; the executions go on when it is done. */
export type Start = (engine: Engine, hub: Hub) => Promise<void>;

export interface Retrying {
  /** As an operator does it, while the sandbox answers; resolves when that has ended. */
  readonly retry: (releaseId: string, engine: Engine, clock: Sandbox['clock']) => Promise<void>;
  /** Told what came of every release first, before anything is retried. */
  readonly onRetry?: (first: readonly ReportedRelease[]) => void;
}

export interface ReportedTarget extends Target {
  readonly stage: string;
  readonly imageId: string | null;
  readonly snapshotIds: readonly string[];
  readonly sourceImageId: string | null;
  readonly tags: Readonly<Record<string, string>>;
  /** The image's parameters that point at this AMI. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ReportedRelease {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  readonly commit: string;
  readonly outcome: ReleaseOutcome;
  readonly error: { readonly name: string; readonly cause: string } | null;
  /** The states of the transaction, in the order in which they were entered. */
  readonly path: readonly string[];
  readonly targets: readonly ReportedTarget[];
  readonly leftovers: readonly Leftover[];
}

/** An execution of `packleader-release`, or of the release of an image, as whoever tells of it asks for it at its end. */
export interface ReportedExecution {
  readonly executionArn: string;
  /** ISO 8601, as below. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly status: string;
  readonly error: string;
  readonly cause: string;
  readonly input: unknown;
  readonly output: unknown;
}

/** What quotas and bills are about, over all executions of a rehearsal. */
export interface Figures {
  readonly calls: number;
  readonly transitions: number;
  /** Of the execution with the longest history. */
  readonly historyEvents: number;
  readonly largestDocumentBytes: number;
  readonly virtualMs: number;
}

export interface Report {
  readonly outcome: ReleaseOutcome;
  /** Why the whole did not succeed when no single release says so, as when the source could not be fetched. */
  readonly error: { readonly name: string; readonly cause: string } | null;
  /** Each as its last attempt left it. */
  readonly releases: readonly ReportedRelease[];
  /** What came of those first that were retried; undefined when nothing was to be retried. */
  readonly retried?: readonly ReportedRelease[];
  /** Empty, unless something was to be done afterwards. */
  readonly repoints: readonly ReportedRepoint[];
  readonly world: Readonly<Record<string, WorldSnapshot>>;
  /** Of releases, in the order in which they were started. */
  readonly executions: readonly ReportedExecution[];
  readonly figures: Figures;
  readonly unmetFaults: readonly Fault[];
}

/** Runs one release, or what triggers start, from the beginning to its end, in a world of its own. */
export async function rehearse(options: RehearsalOptions): Promise<Report> {
  const { factory, bucket, checkOut } = options;
  const startAt = options.startAt ?? new Date();
  const targets = factory.stages.flatMap((stage) => stage.targets);
  const sandbox = createSandbox({
    hub: { ...factory.hub, bucket },
    targets,
    startAt,
    checkOut,
    background: options.background ?? false,
  });
  const unbind = bindSandbox(sandbox);
  forgetClients();
  try {
    sandbox.keepsCalls = false;
    await options.prepare?.(sandbox);
    const before = sandbox.callCount;
    const faults = new Faults(options.faults ?? [], (name): string | undefined => imageOf(engine, name));
    faults.install(sandbox);
    const { clock } = sandbox;
    const waited: Promise<ReportedRelease>[] = [];
    const begin = async (retrying: Retrying, execution: Execution): Promise<ReportedRelease> =>
      runOutside(async () => retryWaiting(retrying, execution, sandbox, engine, factory, faults));
    const engine: Engine = await createEngine({
      ...options,
      answers: { rejects: options.rejects ?? [] },
      // Whoever retries a release, or looks at it from outside, asks for the histories of its attempts.
      keepsData: options.retrying !== undefined || options.atEnd !== undefined,
      onAwaited: (execution) => {
        // Once: what comes to nothing without a fault would do so again.
        if (options.retrying && !isRetry(execution)) waited.push(begin(options.retrying, execution));
      },
      now: () => clock.now(),
      sleep: async (ms, signal) => clock.sleep(ms, signal),
    });
    sandbox.stepFunctions = stepFunctionsOf(engine);
    const arn = machineArn(factory.hub, NAMES.releaseMachine);
    if (options.start) await options.start(engine, sandbox.hub);
    else engine.start(arn, `rehearsal-${startAt.getTime()}`, options.request);
    const started = engine.executions.filter(({ machine }) => machine.arn === arn);
    const outcomes = await Promise.all(started.map(async ({ outcome }) => outcome));
    const whileWaiting = await Promise.all(waited);
    const after = options.retrying && (await retryAll(options.retrying, sandbox, engine, factory, faults));
    const retried = after && [...whileWaiting, ...after];
    // What was released is told as it was before anything is gone back from.
    const releases = options.afterwards && (await lastAttempts(engine, factory, worldOf(sandbox, factory)));
    const repoints = options.afterwards ? await repointReleased(engine, factory, options.afterwards) : [];
    // Whatever was set in motion comes to rest, so that the report is about the end and not about the last moment.
    await sandbox.clock.sleep(SETTLE_MS);
    const report = await reportOf(sandbox, engine, factory, outcomes, sandbox.callCount - before, faults);
    await options.atEnd?.(factory.hub, addOnlooker(sandbox, targets), () => clock.now());
    return {
      ...report,
      ...(releases && { releases }),
      repoints,
      // What began it first keeps its end, which says nothing of the attempts after it.
      ...(retried && { retried, error: retried.length > 0 ? null : report.error }),
    };
  } finally {
    unbind();
    forgetClients();
  }
}

/** Retries what came to nothing, bases first; returns what came of that before. */
async function retryAll(
  { retry, onRetry }: Retrying,
  sandbox: Sandbox,
  engine: Engine,
  factory: RehearsedFactory,
  faults: Faults,
): Promise<ReportedRelease[]> {
  const first = await lastAttempts(engine, factory, worldOf(sandbox, factory));
  const failed = first.filter(({ outcome }) => outcome !== 'released');
  if (failed.length > 0) onRetry?.(first);
  faults.lift();
  for (const { releaseId } of failed) await retry(releaseId, engine, sandbox.clock);
  return failed;
}

/** Retries a release that has failed and waits for it, and returns what it had come to. */
async function retryWaiting(
  { retry, onRetry }: Retrying,
  execution: Execution,
  sandbox: Sandbox,
  engine: Engine,
  factory: RehearsedFactory,
  faults: Faults,
): Promise<ReportedRelease> {
  const planned = plannedReleaseSchema.parse(execution.input);
  const { failure } = failureSchema.parse(execution.history.outputs.get(STATE_NAMES.clearFailedStage));
  const failed = { status: 'FAILED', error: failure.Error, cause: failure.Cause } as const;
  const world = worldOf(sandbox, factory);
  const first = {
    ...releaseReport(execution, planned, failed, factory, world),
    outcome: 'handed over',
  } as const;
  onRetry?.([first]);
  faults.lift();
  await retry(planned.release.releaseId, engine, sandbox.clock);
  return first;
}

function isRetry({ input }: Execution): boolean {
  const { release, executionName: name } = plannedReleaseSchema.parse(input);
  return name !== executionName(release);
}

const failureSchema = z.looseObject({ failure: errorOutputSchema });

/** Longer than SSM's validation and EC2's changes of state. */
const SETTLE_MS = 10 * 60_000;

export const machineArn = ({ accountId, region }: Target, name: string) =>
  `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;

export interface ReleaseEngineOptions extends Pick<RehearsalOptions, 'factory' | 'machines' | 'onProgress'> {
  readonly keepsData?: boolean;
  /** Told when a release that has failed waits for a retry. */
  readonly onAwaited?: (execution: Execution) => void;
  /** Default: nobody answers. */
  readonly answers?: Answers;
  readonly now: () => Date;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Runs a factory's state machines with the real tasks, against whatever AWS the SDK's clients talk to. */
export async function createEngine(options: ReleaseEngineOptions): Promise<Engine> {
  const { now, sleep } = options;
  const machines: Machine[] = options.machines.map(({ name, definition }) => ({
    name,
    arn: machineArn(options.factory.hub, name),
    definition: stateGraphSchema.parse(definition),
  }));
  const startedAt = now().getTime();
  const tell = (
    phase: ReleaseProgress['phase'],
    execution: Execution,
    state: string,
    more: Partial<ReleaseProgress> = {},
  ) => {
    // Who answers is no part of what is rehearsed.
    if (execution.machine.name === NAMES.approvalMachine) return;
    const planned = plannedOf(execution);
    // An attempt that hands over to a retry ends beside it, and is told of no more.
    if (planned && newestOf(planned) !== execution) return;
    options.onProgress?.({
      phase,
      machine: execution.machine.name,
      ...(planned && { releaseId: planned.release.releaseId }),
      state,
      elapsedMs: now().getTime() - startedAt,
      ...more,
    });
  };
  const engineOf = (): Engine => engine;
  const newestOf = ({ release: { releaseId } }: PlannedRelease): Execution | undefined =>
    engine.executions.findLast((one) => plannedOf(one)?.release.releaseId === releaseId);
  const engine: Engine = await Engine.create({
    machines,
    integrationOf: integrationsFor({
      loadTask,
      sleep,
      engine: engineOf,
    }),
    now,
    sleep,
    inner: [NAMES.bakeBatchMachine],
    // Who answers an approval finds its token there.
    keepsData:
      options.keepsData === true ||
      machines.some(
        ({ name, definition }) =>
          name === NAMES.approvalMachine || STATE_NAMES.awaitRetry in definition.States,
      ),
    onEntered: (execution, { name, inMap }) => {
      if (inMap) return;
      tell('entered', execution, name);
      if (name === STATE_NAMES.awaitRetry) options.onAwaited?.(execution);
      if (options.answers) void answerLater(engine, execution, name, { ...options.answers, sleep });
    },
    onExited: (execution, { name, inMap }) =>
      !inMap && tell('exited', execution, name, { output: execution.history.outputs.get(name) }),
    onRetried: (execution, { top }, error) => tell('retried', execution, top, { error }),
  });
  return engine;
}

/** Goes back from every image that was released, one after the other, as a person would. */
async function repointReleased(
  engine: Engine,
  { hub }: RehearsedFactory,
  then: Then,
): Promise<ReportedRepoint[]> {
  const reported: ReportedRepoint[] = [];
  for (const released of engine.executions.slice()) {
    const planned = plannedOf(released);
    if (!planned || (await released.outcome).status !== 'SUCCEEDED') continue;
    const { image, releaseId } = planned.release;
    const request = then === 'rollback' ? { rollback: image } : { revoke: releaseId, reason: 'a rehearsal' };
    const arn = machineArn(hub, NAMES.repointMachine);
    const execution = engine.start(arn, `${then}-${image}`, request);
    const outcome = await execution.outcome;
    const { path, outputs } = execution.history;
    const planning: unknown = outputs.get(STATE_NAMES.planRepoint);
    const answer = repointAnswerSchema.safeParse(Reflect.get(Object(planning), 'answer'));
    const end = path.at(-1) ?? '';
    reported.push({
      image,
      outcome:
        outcome.status === 'SUCCEEDED' ? 'repointed' : UNCHANGED.includes(end) ? 'put back' : 'incomplete',
      error: errorOf(outcome),
      path,
      answer: answer.success ? answer.data : null,
    });
  }
  return reported;
}

/** Ends in which every account shows what it showed before. */
const UNCHANGED: readonly string[] = [STATE_NAMES.notRepointed, STATE_NAMES.putBack];

function plannedOf(execution: Execution): PlannedRelease | undefined {
  if (execution.machine.name !== NAMES.releaseImageMachine) return undefined;
  return plannedReleaseSchema.parse(execution.input);
}

/** The image that an execution with this name releases. */
function imageOf({ executions }: Engine, name: string): string | undefined {
  const execution = executions.find(
    (one) => one.name === name && one.machine.name === NAMES.releaseImageMachine,
  );
  return execution && plannedOf(execution)?.release.image;
}

async function reportOf(
  sandbox: Sandbox,
  engine: Engine,
  factory: RehearsedFactory,
  outcomes: readonly Outcome[],
  calls: number,
  faults: Faults,
): Promise<Omit<Report, 'repoints'>> {
  const world = worldOf(sandbox, factory);
  const releases = await lastAttempts(engine, factory, world);
  const [first] = engine.executions;
  const histories = engine.executions.map(({ history }) => history);
  return {
    outcome: worst(releases, outcomes),
    error: releases.some(({ error }) => error) ? null : (outcomes.map(errorOf).find(Boolean) ?? null),
    releases,
    world,
    executions: engine.executions.flatMap(executionReport),
    figures: {
      calls,
      transitions: histories.reduce((sum, { transitions }) => sum + transitions, 0),
      historyEvents: Math.max(0, ...histories.map(({ events }) => events)),
      largestDocumentBytes: Math.max(0, ...histories.map(({ largestDocument }) => largestDocument)),
      virtualMs: first ? sandbox.clock.milliseconds() - SETTLE_MS - Date.parse(first.startedAt) : 0,
    },
    unmetFaults: faults.unmet,
  };
}

function executionReport({ arn, startedAt, machine, input, history }: Execution): ReportedExecution[] {
  const { ending } = history;
  if (!ending || ![NAMES.releaseMachine, NAMES.releaseImageMachine].some((name) => name === machine.name))
    return [];
  const { status, ...rest } = ending.outcome;
  const told = { error: '', cause: '', output: null, ...rest };
  return [{ executionArn: arn, startedAt, endedAt: ending.at, status, input, ...told }];
}

/** Each release as its last attempt left it. */
async function lastAttempts(...of: Parameters<typeof reportReleases>): Promise<ReportedRelease[]> {
  const attempts = await reportReleases(...of);
  return [...new Map(attempts.map((one) => [one.releaseId, one])).values()];
}

/** What became of each release that the engine ran, attempt by attempt, in a world that holds what they left. */
export async function reportReleases(
  engine: Engine,
  factory: RehearsedFactory,
  world: Readonly<Record<string, WorldSnapshot>>,
): Promise<ReportedRelease[]> {
  const releases: ReportedRelease[] = [];
  for (const execution of engine.executions) {
    const planned = plannedOf(execution);
    if (planned) releases.push(releaseReport(execution, planned, await execution.outcome, factory, world));
  }
  return releases;
}

/** Every target has its place in the world, also one that owns nothing. */
function worldOf(sandbox: Sandbox, factory: RehearsedFactory): Record<string, WorldSnapshot> {
  const nothing = {
    images: [],
    snapshots: [],
    instances: [],
    keyPairs: [],
    securityGroups: [],
    parameters: {},
  };
  const targets = factory.stages.flatMap((stage) => stage.targets);
  const empty = Object.fromEntries(
    targets.map(({ accountId, region }) => [`${accountId}/${region}`, nothing]),
  );
  const owned = Object.entries(snapshotOf(sandbox.world)).filter(([place]) => place in empty);
  return { ...empty, ...Object.fromEntries(owned) };
}

function worst(releases: readonly ReportedRelease[], outcomes: readonly Outcome[]): ReleaseOutcome {
  const ends = new Set(releases.map((release) => release.outcome));
  if (ends.has('rollback incomplete')) return 'rollback incomplete';
  if (ends.has('rolled back')) return 'rolled back';
  // Every execution releases one image at least, so with fewer releases one of them failed before its first.
  const gotNowhere = releases.length < outcomes.length;
  return gotNowhere && outcomes.some(({ status }) => status !== 'SUCCEEDED') ? 'rolled back' : 'released';
}

function errorOf(outcome: Outcome): Report['error'] {
  if (outcome.status === 'SUCCEEDED') return null;
  if (outcome.status === 'ABORTED') return { name: 'Stopped', cause: 'The execution was stopped.' };
  if (outcome.status === 'TIMED_OUT')
    return { name: 'States.Timeout', cause: 'The execution took too long.' };
  return { name: outcome.error, cause: messageIn({ name: outcome.error, cause: outcome.cause }) };
}

function releaseReport(
  execution: Execution,
  { release }: PlannedRelease,
  outcome: Outcome,
  factory: RehearsedFactory,
  world: Readonly<Record<string, WorldSnapshot>>,
): ReportedRelease {
  const { path, outputs } = execution.history;
  const { releaseId, image, version, commit } = release;
  return {
    releaseId,
    image,
    version,
    commit,
    outcome: outcomeAt(path.at(-1) ?? ''),
    error: errorOf(outcome),
    path,
    targets: targetReports(release, outputs.get(STATE_NAMES.resolveSourceAmis), factory, world),
    leftovers: leftoversIn(outputs.get(STATE_NAMES.verifyRollback)),
  };
}

function targetReports(
  { releaseId, image, prerelease }: PlannedRelease['release'],
  resolvedDocument: unknown,
  factory: RehearsedFactory,
  world: Readonly<Record<string, WorldSnapshot>>,
): ReportedTarget[] {
  const sources = sourcesIn(resolvedDocument);
  const stages = prerelease ? factory.stages.slice(0, 1) : factory.stages;
  return stages.flatMap(({ name: stage, targets }) =>
    targets.map(({ accountId, region }) => {
      const place = world[`${accountId}/${region}`];
      const found = place?.images.find(({ tags }) => tags[TAGS.release] === releaseId);
      const prefix = parameterNames.latest(image).replace(/latest$/, '');
      const pointing = Object.entries(place?.parameters ?? {}).filter(
        ([name, value]) => name.startsWith(prefix) && value === found?.imageId,
      );
      return {
        stage,
        accountId,
        region,
        imageId: found?.imageId ?? null,
        snapshotIds: found?.snapshotIds ?? [],
        sourceImageId: sources.get(`${accountId}/${region}`) ?? null,
        tags: found?.tags ?? {},
        parameters: Object.fromEntries(pointing),
      };
    }),
  );
}
