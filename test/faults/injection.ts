/** Strikes single calls, and records every call that is made, so that the next scenarios know what there is to strike. */
import { ERRORS } from '../../core/contract/errors.ts';
import { currentState } from '../../sandbox/engine/call-site.ts';
import { StatesError } from '../../sandbox/engine/states-error.ts';
import { copyOfRegion } from '../../sandbox/rehearsal/region-copy.ts';
import type { Call, Sandbox } from '../../sandbox/sandbox.ts';
import type { Region } from '../../sandbox/aws/world.ts';
import { connectionLost, denial, interrupted, refusal, throttling } from './aws-refusals.ts';
import { curtailed, listLengthOf } from './partial-answers.ts';
import { Places, type Point, buildOf, kindOfPoint, nameOfPoint } from './points.ts';

/**
 * - `refused`: once, before any effect, with an error that nothing retries
 * - `unreachable`: once, before any effect; the connection broke
 * - `lost`: the effect happens, its reply is lost; once, or every time from this call on
 * - `throttled`: so many times from this call on
 * - `denied`: from this call on, for ever
 * - `slow`: never answers, once or from this call on; `slow after` has its effect all the same
 * - `dies`: the function that made the call ends right after it, without a word
 * - `killed`: the build that made the call is killed right after it; nothing of Packer cleans up
 * - `partial`: answers or does only a part of what was asked for, once
 * - `stale`: answers as the world was before its last, or last but one, change that matters to the answer; once, or for
 *   30 seconds
 * - `late`: answers at once, and has its effect half a minute later
 * - `not ready`: the task asks to be called again
 * - `too much`: the task does its work, but what it answers is too large for the state
 */
export const KINDS = [
  'refused',
  'unreachable',
  'lost',
  'lost always',
  'throttled 3 times',
  'throttled 30 times',
  'denied',
  'slow',
  'slow always',
  'slow after',
  'dies',
  'killed',
  'partial',
  'stale',
  'stale by two',
  'stale for 30 s',
  'late',
  'not ready 3 times',
  'too much',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Fault {
  readonly point: Point;
  readonly kind: Kind;
}

export const nameOfFault = ({ point, kind }: Fault): string => `${nameOfPoint(point)} ${kind}`;

/** A call that was made, and what decides which faults make sense for it. */
export interface RecordedCall {
  readonly point: Point;
  readonly mutating: boolean;
  /** Of its answer, when that is a list; of its request, when that names several things. */
  readonly items: number;
  /** How many different older answers there are. */
  readonly olderAnswers: number;
}

const STALE_MS = 30_000;
const LATE_MS = 30_000;
const never = async (): Promise<never> => new Promise<never>(() => {});

export class Injection {
  readonly #faults: readonly Fault[];
  readonly #places: Places;
  readonly #struck = new Set<Fault>();
  readonly #staleUntil = new Map<Fault, { until: number; at: Region }>();
  readonly #recorded: RecordedCall[] | undefined;
  readonly #keepsHistory: boolean;
  /** By place: what it held before each change, oldest first. */
  readonly #history = new Map<string, Region[]>();
  readonly #before: (point: Point) => Promise<void> | undefined;
  readonly #after: (point: Point, call: Call) => Promise<void> | undefined;
  #lifted = false;
  #recordedBeforeStrike = 0;

  constructor(options: {
    readonly faults: readonly Fault[];
    readonly places: Places;
    readonly records?: boolean;
    /** Called before every call; it may make the call wait. */
    readonly before?: (point: Point) => Promise<void> | undefined;
    /** Called after every call that reached its end; it may make the answer wait. */
    readonly after?: (point: Point, call: Call) => Promise<void> | undefined;
  }) {
    this.#faults = options.faults;
    this.#places = options.places;
    this.#recorded = options.records === true ? [] : undefined;
    this.#keepsHistory =
      options.records === true || options.faults.some(({ kind }) => kind.startsWith('stale'));
    this.#before = options.before ?? (() => undefined);
    this.#after = options.after ?? (() => undefined);
  }

  /** From now on nothing fails any more. */
  lift(): void {
    this.#lifted = true;
  }

  /** Faults that no call ever met. */
  get unmet(): Fault[] {
    return this.#faults.filter((fault) => !this.#struck.has(fault));
  }

  /** The calls after the latest fault struck for the first time; a further fault there does not keep it from striking. */
  get recordedSinceStrike(): readonly RecordedCall[] {
    return this.recorded.slice(this.#recordedBeforeStrike);
  }

  get recorded(): readonly RecordedCall[] {
    return this.#recorded ?? [];
  }

  install(sandbox: Sandbox): void {
    sandbox.intercept(async (call, next) => {
      if (currentState()?.over === true) return never();
      const point = this.#places.pointOf(sandbox, call);
      if (point === undefined) return next();
      await this.#before(point);
      this.#remember(sandbox, call);
      const fault = this.#faultAt(point);
      if (fault === undefined) {
        return this.#thenAfter(point, call, async () =>
          this.#recorded && !this.#lifted ? this.#record(sandbox, call, point, next) : next(),
        );
      }
      if (!this.#struck.has(fault)) this.#recordedBeforeStrike = this.recorded.length;
      this.#struck.add(fault);
      return this.#strike(fault, sandbox, call, next);
    });
  }

  /** Around a task's invocation, a nested execution's start or a whole build, which no SDK client makes. */
  async aroundService(operation: string, place: string, run: () => Promise<unknown>): Promise<unknown> {
    const point = this.#places.pointOfService(operation, place);
    const fault = point && this.#faultAt(point);
    if (fault === undefined) {
      if (point && !this.#lifted) this.#recorded?.push({ point, mutating: true, items: 0, olderAnswers: 0 });
      return run();
    }
    if (!this.#struck.has(fault)) this.#recordedBeforeStrike = this.recorded.length;
    this.#struck.add(fault);
    return strikeService(fault.kind, operation, run);
  }

  #faultAt(point: Point): Fault | undefined {
    if (this.#lifted) return undefined;
    const kind = kindOfPoint(point);
    return this.#faults.find((fault) => {
      const away = point.nth - fault.point.nth;
      return away >= 0 && away < lastsFor(fault.kind) && kindOfPoint(fault.point) === kind;
    });
  }

  /** A call has reached its end also when AWS answered with an error. */
  async #thenAfter(point: Point, call: Call, run: () => Promise<unknown>): Promise<unknown> {
    try {
      return await run();
    } finally {
      await this.#after(point, call);
    }
  }

  // oxlint-disable-next-line typescript/consistent-return -- Every kind is there, which the compiler sees.
  async #strike(fault: Fault, sandbox: Sandbox, call: Call, next: () => Promise<unknown>): Promise<unknown> {
    const { kind, point } = fault;
    const done = async (): Promise<unknown> => this.#thenAfter(point, call, next);
    const here = currentState();
    switch (kind) {
      case 'refused':
        throw refusal(call);
      case 'unreachable':
        throw connectionLost();
      case 'denied':
        throw denial(call);
      case 'throttled 3 times':
      case 'throttled 30 times':
        throw throttling(call);
      case 'lost':
      case 'lost always':
        await done();
        throw connectionLost();
      case 'slow':
      case 'slow always':
      case 'slow after':
        if (kind === 'slow after') await done();
        if (point.by === 'state') here?.lose('hangs');
        return never();
      case 'dies':
        await done();
        here?.lose('dies');
        if (here) here.over = true;
        return never();
      case 'killed':
        await done();
        buildOf(sandbox, call)?.build.stop.abort(new Error('The build was killed.'));
        return never();
      case 'late':
        return this.#late(sandbox, call, done);
      case 'partial':
        return this.#partially(call, done);
      case 'stale':
      case 'stale by two':
      case 'stale for 30 s':
        return this.#stale(fault, sandbox, call, next);
      case 'not ready 3 times':
      case 'too much':
        throw new Error(`${kind} strikes tasks, not their calls.`);
    }
  }

  /** What AWS has accepted it does sooner or later, whatever becomes of whoever asked. */
  #late({ clock }: Sandbox, call: Call, done: () => Promise<unknown>): unknown {
    void clock
      .sleep(LATE_MS)
      .then(done)
      .catch(() => {});
    return { ...(call.operation === 'PutParameter' && { Version: 1 }), $metadata: {} };
  }

  async #partially(call: Call, done: () => Promise<unknown>): Promise<unknown> {
    if (call.operation === 'PutEvents') {
      const Entries = [{ ErrorCode: 'InternalFailure', ErrorMessage: 'Unexpected exception.' }];
      return { FailedEntryCount: 1, Entries, $metadata: {} };
    }
    const { Resources: resources } = call.input;
    if (call.operation === 'CreateTags' && Array.isArray(resources)) {
      Object.assign(call.input, { Resources: resources.slice(0, 1) });
      await done();
      throw interrupted(call);
    }
    return curtailed(await done());
  }

  #remember({ world }: Sandbox, call: Call): void {
    if (!this.#keepsHistory || !call.mutating) return;
    const key = `${call.accountId}/${call.region}`;
    const held = this.#history.get(key) ?? [];
    held.push(copyOfRegion(world.region(call.accountId, call.region)));
    this.#history.set(key, held);
  }

  async #record(sandbox: Sandbox, call: Call, point: Point, next: () => Promise<unknown>): Promise<unknown> {
    const older = call.mutating ? [] : await this.#olderAnswers(sandbox, call, next);
    const entry = { point, mutating: call.mutating, olderAnswers: older.length };
    const asked = Array.isArray(call.input['Resources']) ? call.input['Resources'].length : 0;
    const index = this.#recorded?.push({ ...entry, items: asked }) ?? 0;
    const answer = await next();
    if (asked === 0 && this.#recorded) this.#recorded[index - 1] = { ...entry, items: listLengthOf(answer) };
    return answer;
  }

  async #stale(fault: Fault, sandbox: Sandbox, call: Call, next: () => Promise<unknown>): Promise<unknown> {
    const now = sandbox.clock.milliseconds();
    const held = this.#staleUntil.get(fault);
    if (held !== undefined && now > held.until) return next();
    const older =
      held?.at ?? (await this.#olderAnswers(sandbox, call, next))[fault.kind === 'stale by two' ? 1 : 0]?.at;
    if (older === undefined) {
      this.#struck.delete(fault);
      return next();
    }
    if (held === undefined) this.#staleUntil.set(fault, { until: now + STALE_MS, at: older });
    return asOf(sandbox, call, older, next);
  }

  /** Different answers that this read would have got before, the latest first; two are enough. */
  async #olderAnswers(sandbox: Sandbox, call: Call, next: () => Promise<unknown>) {
    const history = this.#history.get(`${call.accountId}/${call.region}`) ?? [];
    const seen = [await textOf(next())];
    const found: { readonly at: Region }[] = [];
    for (const at of history.toReversed()) {
      const text = await textOf(asOf(sandbox, call, at, next));
      if (!seen.includes(text)) found.push({ at });
      seen.push(text);
      if (found.length === 2) break;
    }
    return found;
  }
}

function lastsFor(kind: Kind): number {
  if (kind.endsWith(' 3 times')) return 3;
  if (kind === 'throttled 30 times') return 30;
  return kind === 'denied' || kind.endsWith('always') || kind === 'stale for 30 s' ? Infinity : 1;
}

/** Makes a call in a place as it was. The service looks at the place before it first waits for anything. */
async function asOf(
  { world }: Sandbox,
  call: Call,
  at: Region,
  next: () => Promise<unknown>,
): Promise<unknown> {
  const key = `${call.accountId}/${call.region}`;
  const current = world.region(call.accountId, call.region);
  world.regions.set(key, at);
  const answer = next();
  world.regions.set(key, current);
  return answer;
}

async function textOf(answer: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify({ ...Object(await answer), $metadata: undefined });
  } catch (error) {
    return String(error);
  }
}

async function strikeService(kind: Kind, operation: string, run: () => Promise<unknown>): Promise<unknown> {
  const service = operation.startsWith('lambda') ? 'Lambda' : 'StepFunctions';
  const lost = (): StatesError => new StatesError(`${service}.SdkClientException`, 'Connection reset');
  switch (kind) {
    case 'throttled 3 times':
    case 'throttled 30 times':
      throw new StatesError(
        service === 'Lambda' ? 'Lambda.TooManyRequestsException' : 'StepFunctions.ThrottlingException',
        'Rate exceeded',
      );
    case 'unreachable':
      throw lost();
    case 'lost':
    case 'lost always':
      await run();
      throw lost();
    case 'slow':
    case 'slow always':
    case 'slow after':
      if (kind === 'slow after') await run();
      if (service === 'Lambda')
        throw new StatesError('Sandbox.Timedout', 'Task timed out after 600.00 seconds');
      currentState()?.lose('hangs');
      return never();
    case 'not ready 3 times':
      throw new StatesError(ERRORS.notReadyYet, 'Not ready yet.');
    case 'too much':
      await run();
      throw new StatesError('States.DataLimitExceeded', 'The state returned a result that is too large.');
    default:
      throw new StatesError(`${service}.AccessDeniedException`, 'Not authorized.');
  }
}
