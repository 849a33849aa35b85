/** Breaks single calls in the embedded AWS, and records every call that is made. */
import { BAKE_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import { takeBack } from '../../../sandbox/aws/ec2/instances.ts';
import { currentState } from '../../../sandbox/engine/call-site.ts';
import type { Region } from '../../../sandbox/aws/world.ts';
import type { Call, Sandbox } from '../../../sandbox/sandbox.ts';
import {
  connectionLost,
  denial,
  interrupted,
  noBuildFree,
  noRoom,
  refusal,
  throttling,
} from '../player/aws-errors.ts';
import type { TaskService } from '../player/engine.ts';
import type { CallHooks } from '../player/environment.ts';
import { FaultPlan } from '../player/faults.ts';
import { CallCounter, type InjectionPoint, type Who } from '../player/injection-points.ts';
import { buildOf, originOf } from './call-origin.ts';
import type { SandboxFault } from './fault-kinds.ts';
import { History } from './history.ts';
import { curtailed, listLengthOf } from './partial-answers.ts';
import { Recorder } from './recorder.ts';
import { failService } from './service-faults.ts';

export interface InjectionOptions {
  readonly sandbox: Sandbox;
  readonly faults: readonly SandboxFault[];
  readonly whoOf: (execution: string) => Who;
  readonly records: boolean;
  readonly hooks: CallHooks;
}

type Run = () => Promise<unknown>;

const STALE_MS = 30_000;
const LATE_MS = 30_000;
/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleetError.html */
const NO_FLEET = {
  ErrorCode: 'InsufficientInstanceCapacity',
  ErrorMessage: 'There is no Spot capacity available that matches your request.',
};
const never = async (): Promise<never> => new Promise<never>(() => {});

export class Injection {
  readonly plan: FaultPlan<SandboxFault>;
  readonly recorder = new Recorder();
  readonly #sandbox: Sandbox;
  readonly #counter: CallCounter;
  readonly #hooks: CallHooks;
  readonly #records: boolean;
  /** Only where something may be asked of it: it costs a copy for every change. */
  readonly #history: History | undefined;
  readonly #staleUntil = new Map<SandboxFault, { readonly until: number; readonly at: Region }>();

  constructor({ sandbox, faults, whoOf, records, hooks }: InjectionOptions) {
    this.plan = new FaultPlan(faults);
    this.#sandbox = sandbox;
    this.#counter = new CallCounter(whoOf);
    this.#hooks = hooks;
    this.#records = records;
    if (records || faults.some(({ kind }) => kind.startsWith('stale'))) this.#history = new History(sandbox);
    sandbox.intercept((call, next) => this.#aroundCall(call, next));
  }

  async #aroundCall(call: Call, next: Run): Promise<unknown> {
    const here = currentState();
    if (here?.over === true) return never();
    if (here === undefined) return next();
    const operation = `${call.service}:${call.operation}`;
    const point = this.#counter.count(here, { operation, ...originOf(this.#sandbox, call) });
    await this.#hooks.before(point);
    if (call.mutating) this.#history?.remember(call);
    const fault = this.plan.at(point);
    if (fault !== undefined) {
      if (this.plan.meet(fault)) this.recorder.injected();
      return this.#inject(fault, call, next);
    }
    return this.#thenAfter(point, call, async () =>
      this.#isRecording ? this.#record(call, point, next) : next(),
    );
  }

  /** Around a task's invocation, a nested execution's start or a whole build, which no SDK client makes. */
  async aroundService(operation: TaskService, place: string, run: Run): Promise<unknown> {
    const here = currentState();
    if (here === undefined) return run();
    const point = this.#counter.count(here, { by: 'state', operation, place });
    const fault = this.plan.at(point);
    if (fault !== undefined) {
      if (this.plan.meet(fault)) this.recorder.injected();
      return failService(fault.kind, operation, run);
    }
    if (this.#isRecording) this.recorder.begin({ point, mutating: true, items: 0, olderAnswers: 0 });
    return run();
  }

  get #isRecording(): boolean {
    return this.#records && !this.plan.isLifted;
  }

  /** A call has come to its end also when AWS answered with an error. */
  async #thenAfter(point: InjectionPoint, call: Call, run: Run): Promise<unknown> {
    try {
      return await run();
    } finally {
      this.#hooks.observed(point, call);
      await this.#hooks.after(point);
    }
  }

  // oxlint-disable-next-line typescript/consistent-return -- Every kind is there, which the compiler sees.
  async #inject(fault: SandboxFault, call: Call, next: Run): Promise<unknown> {
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
      case 'no room':
        // A fleet that cannot be launched is an answer.
        if (call.operation === 'CreateFleet') return { Errors: [NO_FLEET], Instances: [], $metadata: {} };
        throw noRoom();
      case 'throttled 3 times':
      case 'throttled 30 times':
        throw throttling(call);
      case 'full 3 times':
      case 'full always':
        throw noBuildFree();
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
        buildOf(this.#sandbox, call)?.build.stop.abort(new Error('The build was killed.'));
        return never();
      case 'interrupted': {
        const answer = await done();
        const { world, clock } = this.#sandbox;
        const place = world.region(call.accountId, call.region);
        takeBack(clock, place, buildersOf(place, buildOf(this.#sandbox, call)));
        return answer;
      }
      case 'late':
        return this.#late(call, done);
      case 'partial':
        return partially(call, done);
      case 'stale':
      case 'stale by two':
      case 'stale for 30 s':
        return this.#stale(fault, call, next);
      case 'not ready 3 times':
      case 'too much':
        throw new Error(`${kind} is a fault of tasks, not of their calls.`);
    }
  }

  /** What AWS has accepted it does sooner or later, whatever becomes of whoever asked. */
  #late(call: Call, done: Run): unknown {
    void this.#sandbox.clock
      .sleep(LATE_MS)
      .then(done)
      .catch(() => {});
    return { ...(call.operation === 'PutParameter' && { Version: 1 }), $metadata: {} };
  }

  async #record(call: Call, point: InjectionPoint, next: Run): Promise<unknown> {
    const older = call.mutating || !this.#history ? [] : await this.#history.olderAnswers(call, next);
    const asked = Array.isArray(call.input['Resources']) ? call.input['Resources'].length : 0;
    const { mutating } = call;
    const complete = this.recorder.begin({ point, mutating, items: asked, olderAnswers: older.length });
    const answer = await next();
    if (asked === 0) complete(listLengthOf(answer));
    return answer;
  }

  async #stale(fault: SandboxFault, call: Call, next: Run): Promise<unknown> {
    const history = this.#history;
    if (history === undefined) throw new Error(`${fault.kind} needs to know what was there before.`);
    const now = this.#sandbox.clock.milliseconds();
    const held = this.#staleUntil.get(fault);
    if (held !== undefined && now > held.until) return next();
    const older = held?.at ?? (await history.olderAnswers(call, next))[fault.kind === 'stale by two' ? 1 : 0];
    if (older === undefined) {
      this.plan.miss(fault);
      return next();
    }
    if (held === undefined) this.#staleUntil.set(fault, { until: now + STALE_MS, at: older });
    return history.answerAsOf(call, older, next);
  }
}

/** The instances that a build has launched, as its release's tag says. */
function buildersOf({ instances }: Region, found: ReturnType<typeof buildOf>): string[] {
  const release = found?.build.environment[BAKE_ENVIRONMENT.release];
  return [...instances.values()]
    .filter(({ tags }) => tags.get(TAGS.release) === release)
    .map(({ instanceId }) => instanceId);
}

async function partially(call: Call, done: Run): Promise<unknown> {
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
