/** Reads what happened in an execution, and only once. */
import {
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type SFNClient,
  paginateGetExecutionHistory,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { type AskedApproval, askedIn } from '../core/contract/approvals.ts';
import { asClientError } from './errors.ts';
import type { ReleaseError } from './result.ts';

/** One thing that happened to a state at the top of the graph. */
export interface Step {
  readonly phase: 'entered' | 'exited' | 'retried';
  readonly state: string;
  readonly at: Date;
  readonly error?: string;
  readonly output?: unknown;
}

export interface Ending {
  readonly status: 'succeeded' | 'failed' | 'stopped';
  readonly at: Date;
  readonly error: ReleaseError | null;
}

/** Where an event stands: how many Maps it is in, and which state at the top of the graph it is part of. */
interface Place {
  readonly depth: number;
  readonly top: string;
  /** The error of an attempt that failed, for the next one. */
  readonly failed?: string;
}

const FIRST_PAGES = 1_000;
/** Between two looks little happens. */
const NEWEST_PAGE = 50;

const submittedSchema = z.looseObject({ ExecutionArn: z.string() });
const errorSchema = z.looseObject({ error: z.string().default(''), cause: z.string().default('') });

export class ExecutionHistory {
  readonly arn: string;
  readonly path: string[] = [];
  /** When the last of them was entered. */
  enteredAt: Date | undefined;
  /** The last output of each state at the top of the graph. */
  readonly outputs = new Map<string, unknown>();
  /** The executions that it has started and waits for. */
  readonly children = new Set<string>();
  input: unknown;
  startedAt: Date | undefined;
  ending: Ending | undefined;
  /** The approval that it asks for, while nobody has answered. */
  asked: AskedApproval | undefined;
  readonly #places = new Map<number, Place>();
  readonly #states = new Map<string, Place>();
  #last = 0;

  constructor(arn: string) {
    this.arn = arn;
  }

  /** Whether anything of it has been read. */
  get known(): boolean {
    return this.#last > 0;
  }

  /**
   * Reads what has happened since the last time. Safe to call again after an error.
   *  @throws ReleaseNotFound, AccessDenied, NoCredentials, Throttled, HubUnreachable
   *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
   */
  async read(client: SFNClient, signal?: AbortSignal): Promise<Step[]> {
    if (this.ending) return [];
    try {
      const events = this.known
        ? await this.#newest(client, signal)
        : await allEvents(this.arn, client, signal);
      return events.flatMap((event) => this.#take(event));
    } catch (error) {
      signal?.throwIfAborted();
      throw asClientError(error, `cannot read ${this.arn}`);
    }
  }

  /** From the newest back to the last one that is known: a token for "what came after" does not exist. */
  async #newest(client: SFNClient, signal?: AbortSignal): Promise<HistoryEvent[]> {
    const found: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      signal?.throwIfAborted();
      const command = new GetExecutionHistoryCommand({
        executionArn: this.arn,
        includeExecutionData: true,
        reverseOrder: true,
        maxResults: NEWEST_PAGE,
        ...(nextToken !== undefined && { nextToken }),
      });
      const { events = [], ...page } = await client.send(command, signal ? { abortSignal: signal } : {});
      const fresh = events.filter(({ id = 0 }) => id > this.#last);
      found.push(...fresh);
      nextToken = fresh.length === events.length ? page.nextToken : undefined;
    } while (nextToken !== undefined);
    return found.reverse();
  }

  #take(event: HistoryEvent): Step[] {
    const { id = 0, type = '', timestamp: at = new Date(0) } = event;
    this.#last = id;
    const before = this.#places.get(event.previousEventId ?? 0) ?? TOP;
    const { name } = event.stateEnteredEventDetails ?? {};
    const { depth, top } = this.#placeOf(event, before);
    const failed = /^(Task|LambdaFunction).*(Failed|TimedOut)$/.test(type)
      ? detailsOf(event).error
      : undefined;
    this.#places.set(id, { depth, top, ...(failed !== undefined && { failed }) });
    if (name !== undefined) this.#states.set(name, { depth, top });
    if (type.startsWith('Execution')) this.#frame(event, type, at);
    this.asked = askedIn(event) ?? (ASKS.test(type) ? this.asked : undefined);
    if (type === 'TaskSubmitted') {
      const output = submittedSchema.safeParse(parse(event.taskSubmittedEventDetails?.output));
      if (output.success) this.children.add(output.data.ExecutionArn);
    }
    if (type.endsWith('Scheduled') && before.failed !== undefined)
      return [{ phase: 'retried', state: top, at, error: before.failed }];
    if (depth > 0) return [];
    if (name !== undefined) {
      this.path.push(name);
      this.enteredAt = at;
      return [{ phase: 'entered', state: name, at }];
    }
    const exited = event.stateExitedEventDetails;
    if (exited?.name === undefined) return [];
    const output = parse(exited.output);
    this.outputs.set(exited.name, output);
    return [{ phase: 'exited', state: exited.name, at, output }];
  }

  /** A state’s name is unique in its machine, so only a state that is entered must be placed by the event before it. */
  #placeOf(event: HistoryEvent, { depth, top }: Place): Place {
    const { type = '' } = event;
    const entered = event.stateEnteredEventDetails?.name;
    if (entered !== undefined) return { depth, top: depth === 0 ? entered : top };
    const exited = event.stateExitedEventDetails?.name;
    const map = iterationOf(event);
    const place = this.#states.get(exited ?? map ?? '') ?? { depth, top };
    return type === 'MapIterationStarted' ? { ...place, depth: place.depth + 1 } : place;
  }

  #frame(event: HistoryEvent, type: string, at: Date): void {
    if (type === 'ExecutionStarted') {
      this.startedAt = at;
      this.input = parse(event.executionStartedEventDetails?.input);
    }
    if (type === 'ExecutionSucceeded') this.ending = { status: 'succeeded', at, error: null };
    const { error: name, cause } = detailsOf(event);
    if (type === 'ExecutionFailed') this.ending = { status: 'failed', at, error: { name, cause } };
    if (type === 'ExecutionAborted') {
      const error = { name: name || 'Stopped', cause: cause || 'The execution was stopped.' };
      this.ending = { status: 'stopped', at, error };
    }
    if (type === 'ExecutionTimedOut') {
      const error = { name: name || 'States.Timeout', cause: cause || 'The execution ran out of time.' };
      this.ending = { status: 'stopped', at, error };
    }
  }
}

/** Every event of an execution, in order. */
export async function allEvents(
  executionArn: string,
  client: SFNClient,
  signal?: AbortSignal,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  const pages = paginateGetExecutionHistory(
    { client, pageSize: FIRST_PAGES },
    { executionArn, includeExecutionData: true },
    ...(signal ? [{ abortSignal: signal }] : []),
  );
  for await (const page of pages) {
    signal?.throwIfAborted();
    events.push(...(page.events ?? []));
  }
  return events;
}

/** What happens to a Task that waits until it is answered. */
const ASKS = /^Task(Started|Submitted)$/;

const TOP: Place = { depth: 0, top: '' };

/** The Map whose iteration begins or ends. */
function iterationOf(event: HistoryEvent): string | undefined {
  const details =
    event.mapIterationStartedEventDetails ??
    event.mapIterationSucceededEventDetails ??
    event.mapIterationFailedEventDetails ??
    event.mapIterationAbortedEventDetails;
  return details?.name;
}

/** The details of an event that failed are named after it: `taskFailedEventDetails` of `TaskFailed`. */
function detailsOf(event: HistoryEvent): { error: string; cause: string } {
  const { type = '' } = event;
  const key = `${type.slice(0, 1).toLowerCase()}${type.slice(1)}EventDetails`;
  const details = errorSchema.safeParse(Reflect.get(event, key));
  return details.success ? details.data : { error: '', cause: '' };
}

/** States' documents are JSON; one that is not is none that we know. */
function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return undefined;
  }
}
