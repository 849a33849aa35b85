import type { StateMachine } from 'aws-local-stepfunctions';
import { type PlacedState, type State, waitsForAnswer } from './asl.ts';
import type { Outcome } from './outcome.ts';
import type { EventRecord } from './event-record.ts';

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
  /** The last state at the top of the graph that was entered, and with what. */
  #entered: { readonly placed: PlacedState; readonly input: unknown } | undefined;
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
  /** How it ended, and when; undefined while it runs. */
  ending: { readonly outcome: Outcome; readonly at: string } | undefined;
  /** How often it was taken up again after its end. */
  redrives = 0;
  /** Every event. */
  readonly record: EventRecord;

  constructor(states: readonly PlacedState[], record: EventRecord) {
    this.#states = new Map(states.map((placed) => [placed.name, placed]));
    this.record = record;
  }

  get ended(): boolean {
    return this.ending !== undefined;
  }

  /** Only the first end counts: one that was stopped may still tell of what was under way. */
  end(outcome: Outcome, at: string, why?: { readonly error?: string; readonly cause?: string }): void {
    if (this.ending) return;
    this.ending = { outcome, at };
    this.record.end(outcome, why);
  }

  /** Takes the end back, and says where to go on.
   *  @throws Error unless it ended, without success, in a Task at the top of the graph */
  redrive(): { readonly state: string; readonly input: unknown } {
    const { placed, input } = this.#entered ?? {};
    const failed = this.ending !== undefined && this.ending.outcome.status !== 'SUCCEEDED';
    if (!failed || placed?.state.Type !== 'Task')
      throw new Error('Only an execution that ended in a Task, without success, can be redriven here.');
    this.ending = undefined;
    this.redrives += 1;
    this.record.redrive(this.redrives);
    return { state: placed.name, input };
  }

  async follow(events: Events, listeners: Listeners): Promise<void> {
    let lastError = '';
    for await (const event of events) {
      if (this.ended) return;
      this.record.take(event);
      if (event.type === 'MapIterationStarted') this.events += EVENTS.mapIteration;
      const placed = 'state' in event ? this.#states.get(event.state.name) : undefined;
      if (!placed) continue;
      if (event.type === 'StateEntered') this.#enter(placed, event.state.input, listeners);
      if (event.type === 'StateFailed') lastError = event.Error;
      if (event.type === 'StateRetried') {
        this.transitions += 1;
        this.events += isSubmitted(placed.state) ? EVENTS.syncRetry : EVENTS.lambdaRetry;
        listeners.retried(placed, lastError);
      }
      if (event.type === 'StateExited') {
        this.#exit(placed, event.state.output);
        listeners.exited(placed);
      }
    }
  }

  #enter(placed: PlacedState, input: unknown, listeners: Listeners): void {
    this.transitions += 1;
    this.events += eventsOf(placed);
    if (!placed.inMap) {
      this.#entered = { placed, input };
      this.path.push(placed.name);
    }
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
  return isSubmitted(state) ? EVENTS.sync : EVENTS.lambda;
}

/** Whether the history of a Task also tells that its work was handed over, and is waited for. */
const isSubmitted = (state: State): boolean =>
  state.Resource?.includes('.sync') === true || waitsForAnswer(state);
