import * as z from 'zod';
import { type State, type StateGraph, stateGraphSchema } from './asl.ts';

/** What the engine knows of a state that runs, and the interpreter does not. */
export interface OfState {
  readonly RetryCount: number;
  /** ISO 8601, by the engine's clock. */
  readonly EnteredTime: string;
  /** Of this attempt; only a Task that waits for an answer has one. */
  readonly Token?: string;
}

export const TASK_TOKEN = '$$.Task.Token';

/** Stand for what is known of a state, by its path, until the engine puts it in. */
export const OF_STATE: Readonly<Record<string, keyof OfState>> = {
  '$$.State.RetryCount': 'RetryCount',
  '$$.State.EnteredTime': 'EnteredTime',
  [TASK_TOKEN]: 'Token',
};

/** What a Task's handler gets instead of its bare parameters. */
export const taskCallSchema = z.object({
  parameters: z.unknown(),
  credentials: z.object({ RoleArn: z.string() }).optional(),
});
export type TaskCall = z.infer<typeof taskCallSchema>;

/** What the Lambda integration is given. */
export const invocationSchema = z.looseObject({ Payload: z.unknown() });

/** Longer than any rehearsal, short enough for setTimeout. */
const NO_TIMEOUT_SECONDS = 1_000_000;

/**
 * Rewrites a definition so that the local interpreter can run it unchanged in meaning. The interpreter gives a handler
 * only the state's parameters, in which `Credentials` do not appear, and keeps a context object of its own; so credentials
 * become parameters, and paths into the context object are pointed at the engine's. Time-outs belong to the engine, whose
 * clock is virtual. Nothing else is touched.
 */
export function localise(graph: StateGraph): StateGraph {
  return withTaskCalls(stateGraphSchema.parse(redirect(graph)));
}

function withTaskCalls(graph: StateGraph): StateGraph {
  const entries = Object.entries(graph.States).map(
    ([name, state]) => [name, withUncaught(withTaskCall(state))] as const,
  );
  const { StartAt } = graph;
  return {
    StartAt,
    States: { ...Object.fromEntries(entries), [UNCAUGHT]: { Type: 'Fail', Error: UNCAUGHT } },
  };
}

/** States.ALL does not catch it, except in the interpreter.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
const UNCAUGHT = 'States.DataLimitExceeded';

function withUncaught(state: State): State {
  const { Catch } = state;
  if (!Catch || Catch.some(({ ErrorEquals }) => ErrorEquals.includes(UNCAUGHT))) return state;
  return { ...state, Catch: [{ ErrorEquals: [UNCAUGHT], Next: UNCAUGHT }, ...Catch] };
}

function withTaskCall(state: State): State {
  if (state.ItemProcessor) return { ...state, ItemProcessor: withTaskCalls(state.ItemProcessor) };
  if (state.Type === 'Wait') return waitAsTask(state);
  if (state.Type !== 'Task') return state;
  const { Credentials, Parameters, ...rest } = state;
  return {
    ...rest,
    TimeoutSeconds: NO_TIMEOUT_SECONDS,
    Parameters: {
      ...(Parameters === undefined ? { 'parameters.$': '$' } : { parameters: Parameters }),
      ...(Credentials === undefined ? {} : { credentials: Credentials }),
    },
  };
}

/** The interpreter waits in real time: a Wait becomes a Task, which the engine performs by sleeping on its clock. */
function waitAsTask({ Comment, Next, End, TimestampPath }: State): State {
  if (typeof TimestampPath !== 'string') throw new Error('Here a Wait state must have a TimestampPath.');
  return {
    Type: 'Task',
    Comment,
    ...(End === undefined ? { Next } : { End }),
    Resource: 'packleader:wait',
    TimeoutSeconds: NO_TIMEOUT_SECONDS,
    Parameters: { parameters: { 'until.$': TimestampPath } },
    ResultPath: null,
  };
}

/** What the Task that stands for a Wait is given. */
export const waitSchema = z.object({ parameters: z.object({ until: z.iso.datetime() }) });

/** Points paths into the context object at the engine's copy, `$$.Run`. */
function redirect(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redirect);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) =>
        typeof inner === 'string' && inner in OF_STATE
          ? [key.replace(/\.\$$/, ''), inner]
          : [key, redirect(inner)],
      ),
    );
  }
  return typeof value === 'string' ? value.replaceAll('$$.Execution.', () => '$$.Run.') : value;
}
