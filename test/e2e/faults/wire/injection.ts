/** Gives every call its point, as the fault suite names it, and breaks the chosen ones on the wire. */
import type { CallHooks } from '../../../faults/player/environment.ts';
import { FaultPlan } from '../../../faults/player/faults.ts';
import {
  CallCounter,
  type InjectionPoint,
  type Who,
  nameOfPoint,
  placeOfCall,
} from '../../../faults/player/injection-points.ts';
import type { Target } from '../../../../core/contract/targets.ts';
import type { Call } from '../../../../sandbox/sandbox.ts';
import type { Caller } from '../../../../sandbox/aws/context.ts';
import type { Origin } from './origin.ts';
import type { Reply } from './proxy.ts';
import {
  type Answer,
  type Asked,
  emptied,
  jsonAnswer,
  onlyFirstResource,
  recognise,
  refusalOf,
  withBody,
} from './protocols.ts';
import type { WireFault } from './faults.ts';

export interface WireInjectionOptions {
  readonly hub: Target;
  readonly whoOf: (execution: string) => Who;
  readonly faults: readonly WireFault[];
  /** What AWS would do. */
  readonly perform: (call: Call, asked: Asked, origin: Origin) => Promise<Answer>;
  /** Reads what consumers can see, before any other effect in EC2 and Systems Manager. */
  readonly observe: () => Promise<void>;
  /** Gets the name of every call. */
  readonly calls: string[];
  readonly hooks: CallHooks;
}

export class WireInjection {
  readonly plan: FaultPlan<WireFault>;
  readonly #options: WireInjectionOptions;
  readonly #counter: CallCounter;
  readonly #callers = new Map<string, Omit<Caller, 'region'>>();
  /** What was asked for, and the different answers it got, the newest last. */
  readonly #answers = new Map<string, string[]>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: WireInjectionOptions) {
    this.plan = new FaultPlan(options.faults);
    this.#options = options;
    this.#counter = new CallCounter(options.whoOf);
  }

  /** Whose credentials these are. */
  knows(accessKeyId: string, caller: Omit<Caller, 'region'>): void {
    this.#callers.set(accessKeyId, caller);
  }

  async serve(asked: Asked, origin: Origin): Promise<Reply> {
    const { hub, calls, hooks } = this.#options;
    const call = recognise(asked, calls.length + 1, (accessKeyId) => this.#callerOf(accessKeyId));
    const operation = `${call.service}:${call.operation}`;
    const point = this.#counter.count(origin, { by: origin.by, operation, place: placeOfCall(hub, call) });
    calls.push(nameOfPoint(point));
    const waiting = hooks.before(point);
    if (waiting) await origin.idle(async () => waiting);
    const effect = async (changed = asked): Promise<Answer> => {
      const answer = await this.#effect(call, changed, point, origin);
      const after = hooks.after(point);
      if (after) await origin.idle(async () => after);
      return answer;
    };
    const fault = this.plan.at(point);
    if (fault === undefined) return effect();
    this.plan.meet(fault);
    return this.#inject(fault, call, asked, origin, effect);
  }

  async #inject(
    fault: WireFault,
    call: Call,
    asked: Asked,
    origin: Origin,
    effect: (changed?: Asked) => Promise<Answer>,
  ): Promise<Reply> {
    switch (fault.kind) {
      case 'refused':
      case 'denied':
      case 'throttled':
        return refusalOf(fault.kind, call);
      case 'lost':
        await effect();
        return 'reset';
      case 'reset':
        return 'reset';
      case 'slow after':
        await effect();
        origin.hang();
        return 'silence';
      case 'slow':
        origin.hang();
        return 'silence';
      case 'killed':
        await effect();
        origin.kill();
        return 'silence';
      case 'partial':
        if (call.operation === 'PutEvents') return jsonAnswer(NO_EVENT_TAKEN);
        await effect(onlyFirstResource(asked));
        return refusalOf('interrupted', call);
      case 'ignored':
        return jsonAnswer({ Version: 1, Tier: 'Standard' });
      case 'empty':
        return emptied(await effect());
      default:
        return this.#older(fault, call, asked, await effect());
    }
  }

  async #effect(call: Call, asked: Asked, point: InjectionPoint, origin: Origin): Promise<Answer> {
    const perform = async (): Promise<Answer> => {
      const answer = await this.#options.perform(call, asked, origin);
      this.#remember(call, asked, answer);
      return answer;
    };
    if (!call.mutating || !['ec2', 'ssm'].includes(call.service)) return perform();
    const before = this.#turn;
    const turn = (async () => {
      await before;
      const answer = await perform();
      if (isVisible(point, call)) {
        await this.#options.observe();
        this.#options.hooks.observed(point, call);
      }
      return answer;
    })();
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #remember(call: Call, asked: Asked, answer: Answer): void {
    if (call.operation === 'AssumeRole' && answer.status === 200) this.#rememberSession(call, answer);
    if (call.mutating || answer.status !== 200) return;
    const key = questionOf(call, asked);
    const seen = this.#answers.get(key) ?? [];
    const text = textOf(answer);
    if (seen.at(-1) !== text) seen.push(text);
    this.#answers.set(key, seen);
  }

  #rememberSession({ input }: Call, { body }: Answer): void {
    const accessKeyId = /<AccessKeyId>(\w+)</.exec(body.toString())?.[1] ?? '';
    const [, accountId = '', role = ''] =
      /^arn:aws:iam::(\d{12}):role\/(.+)$/.exec(String(input['RoleArn'])) ?? [];
    this.knows(accessKeyId, { accountId, role, session: String(input['RoleSessionName']) });
  }

  /** The newest answer that is not the present one, to the same question. */
  #older(fault: WireFault, call: Call, asked: Asked, answer: Answer): Answer {
    const seen = this.#answers.get(questionOf(call, asked)) ?? [];
    const older = seen.findLast((text) => text !== textOf(answer));
    if (older !== undefined) return withBody(answer, older);
    this.plan.miss(fault);
    return answer;
  }

  #callerOf(accessKeyId: string): Omit<Caller, 'region'> {
    const known = this.#callers.get(accessKeyId);
    if (known === undefined) throw new Error(`Nobody knows whose access key ${accessKeyId} is.`);
    return known;
  }
}

/** Of what Packer does, consumers could at most see an AMI. */
const isVisible = ({ by }: InjectionPoint, { operation }: Call): boolean =>
  by === 'state' || operation === 'CreateImage';

const NO_EVENT_TAKEN = {
  FailedEntryCount: 1,
  Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'Unexpected exception.' }],
};

const questionOf = ({ accountId, region, operation }: Call, { url, body }: Asked): string =>
  `${accountId}/${region} ${operation} ${url} ${body}`;

/** Without what is new in every answer. */
const textOf = ({ body }: Answer): string => body.toString().replace(/<requestId>[^<]*<\/requestId>/i, '');
