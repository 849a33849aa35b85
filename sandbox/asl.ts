/** The part of the Amazon States Language that the state machines use. */
export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
}

export interface State {
  readonly Type: string;
  readonly Comment?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string }[];
  readonly Resource?: string;
  readonly Parameters?: unknown;
  readonly Credentials?: unknown;
  readonly TimeoutSeconds?: number;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly ItemProcessor?: StateGraph;
  readonly ItemsPath?: string;
  readonly MaxConcurrency?: number;
  readonly ResultPath?: string | null;
}

export interface StateGraph {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number;
  readonly Comment?: string;
}

/** A state with its name, and the name of the state at the top of the graph that it is part of. */
export interface PlacedState {
  readonly name: string;
  readonly top: string;
  readonly inMap: boolean;
  readonly state: State;
}

/** Every state of a graph, those inside Maps included. */
export function statesOf(graph: StateGraph, top?: string): PlacedState[] {
  return Object.entries(graph.States).flatMap(([name, state]) => {
    const within = top ?? name;
    const inner = state.ItemProcessor ? statesOf(state.ItemProcessor, within) : [];
    return [{ name, top: within, inMap: top !== undefined, state }, ...inner];
  });
}
