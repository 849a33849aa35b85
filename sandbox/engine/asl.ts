import * as z from 'zod';

const retrierSchema = z.looseObject({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z.number().optional(),
  MaxAttempts: z.number().optional(),
  BackoffRate: z.number().optional(),
  MaxDelaySeconds: z.number().optional(),
});
export type Retrier = z.infer<typeof retrierSchema>;

/** The part of a state that matters here; everything else is kept as it is. */
const stateSchema = z.looseObject({
  Type: z.string(),
  Comment: z.string().optional(),
  Next: z.string().optional(),
  End: z.boolean().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.looseObject({ Next: z.string() })).optional(),
  Resource: z.string().optional(),
  Parameters: z.unknown().optional(),
  Credentials: z.unknown().optional(),
  TimeoutSeconds: z.number().optional(),
  Retry: z.array(retrierSchema).optional(),
  Catch: z.array(z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() })).optional(),
  ItemsPath: z.string().optional(),
  MaxConcurrency: z.number().optional(),
  ResultPath: z.string().nullable().optional(),
  get ItemProcessor() {
    return stateGraphSchema.optional();
  },
});
export type State = z.infer<typeof stateSchema>;

/** A state machine, or what a Map does with each item, in the Amazon States Language. */
export const stateGraphSchema = z.looseObject({
  StartAt: z.string(),
  TimeoutSeconds: z.number().optional(),
  get States() {
    return z.record(z.string(), stateSchema);
  },
});
export type StateGraph = z.infer<typeof stateGraphSchema>;

/** Whether a Task ends when its token is answered. */
export const waitsForAnswer = ({ Resource = '' }: State): boolean => Resource.endsWith('.waitForTaskToken');

/** The ARN of what does a Task's work: a function that the Lambda integration invokes is named by a parameter. */
export function workerOf({ Resource = '', Parameters }: State): string {
  if (Resource !== 'arn:aws:states:::lambda:invoke.waitForTaskToken') return Resource;
  return invocationSchema.parse(Parameters).FunctionName;
}

const invocationSchema = z.looseObject({ FunctionName: z.string() });

/** A state with its name, and the name of the state at the top of the graph that it is part of. */
export interface PlacedState {
  readonly name: string;
  readonly top: string;
  readonly inMap: boolean;
  readonly state: State;
}

const listed = new WeakMap<StateGraph, readonly PlacedState[]>();

/** Every state of a graph, those inside Maps included. */
export function statesOf(graph: StateGraph): readonly PlacedState[] {
  const states = listed.get(graph) ?? placedIn(graph);
  listed.set(graph, states);
  return states;
}

function placedIn(graph: StateGraph, top?: string): PlacedState[] {
  return Object.entries(graph.States).flatMap(([name, state]) => {
    const within = top ?? name;
    const inner = state.ItemProcessor ? placedIn(state.ItemProcessor, within) : [];
    return [{ name, top: within, inMap: top !== undefined, state }, ...inner];
  });
}
