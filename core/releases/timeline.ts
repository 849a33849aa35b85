/** Where the time of a release went, state by state and bake by bake, and what it cost, as the histories of its executions tell. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { STATE_NAMES } from '../contract/state-names.ts';
import { targetSchema } from '../contract/targets.ts';
import type { BakeTime, Billed, StateTime, Timeline } from '../contract/timeline.ts';
import { costOf } from './prices.ts';

/** Of an execution of `packleader-bake-batch`; with the inputs of its states, which say whose bake each is. */
export interface BatchHistory {
  readonly stage: string;
  readonly events: readonly HistoryEvent[];
}

const MINUTE_MS = 60_000;

/** @param told the history of the execution of `packleader-release-image`, in order */
export function timelineOf(told: readonly HistoryEvent[], batches: readonly BatchHistory[]): Timeline {
  const now = told.at(-1)?.timestamp ?? new Date(0);
  const bakes = batches.flatMap(({ stage, events }) => bakesIn(events, stage));
  const billed = {
    transitions: sum([told, ...batches.map(({ events }) => events)].map(transitionsIn)),
    ...lambdaIn(told),
    buildMinutes: sum(
      bakes.map(({ startedAt, stoppedAt }) =>
        Math.ceil((Date.parse(stoppedAt ?? now.toISOString()) - Date.parse(startedAt)) / MINUTE_MS),
      ),
    ),
  };
  return { states: statesIn(told), bakes, billed, cost: costOf(billed) };
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
