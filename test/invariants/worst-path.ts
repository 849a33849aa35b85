import type { State, StateGraph } from '../../sandbox/engine/asl.ts';
import { waitSeconds } from '../../sandbox/engine/retries.ts';
import { SETTLING_MINUTES } from '../../core/contract/limits.ts';
import { type Machine, followers } from '../fixtures/machines.ts';

/** Tiers of images follow each other; `workflow/machines/timeouts.ts` promises room for ten. */
const TIERS = 10;

/** The longest a machine may take, in seconds, if everything answers only just in time and every retry is used up. */
export function worstPathSeconds({ graph }: Machine, machines: readonly Machine[]): number {
  return longestFrom(graph.StartAt, graph, machines);
}

function longestFrom(name: string, graph: StateGraph, machines: readonly Machine[]): number {
  const state = graph.States[name];
  if (!state) throw new Error(`there is no state ${name}`);
  const rest = followers(state).map((next) => longestFrom(next, graph, machines));
  return secondsIn(state, machines) + Math.max(0, ...rest);
}

function secondsIn(state: State, machines: readonly Machine[]): number {
  const { Type, Retry = [], ItemProcessor, MaxConcurrency } = state;
  const waits = Retry.flatMap((retrier) =>
    Array.from({ length: retrier.MaxAttempts ?? 3 }, (_, before) => waitSeconds(retrier, before)),
  ).reduce((sum, seconds) => sum + seconds, 0);
  const silent = Retry.filter(({ ErrorEquals }) => ErrorEquals.includes('States.Timeout'));
  const attempts = silent.reduce((sum, { MaxAttempts = 3 }) => sum + MaxAttempts, 1);
  if (Type === 'Task') return attempts * onceSeconds(state, machines) + waits;
  // The only one waits for a task that a stopped execution has left behind.
  if (Type === 'Wait') return SETTLING_MINUTES * 60;
  if (!ItemProcessor) return 0;
  const iteration = longestFrom(ItemProcessor.StartAt, ItemProcessor, machines);
  return attempts * iteration * (MaxConcurrency === 1 ? TIERS : 1) + waits;
}

/** A nested machine takes its own time limit. */
function onceSeconds(state: State, machines: readonly Machine[]): number {
  const nested = nestedMachine(state, machines);
  return Math.max(state.TimeoutSeconds ?? Infinity, nested?.graph.TimeoutSeconds ?? 0);
}

/** The machine that a task runs, if it runs one. */
export function nestedMachine(state: State, machines: readonly Machine[]): Machine | undefined {
  const arn: unknown = Object(state.Parameters).StateMachineArn;
  if (typeof arn !== 'string') return undefined;
  const found = machines.find(({ name }) => arn.endsWith(`:stateMachine:${name}`));
  if (!found) throw new Error(`there is no machine ${arn}`);
  return found;
}
