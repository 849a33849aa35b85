/** Where the time of a release went, state by state and bake by bake, and what it cost. */
import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import pMap from 'p-map';
import * as z from 'zod';
import { NAMES } from '../../core/contract/names.ts';
import { STATE_NAMES, stageIn } from '../../core/contract/state-names.ts';
import { targetSchema } from '../../core/contract/targets.ts';
import { type Billed, costOf } from '../../core/releases/prices.ts';
import { asClientError } from '../errors.ts';
import { allEvents } from '../history.ts';
import { type HubOptions, findExecution } from '../hub.ts';

/** A state of the transaction. */
export interface StateTime {
  readonly state: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Null while it goes on, and when the execution was stopped in it. */
  readonly stoppedAt: string | null;
}

/** The bake of one target: from the moment at which it was asked for, so with the wait for a free build. */
export interface BakeTime {
  readonly stage: string;
  readonly accountId: string;
  readonly region: string;
  readonly startedAt: string;
  readonly stoppedAt: string | null;
  /** The error's name; null when it did not fail. */
  readonly error: string | null;
}

export interface ReleaseTimeline {
  /** In the order in which they were entered; a state that was entered twice is there twice. */
  readonly states: readonly StateTime[];
  readonly bakes: readonly BakeTime[];
  /** What is billed, up to now while it goes on. */
  readonly billed: Billed;
  /** US dollars, by list prices, without builder instances, logs and storage. */
  readonly cost: number;
}

/** Executions of batches that are read at the same time. */
const READS = 5;
const MINUTE_MS = 60_000;

/**
 * Reads the history of a release of one image, and of each batch of its bakes: a call each, or more where they are long. Step
 * Functions keeps histories for 90 days.
 *  @param release `<image>@<version>`, or the ARN of the execution of `packleader-release-image`
 *  @throws ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function releaseTimeline(release: string, options: HubOptions = {}): Promise<ReleaseTimeline> {
  const { execution, client } = await findExecution(release, options);
  const told = await eventsOf(execution.arn, client, options.signal);
  const batches = batchesIn(told);
  const now = told.at(-1)?.timestamp ?? new Date(0);
  const histories = await pMap(batches, async ({ arn }) => eventsOf(arn, client, options.signal), {
    concurrency: READS,
  });
  const bakes = histories.flatMap((events, index) => bakesIn(events, batches[index]?.stage ?? ''));
  const all = [told, ...histories];
  const billed = {
    transitions: sum(all.map(transitionsIn)),
    ...lambdaIn(told),
    buildMinutes: sum(
      bakes.map(({ startedAt, stoppedAt }) =>
        Math.ceil((Date.parse(stoppedAt ?? now.toISOString()) - Date.parse(startedAt)) / MINUTE_MS),
      ),
    ),
  };
  return { states: statesIn(told), bakes, billed, cost: costOf(billed) };
}

async function eventsOf(arn: string, client: SFNClient, signal?: AbortSignal): Promise<HistoryEvent[]> {
  try {
    return await allEvents(arn, client, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot read ${arn}`);
  }
}

const submittedSchema = z.looseObject({ ExecutionArn: z.string() });

/** The executions of `packleader-bake-batch` that were started, each for a stage. */
function batchesIn(events: readonly HistoryEvent[]): { readonly arn: string; readonly stage: string }[] {
  const found = new Map<string, string>();
  let stage = '';
  for (const { stateEnteredEventDetails: entered, taskSubmittedEventDetails: submitted } of events) {
    stage = stageIn(entered?.name ?? '', 'bake') ?? stage;
    const started = submittedSchema.safeParse(documentOf(submitted?.output));
    if (started.success && started.data.ExecutionArn.includes(`:${NAMES.bakeBatchMachine}:`))
      found.set(started.data.ExecutionArn, stage);
  }
  return [...found].map(([arn, of]) => ({ arn, stage: of }));
}

function statesIn(events: readonly HistoryEvent[]): StateTime[] {
  const states: { state: string; startedAt: string; stoppedAt: string | null }[] = [];
  let inMap = false;
  for (const event of events) {
    const { stateEnteredEventDetails: entered, stateExitedEventDetails: exited, type = '' } = event;
    const at = timeOf(event);
    if (entered?.name !== undefined && !inMap)
      states.push({ state: entered.name, startedAt: at, stoppedAt: null });
    if (type === 'MapStateEntered') inMap = true;
    if (type === 'MapStateExited') inMap = false;
    const current = states.at(-1);
    if (exited?.name !== undefined && exited.name === current?.state) current.stoppedAt = at;
  }
  const end = events.at(-1);
  const last = states.at(-1);
  // A Fail is never exited: the execution ends in it.
  if (end && last && /^Execution(Failed|Succeeded)$/.test(end.type ?? '')) last.stoppedAt ??= timeOf(end);
  return states;
}

/** Each event names the one before it, so that a bake's end leads back to its beginning. */
function bakesIn(events: readonly HistoryEvent[], stage: string): BakeTime[] {
  type Bake = { -readonly [Key in keyof BakeTime]: BakeTime[Key] };
  const bakes: Bake[] = [];
  const owners = new Map<number, Bake>();
  for (const event of events) {
    const { id = 0, previousEventId = 0, stateEnteredEventDetails: entered } = event;
    let owner = owners.get(previousEventId);
    if (entered?.name === STATE_NAMES.bakeAmi) {
      const target = targetSchema.safeParse(documentOf(entered.input));
      if (!target.success) continue;
      const { accountId, region } = target.data;
      owner = { stage, accountId, region, startedAt: timeOf(event), stoppedAt: null, error: null };
      bakes.push(owner);
    }
    if (!owner) continue;
    owners.set(id, owner);
    if (event.stateExitedEventDetails?.name === STATE_NAMES.bakeAmi) owner.stoppedAt = timeOf(event);
    if (entered?.name === STATE_NAMES.amiNotBaked) owner.error = failureIn(entered.input);
  }
  return bakes;
}

function failureIn(input: string | undefined): string {
  const failed = z
    .looseObject({ failure: z.looseObject({ Error: z.string() }) })
    .safeParse(documentOf(input));
  return failed.success ? failed.data.failure.Error : 'unknown';
}

/** An attempt is billed from its start to its end, also one that failed. */
function lambdaIn(events: readonly HistoryEvent[]): Pick<Billed, 'lambdaRequests' | 'lambdaSeconds'> {
  let startedAt: number | undefined;
  let lambdaRequests = 0;
  let lambdaMs = 0;
  for (const { type = '', timestamp = new Date(0) } of events) {
    if (type === 'LambdaFunctionStarted') {
      startedAt = timestamp.getTime();
      lambdaRequests += 1;
    }
    if (!/^LambdaFunction(Succeeded|Failed|TimedOut)$/.test(type) || startedAt === undefined) continue;
    lambdaMs += timestamp.getTime() - startedAt;
    startedAt = undefined;
  }
  return { lambdaRequests, lambdaSeconds: lambdaMs / 1_000 };
}

/** A state that is entered is one, and so is each attempt after the first. */
function transitionsIn(events: readonly HistoryEvent[]): number {
  const number = (pattern: RegExp) => events.filter(({ type = '' }) => pattern.test(type)).length;
  return number(/StateEntered$/) + number(/^(Task|LambdaFunction)Scheduled$/) - number(/^TaskStateEntered$/);
}

const timeOf = ({ timestamp = new Date(0) }: HistoryEvent): string => timestamp.toISOString();

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function documentOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return undefined;
  }
}
