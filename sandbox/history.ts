import type { StateMachine } from 'aws-local-stepfunctions';
import type { PlacedState } from './asl.ts';

/** What the interpreter tells of an execution. */
type Events = ReturnType<StateMachine['run']>['eventLogs'];

interface Listeners {
  readonly entered: (state: PlacedState) => void;
  readonly exited: (state: PlacedState) => void;
  readonly retried: (state: PlacedState, error: string) => void;
}

/**
 * How many events the real history holds per state.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
const EVENTS = {
  lambda: 5,
  lambdaRetry: 3,
  sync: 6,
  syncRetry: 4,
  map: 4,
  mapIteration: 2,
  other: 2,
} as const;

/** What happened in one execution: the path a person would see, and the figures that AWS's quotas are about. */
export class History {
  readonly #states: ReadonlyMap<string, PlacedState>;
  /** The states at the top of the graph, in the order in which they were entered. */
  readonly path: string[] = [];
  /** The last output of each state at the top of the graph. */
  readonly outputs = new Map<string, unknown>();
  /** The largest document between two states, in bytes. */
  largestDocument = 0;
  /** State transitions, which AWS bills; a retry counts. */
  transitions = 0;
  /** Events in AWS's history, of which an execution may have 25,000. */
  events = 2;
  ended = false;

  constructor(states: readonly PlacedState[]) {
    this.#states = new Map(states.map((placed) => [placed.name, placed]));
  }

  end(): void {
    this.ended = true;
  }

  async follow(events: Events, listeners: Listeners): Promise<void> {
    let lastError = '';
    for await (const event of events) {
      if (event.type === 'MapIterationStarted') this.events += EVENTS.mapIteration;
      const placed = 'state' in event ? this.#states.get(event.state.name) : undefined;
      if (!placed) continue;
      if (event.type === 'StateEntered') this.#enter(placed, listeners);
      if (event.type === 'StateFailed') lastError = event.Error;
      if (event.type === 'StateRetried') {
        this.transitions += 1;
        this.events +=
          placed.state.Resource?.includes('.sync') === true ? EVENTS.syncRetry : EVENTS.lambdaRetry;
        listeners.retried(placed, lastError);
      }
      if (event.type === 'StateExited') {
        this.#exit(placed, event.state.output);
        listeners.exited(placed);
      }
    }
  }

  #enter(placed: PlacedState, listeners: Listeners): void {
    this.transitions += 1;
    this.events += eventsOf(placed);
    if (!placed.inMap) this.path.push(placed.name);
    listeners.entered(placed);
  }

  #exit({ name, inMap }: PlacedState, output: unknown): void {
    if (inMap) return;
    this.outputs.set(name, output);
    this.largestDocument = Math.max(this.largestDocument, Buffer.byteLength(JSON.stringify(output ?? null)));
  }
}

function eventsOf({ state }: PlacedState): number {
  if (state.Type === 'Map') return EVENTS.map;
  if (state.Type !== 'Task') return EVENTS.other;
  return state.Resource?.includes('.sync') === true ? EVENTS.sync : EVENTS.lambda;
}
