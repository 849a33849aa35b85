import { StateMachine } from 'aws-local-stepfunctions';
import { type PlacedState, type State, type StateGraph, statesOf, waitsForAnswer, workerOf } from './asl.ts';
import { type CallSite, currentState, runAt } from './call-site.ts';
import { EventRecord } from './event-record.ts';
import { History } from './history.ts';
import {
  OF_STATE,
  type OfState,
  TASK_TOKEN,
  type TaskCall,
  invocationSchema,
  localise,
  taskCallSchema,
  waitSchema,
} from './localise.ts';
import type { Outcome } from './outcome.ts';
import { Retries } from './retries.ts';
import { StatesError } from './states-error.ts';
import { TaskTokens, type WaitingTask } from './task-tokens.ts';

/** Runs what a Task's `Resource` names. */
export type Integration = (call: IntegrationCall) => Promise<unknown>;

export interface IntegrationCall {
  readonly parameters: unknown;
  /** The role the Task assumes, if any. */
  readonly roleArn: string | undefined;
  readonly machine: Machine;
  readonly execution: Execution;
  /** The name of the Task. */
  readonly state: string;
}

export interface Machine {
  readonly name: string;
  readonly arn: string;
  readonly definition: StateGraph;
}

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: Machine;
  readonly input: unknown;
  readonly startedAt: string;
  readonly history: History;
  readonly outcome: Promise<Outcome>;
  /** Stops it as StopExecution does: nothing of it runs on, and no Catch does either. */
  readonly stop: (why?: { readonly error?: string; readonly cause?: string }) => void;
  /** As its machine's own time limit does: nothing in it runs any more, and no Catch. */
  readonly timeOut: () => void;
  /** Goes on as RedriveExecution does, with the Task in which it ended; `outcome` is that of the new run from then on.
   *  @throws Error unless it ended in a Task at the top of the graph: nothing else can be taken up here */
  readonly redrive: () => void;
}

export interface EngineOptions {
  readonly machines: readonly Machine[];
  /** By the ARN of what does a Task's work: the integration that runs it, or undefined when there is none. */
  readonly integrationOf: (resource: string) => Promise<Integration | undefined>;
  readonly now: () => Date;
  /** Rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Machines whose states belong to the state of the parent that started them. */
  readonly inner?: readonly string[];
  /**
   * Whether the events of every machine are kept with what its states were given and handed on, as GetExecutionHistory returns
   * them on request; in a rehearsal of many targets those of the inner machines are, which are small.
   */
  readonly keepsData?: boolean;
  readonly onEntered?: (execution: Execution, state: PlacedState) => void;
  readonly onExited?: (execution: Execution, state: PlacedState) => void;
  readonly onRetried?: (execution: Execution, state: PlacedState, error: string) => void;
}

/** What ends a run from outside. */
interface Running {
  stop?: () => void;
  over: AbortController;
}

/** Where a run begins. */
interface Beginning {
  readonly interpreter: StateMachine;
  readonly input: unknown;
}

/** An interpreter takes a while to make, and engines of the same machines can share it. */
const interpreters = new WeakMap<StateGraph, StateMachine>();

/** A test validates the definitions; doing it again at every start would take half a second. */
function interpreterOf(definition: StateGraph): StateMachine {
  return new StateMachine(JSON.parse(JSON.stringify(localise(definition))), {
    validationOptions: { noValidate: true },
  });
}

/** Executes state machines as CDK synthesised them, on a local interpreter and on virtual time. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #integrations: ReadonlyMap<string, Integration>;
  readonly #executions = new Map<string, Execution>();
  /** By which Tasks that wait for an answer are answered. */
  readonly tokens = new TaskTokens();

  private constructor(options: EngineOptions, integrations: ReadonlyMap<string, Integration>) {
    this.#options = options;
    this.#integrations = integrations;
  }

  /** @throws Error when a Task has nothing here that could run it; the interpreter would try the real AWS. */
  static async create(options: EngineOptions): Promise<Engine> {
    const integrations = new Map<string, Integration>();
    for (const { name, definition } of options.machines) {
      for (const placed of statesOf(definition)) {
        if (placed.state.Type !== 'Task') continue;
        refuseUnanswerable(placed);
        const worker = workerOf(placed.state);
        if (integrations.has(worker)) continue;
        const integration = await options.integrationOf(worker);
        if (!integration) throw new Error(`Nothing here can run "${placed.name}" of ${name}: ${worker}`);
        integrations.set(worker, integration);
      }
    }
    return new Engine(options, integrations);
  }

  get now(): Date {
    return this.#options.now();
  }

  get machines(): readonly Machine[] {
    return this.#options.machines;
  }

  get executions(): readonly Execution[] {
    return [...this.#executions.values()];
  }

  /**
   * Starts an execution. The same name with the same input joins the one that runs; otherwise the name is taken.
   *  @throws StatesError ExecutionAlreadyExists, StateMachineDoesNotExist
   */
  start(machineArn: string, name: string, input: unknown): Execution {
    const machine = this.#options.machines.find(({ arn }) => arn === machineArn);
    if (!machine) throw new StatesError('StepFunctions.StateMachineDoesNotExistException', machineArn);
    const arn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
    const existing = this.#executions.get(arn);
    if (existing) {
      if (!existing.history.ended && JSON.stringify(existing.input) === JSON.stringify(input))
        return existing;
      throw new StatesError(
        'StepFunctions.ExecutionAlreadyExistsException',
        `Execution Already Exists: '${arn}'`,
      );
    }
    const execution = this.#run(machine, arn, name, input);
    this.#executions.set(arn, execution);
    return execution;
  }

  #run(machine: Machine, arn: string, name: string, input: unknown): Execution {
    const { now, keepsData = false, inner = [] } = this.#options;
    const startedAt = now().toISOString();
    const withData = keepsData || inner.includes(machine.name);
    const record = new EventRecord(machine.definition, { input, withData }, now);
    const history = new History(statesOf(machine.definition), record);
    const running: Running = { over: new AbortController() };
    const begin = { interpreter: this.#interpreter(machine), input };
    let outcome = Promise.resolve().then(async () => this.#finish(execution, running, begin));
    const execution: Execution = {
      arn,
      name,
      machine,
      input,
      startedAt,
      history,
      get outcome() {
        return outcome;
      },
      stop: (why) => {
        history.end({ status: 'ABORTED' }, now().toISOString(), why);
        endRun(running);
      },
      timeOut: () => {
        history.end({ status: 'TIMED_OUT' }, now().toISOString());
        endRun(running);
      },
      redrive: () => {
        running.over = new AbortController();
        const from = history.redrive();
        const rest = interpreterOf({ ...machine.definition, StartAt: from.state });
        outcome = this.#finish(execution, running, { interpreter: rest, input: from.input });
      },
    };
    return execution;
  }

  async #finish(execution: Execution, running: Running, from: Beginning): Promise<Outcome> {
    const { machine, arn, name, input, startedAt, history } = execution;
    const { onEntered, onExited, onRetried } = this.#options;
    const names = statesOf(machine.definition).map((placed) => placed.name);
    const run = from.interpreter.run(plainJson(from.input), {
      overrides: {
        taskResourceLocalHandlers: this.#handlers(execution, running.over.signal),
        retryIntervalOverrides: Object.fromEntries(names.map((state) => [state, 0])),
      },
      context: {
        Run: {
          Id: arn,
          Name: name,
          StartTime: startedAt,
          Input: plainJson(input),
          RedriveCount: history.redrives,
        },
      },
    });
    running.stop = run.abort;
    const events = history.follow(run.eventLogs, {
      entered: (placed) => onEntered?.(execution, placed),
      exited: (placed) => onExited?.(execution, placed),
      retried: (placed, error) => onRetried?.(execution, placed, error),
    });
    if (history.ended) run.abort();
    const outcome = await outcomeOf(run.result, events);
    history.end(outcome, this.#options.now().toISOString());
    return history.ending?.outcome ?? outcome;
  }

  #interpreter(machine: Machine): StateMachine {
    const interpreter = interpreters.get(machine.definition) ?? interpreterOf(machine.definition);
    interpreters.set(machine.definition, interpreter);
    return interpreter;
  }

  #handlers(execution: Execution, over: AbortSignal) {
    const retries = new Retries(this.#options.sleep);
    const { history } = execution;
    const { redrives } = history;
    // The interpreter goes on with what a Map has begun, also when the execution is stopped.
    const isOver = (): boolean => history.ended || history.redrives > redrives;
    const states = statesOf(execution.machine.definition);
    const tasks = states.filter(({ state }) => state.Type === 'Task');
    const waits = states.filter(({ state }) => state.Type === 'Wait');
    return Object.fromEntries([
      ...tasks.map((placed) => [
        placed.name,
        async (call: unknown) => {
          if (isOver()) throw new StatesError('ExecutionIsOver', `${execution.name} was stopped.`);
          return this.#perform(placed, taskCallSchema.parse(call), execution, retries, over);
        },
      ]),
      ...waits.map(({ name }) => [name, async (call: unknown) => this.#waitUntil(call)]),
    ]);
  }

  async #waitUntil(call: unknown): Promise<Json> {
    const until = Date.parse(waitSchema.parse(call).parameters.until);
    await this.#options.sleep(Math.max(0, until - this.#options.now().getTime()));
    return null;
  }

  async #perform(
    placed: PlacedState,
    call: TaskCall,
    execution: Execution,
    retries: Retries,
    over: AbortSignal,
  ): Promise<Json> {
    const { machine } = execution;
    const worker = workerOf(placed.state);
    const integration = this.#integrations.get(worker);
    if (!integration) throw new Error(`Nothing here can run "${placed.name}"`);
    const around = currentState();
    const inherits = around !== undefined && (this.#options.inner ?? []).includes(machine.name);
    const by = /:function:([^:]+)$/.exec(worker)?.[1] ?? machine.name;
    const { state, ...from } = inherits
      ? around
      : { machine: machine.name, state: placed.top, execution: execution.name };
    const EnteredTime = this.#options.now().toISOString();
    // Iterations of a Map run at the same time, and are told apart by what they are given.
    const entry = `${placed.name} ${placed.inMap ? JSON.stringify(call.parameters) : ''}`;
    return retries.around(entry, placed.state, async (retryCount) => {
      const lost = Promise.withResolvers<'hangs' | 'dies'>();
      const here: CallSite = {
        machine: from.machine,
        state,
        execution: from.execution,
        by,
        lose: lost.resolve,
      };
      const waiting = waitsForAnswer(placed.state)
        ? this.tokens.open(`${execution.arn} ${placed.name}`)
        : undefined;
      const parameters = fillIn(call.parameters, {
        RetryCount: retryCount,
        EnteredTime,
        ...(waiting && { Token: waiting.token }),
      });
      if (waiting) execution.history.record.scheduled(placed.name, parameters);
      const answer = runAt(here, async () => ({
        result: await integration({
          parameters: waiting ? invocationSchema.parse(parameters).Payload : parameters,
          roleArn: call.credentials?.RoleArn,
          machine,
          execution,
          state: placed.name,
        }),
      }));
      const work = this.#worked(placed.state, here, answer, lost.promise);
      return waiting ? this.#answered(placed, execution, waiting, work, over) : work;
    });
  }

  /** What the worker answers; a fault may have lost that. */
  async #worked(
    state: State,
    here: CallSite,
    answer: Promise<{ readonly result: unknown }>,
    lost: Promise<'hangs' | 'dies'>,
  ): Promise<Json> {
    try {
      const first = await Promise.race([answer, lost]);
      if (first === 'dies') {
        here.over = true;
        throw new StatesError('Lambda.Unknown', 'The function ended without an answer.');
      }
      if (first !== 'hangs' && !here.hangs) return taskResult(first.result);
    } catch (error) {
      if (!here.hangs) throw error;
    } finally {
      answer.catch(() => {});
    }
    // The Task waits for somebody else; that its function is silent is noticed by the function's own time limit.
    const waits = waitsForAnswer(state);
    await this.#options.sleep((waits ? LONGEST_FUNCTION_SECONDS : (state.TimeoutSeconds ?? 60)) * 1000);
    here.over = true;
    throw new StatesError(waits ? 'Sandbox.Timedout' : 'States.Timeout', '');
  }

  /** Waits until the token is answered, which may be before its worker has. A worker that fails fails the Task. */
  async #answered(
    { name, state }: PlacedState,
    { history }: Execution,
    waiting: WaitingTask,
    work: Promise<Json>,
    over: AbortSignal,
  ): Promise<Json> {
    const settled = new AbortController();
    const limit = AbortSignal.any([over, settled.signal]);
    const submitted = work.then(async (Payload) => {
      history.record.submitted(name, { Payload, StatusCode: 200 });
      return waiting.answer;
    });
    const tooLate = this.#options
      .sleep((state.TimeoutSeconds ?? LONGEST_TASK_SECONDS) * 1000, limit)
      .then(() => {
        throw new StatesError('States.Timeout', '');
      });
    try {
      return taskResult(await Promise.race([waiting.answer, submitted, tooLate]));
    } finally {
      waiting.close();
      settled.abort();
      for (const one of [submitted, tooLate, waiting.answer]) one.catch(() => {});
    }
  }
}

/** What Step Functions takes where a Task has no time limit.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html */
const LONGEST_TASK_SECONDS = 99_999_999;

/** @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const LONGEST_FUNCTION_SECONDS = 900;

function endRun({ stop, over }: Running): void {
  stop?.();
  over.abort();
}

/** Step Functions refuses such a definition as well: nobody could ever answer. */
function refuseUnanswerable({ name, state }: PlacedState): void {
  const passesToken = JSON.stringify(state.Parameters ?? {}).includes(`"${TASK_TOKEN}"`);
  if (passesToken === waitsForAnswer(state)) return;
  throw new Error(
    passesToken ? `"${name}" has no token to pass on.` : `"${name}" waits, and passes its token to nobody.`,
  );
}

async function outcomeOf(result: Promise<unknown>, events: Promise<void>): Promise<Outcome> {
  try {
    const output = await result;
    await events;
    return { status: 'SUCCEEDED', output };
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionAbortedError') return { status: 'ABORTED' };
    await events;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : asError(error);
    return { status: 'FAILED', error: cause.name, cause: cause.message };
  }
}

type Json = Parameters<StateMachine['run']>[0];

/** What Step Functions hands from state to state is JSON, whatever the task returned. */
function taskResult(value: unknown): Json {
  if (Buffer.byteLength(JSON.stringify(value ?? null)) > 262_144) {
    throw new StatesError(
      'States.DataLimitExceeded',
      'The state/task returned a result with a size exceeding the maximum number of bytes service limit.',
    );
  }
  return plainJson(value);
}

function plainJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null));
}

function fillIn(value: unknown, known: OfState): unknown {
  if (typeof value === 'string') {
    const key = OF_STATE[value];
    return key === undefined ? value : known[key];
  }
  if (Array.isArray(value)) return value.map((item) => fillIn(item, known));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillIn(inner, known)]));
  }
  return value;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
