import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import type { StateMachine } from 'aws-local-stepfunctions';
import { type State, type StateGraph, waitsForAnswer } from './asl.ts';
import type { Outcome } from './outcome.ts';

/** What the interpreter tells of an execution. */
type Events = ReturnType<StateMachine['run']>['eventLogs'];
type Told = Events extends AsyncGenerator<infer T> ? T : never;

/** The attempts of a Task whose events come from two sides: the interpreter tells of the attempt, the engine of what it passed on. */
interface Attempts {
  /** Attempts whose parameters are not known yet, and parameters of which no attempt is told yet. */
  unscheduled: number;
  readonly scheduled: unknown[];
  /** Attempts that have handed over nothing yet, and what was handed over by an attempt that is not told yet. */
  open: number;
  readonly submitted: unknown[];
}

/** A state and the Map it is directly in; undefined at the top of the graph. */
interface Recorded {
  readonly state: State;
  readonly map: string | undefined;
}

/**
 * An execution's history as GetExecutionHistory returns it: numbered events, each naming the one before it. The interpreter does
 * not say which iteration of a Map a state is in: it is told by its input, which is the output of the state before it.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export class EventRecord {
  readonly events: HistoryEvent[] = [];
  readonly withData: boolean;
  readonly #now: () => Date;
  readonly #states: ReadonlyMap<string, Recorded>;
  /** The last event of the states directly in a Map, or at the top of the graph. */
  readonly #last = new Map<string | undefined, number>();
  /** By Map and input: the last event of an iteration. */
  readonly #iterations = new Map<string, number>();
  /** The iteration that is being told of; undefined at the top of the graph, and where nothing tells it. */
  #iteration: string | undefined;
  /** By Map: what its next iteration follows, and what its own end follows. */
  readonly #maps = new Map<string, { started: number; ended: number }>();
  /** Attempts that failed and were not retried, by state and input. */
  readonly #failed = new Set<string>();
  readonly #attempts = new Map<string, Attempts>();

  /** @param of.withData whether what states were given and have handed on is kept as well */
  constructor(
    definition: StateGraph,
    { input, withData }: { readonly input: unknown; readonly withData: boolean },
    now: () => Date,
  ) {
    this.withData = withData;
    this.#now = now;
    this.#states = recordedStates(definition, undefined);
    this.#add('ExecutionStarted', undefined, {
      executionStartedEventDetails: this.#data(input, 'input'),
    });
  }

  take(told: Told): void {
    if (told.type === 'MapIterationStarted') {
      const { name } = told.parentState;
      const details = { mapIterationStartedEventDetails: { name, index: told.index } };
      this.#last.set(name, this.#maps.get(name)?.started ?? 0);
      this.#add(told.type, name, details);
    }
    if (told.type === 'MapIterationSucceeded') {
      const { name } = told.parentState;
      const last = this.#last.get(name);
      const details = { mapIterationSucceededEventDetails: { name, index: told.index } };
      this.#maps.set(name, {
        started: this.#maps.get(name)?.started ?? 0,
        ended: this.#add(told.type, name, details),
      });
      if (last !== undefined) this.#last.set(name, last);
    }
    const recorded = 'state' in told ? this.#states.get(told.state.name) : undefined;
    if (!recorded || !('state' in told)) return;
    const { name, input, output } = told.state;
    this.#iteration = iterationOf(recorded, input);
    if (told.type === 'StateEntered') this.#enter(name, recorded, input);
    if (told.type === 'StateFailed' && recorded.state.Type === 'Task') {
      this.#failed.add(`${name} ${json(input)}`);
      this.#fail(recorded, { error: told.Error, cause: textOf(told.Cause) });
    }
    if (told.type === 'StateRetried') {
      this.#failed.delete(`${name} ${json(input)}`);
      this.#attempt(name, recorded);
    }
    if (told.type === 'StateExited') {
      this.#exit(name, recorded, output, this.#failed.delete(`${name} ${json(input)}`));
      const next = iterationOf(recorded, output);
      if (next !== undefined) this.#iterations.set(next, this.events.length);
    }
    this.#iteration = undefined;
  }

  /** A Task that waits for an answer passes this on, with its token in it. */
  scheduled(name: string, parameters: unknown): void {
    this.#attemptsOf(name).scheduled.push(parameters);
    this.#schedule(name);
  }

  /** A Task has started another execution, or has invoked what will have it answered, and waits. */
  submitted(name: string, output: unknown): void {
    this.#attemptsOf(name).submitted.push(output);
    this.#submit(name);
  }

  end(outcome: Outcome, stopped: { readonly error?: string; readonly cause?: string } = {}): void {
    if (outcome.status === 'SUCCEEDED') {
      const details = this.#data(outcome.output, 'output');
      this.#add('ExecutionSucceeded', undefined, { executionSucceededEventDetails: details });
    } else if (outcome.status === 'FAILED') {
      const { error, cause } = outcome;
      this.#add('ExecutionFailed', undefined, { executionFailedEventDetails: { error, cause } });
    } else if (outcome.status === 'TIMED_OUT') {
      this.#add('ExecutionTimedOut', undefined, {});
    } else {
      this.#add('ExecutionAborted', undefined, { executionAbortedEventDetails: stopped });
    }
  }

  /** It goes on. The state in which it ended is entered once more here, which AWS does not say again. */
  redrive(redriveCount: number): void {
    this.#add('ExecutionRedriven', undefined, { executionRedrivenEventDetails: { redriveCount } });
  }

  #enter(name: string, recorded: Recorded, input: unknown): void {
    const { state, map } = recorded;
    const details = { name, ...this.#data(input, 'input') };
    this.#add(`${state.Type}StateEntered`, map, { stateEnteredEventDetails: details });
    if (state.Type === 'Map') {
      const started = this.#add('MapStateStarted', map, {});
      this.#maps.set(name, { started, ended: started });
    }
    if (state.Type === 'Task') this.#attempt(name, recorded);
  }

  #attempt(name: string, { state, map }: Recorded): void {
    const resource = state.Resource ?? '';
    if (isLambda(state)) {
      this.#add('LambdaFunctionScheduled', map, { lambdaFunctionScheduledEventDetails: { resource } });
      this.#add('LambdaFunctionStarted', map, {});
      return;
    }
    const attempts = this.#attemptsOf(name);
    attempts.unscheduled += 1;
    if (!waitsForAnswer(state)) attempts.scheduled.push({});
    this.#schedule(name);
  }

  #schedule(name: string): void {
    const recorded = this.#states.get(name);
    if (!recorded) return;
    const { state, map } = recorded;
    const attempts = this.#attemptsOf(name);
    while (attempts.unscheduled > 0 && attempts.scheduled.length > 0) {
      attempts.unscheduled -= 1;
      const task = integrationOf(state);
      const parameters = json(attempts.scheduled.shift());
      this.#add('TaskScheduled', map, { taskScheduledEventDetails: { ...task, region: '', parameters } });
      this.#add('TaskStarted', map, { taskStartedEventDetails: task });
      attempts.open += 1;
    }
    this.#submit(name);
  }

  #submit(name: string): void {
    const recorded = this.#states.get(name);
    if (!recorded) return;
    const attempts = this.#attemptsOf(name);
    while (attempts.open > 0 && attempts.submitted.length > 0) {
      attempts.open -= 1;
      const details = {
        ...integrationOf(recorded.state),
        ...this.#data(attempts.submitted.shift(), 'output'),
      };
      this.#add('TaskSubmitted', recorded.map, { taskSubmittedEventDetails: details });
    }
  }

  #fail({ state, map }: Recorded, details: { readonly error: string; readonly cause: string }): void {
    const timedOut = details.error === 'States.Timeout';
    const task = { ...integrationOf(state), ...details };
    if (isLambda(state) && timedOut)
      this.#add('LambdaFunctionTimedOut', map, { lambdaFunctionTimedOutEventDetails: details });
    else if (isLambda(state))
      this.#add('LambdaFunctionFailed', map, { lambdaFunctionFailedEventDetails: details });
    else if (timedOut) this.#add('TaskTimedOut', map, { taskTimedOutEventDetails: task });
    else this.#add('TaskFailed', map, { taskFailedEventDetails: task });
  }

  #exit(name: string, { state, map }: Recorded, output: unknown, failed: boolean): void {
    if (state.Type === 'Task' && !failed) {
      if (isLambda(state)) this.#add('LambdaFunctionSucceeded', map, {});
      else this.#add('TaskSucceeded', map, { taskSucceededEventDetails: integrationOf(state) });
    }
    if (state.Type === 'Map') {
      this.#last.set(map, this.#maps.get(name)?.ended ?? 0);
      this.#add('MapStateSucceeded', map, {});
    }
    const details = { name, ...this.#data(output, 'output') };
    this.#add(`${state.Type}StateExited`, map, { stateExitedEventDetails: details });
  }

  #data(
    value: unknown,
    as: 'input' | 'output',
  ): { input?: string; inputDetails?: typeof WHOLE; output?: string; outputDetails?: typeof WHOLE } {
    if (!this.withData) return {};
    return as === 'input'
      ? { input: json(value), inputDetails: WHOLE }
      : { output: json(value), outputDetails: WHOLE };
  }

  #attemptsOf(name: string): Attempts {
    const attempts = this.#attempts.get(name) ?? { unscheduled: 0, scheduled: [], open: 0, submitted: [] };
    this.#attempts.set(name, attempts);
    return attempts;
  }

  #add(
    type: string,
    map: string | undefined,
    details: Omit<HistoryEvent, 'id' | 'type' | 'timestamp'>,
  ): number {
    const id = this.events.length + 1;
    this.events.push({
      timestamp: this.#now(),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Every type of state has events named after it.
      type: type as HistoryEventType,
      id,
      // The first state follows none, though it is the second event.
      previousEventId:
        id <= 2 ? 0 : (this.#iterations.get(this.#iteration ?? '') ?? this.#last.get(map) ?? 0),
      ...details,
    });
    this.#last.set(map, id);
    if (this.#iteration !== undefined) this.#iterations.set(this.#iteration, id);
    return id;
  }
}

const WHOLE = { truncated: false };

const iterationOf = ({ map }: Recorded, document: unknown): string | undefined =>
  map === undefined ? undefined : `${map} ${json(document)}`;

const json = (value: unknown): string => JSON.stringify(value ?? null);

const textOf = (cause: unknown): string => (typeof cause === 'string' ? cause : json(cause));

const isLambda = ({ Resource = '' }: State): boolean => Resource.startsWith('arn:aws:lambda:');

/** `arn:aws:states:::states:startExecution.sync:2` is `startExecution.sync:2` of `states`. */
function integrationOf({ Resource = '' }: State): { resourceType: string; resource: string } {
  const [, resourceType = '', resource = ''] = /^arn:aws:states:::([^:]+):(.+)$/.exec(Resource) ?? [];
  return { resourceType, resource };
}

function recordedStates(graph: StateGraph, map: string | undefined): Map<string, Recorded> {
  const all = new Map<string, Recorded>();
  for (const [name, state] of Object.entries(graph.States)) {
    all.set(name, { state, map });
    if (!state.ItemProcessor) continue;
    for (const [inner, recorded] of recordedStates(state.ItemProcessor, name)) all.set(inner, recorded);
  }
  return all;
}
