/** Gives every call its point, as the fault suite names it, and strikes the chosen ones on the wire. */
import { type Point, type Who, kindOfPoint, nameOfPoint } from '../../faults/points.ts';
import type { Ground } from '../../faults/ground.ts';
import { BAKE_ENVIRONMENT } from '../../../core/contract/environments.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import type { Caller } from '../../../sandbox/aws/context.ts';
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
} from './wire.ts';

/**
 * - `refused`, `denied`, `throttled`: an error of AWS, before any effect
 * - `reset`: the connection breaks before any effect; `lost`: after it
 * - `slow`: no answer within the time limit of the function; `slow after`: its effect happens all the same
 * - `killed`: the build that made the call is killed right after it
 * - `partial`: only a part of what was asked for is done; `ignored`: Systems Manager says that it stored a parameter, whose
 *   validation then fails
 * - `empty`: a list does not show yet what was made; `stale`: the answer is one that was given before
 */
export type Kind =
  | 'refused'
  | 'denied'
  | 'throttled'
  | 'reset'
  | 'lost'
  | 'slow'
  | 'slow after'
  | 'killed'
  | 'partial'
  | 'ignored'
  | 'empty'
  | 'stale';

export interface Fault {
  /** The name of the first call that it strikes. */
  readonly at: string;
  readonly kind: Kind;
  /** How many calls of that kind, counted on the wire: the SDK makes three of one. For ever when `denied`, else one. */
  readonly times?: number;
}

export const nameOfFault = ({ at, kind, times }: Fault): string =>
  `${at} ${kind}${times === undefined ? '' : ` ${times} times`}`;

export interface Effects {
  /** What AWS would do. */
  readonly perform: (call: Call, asked: Asked, origin: Origin) => Promise<Answer>;
  /** Called before each call; it may make the call wait. */
  readonly before: (point: Point) => Promise<void> | undefined;
  /** Called after each effect, before any other effect in EC2 and Systems Manager. */
  readonly look: (point: Point, call: Call) => Promise<void>;
  /** Called before the answer is given; it may make it wait. */
  readonly after: (point: Point) => Promise<void> | undefined;
}

export class Strikes {
  readonly #ground: Ground;
  readonly #whoOf: (execution: string) => Who;
  readonly #faults: readonly Fault[];
  readonly #effects: Effects;
  readonly #struck = new Set<Fault>();
  readonly #counts = new Map<string, number>();
  readonly #callers = new Map<string, Omit<Caller, 'region'>>();
  /** What was asked for, and the different answers it got, the newest last. */
  readonly #answers = new Map<string, string[]>();
  /** Every call that was made, by name. */
  readonly made: string[] = [];
  #calls = 0;
  #lifted = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ground: Ground, whoOf: (execution: string) => Who, faults: readonly Fault[], effects: Effects) {
    this.#ground = ground;
    this.#whoOf = whoOf;
    this.#faults = faults;
    this.#effects = effects;
  }

  get unmet(): Fault[] {
    return this.#faults.filter((fault) => !this.#struck.has(fault));
  }

  /** From now on nothing fails any more. */
  lift(): void {
    this.#lifted = true;
  }

  /** Whose credentials these are. */
  knows(accessKeyId: string, caller: Omit<Caller, 'region'>): void {
    this.#callers.set(accessKeyId, caller);
  }

  async serve(asked: Asked, origin: Origin): Promise<Reply> {
    const call = recognise(asked, ++this.#calls, (accessKeyId) => this.#callerOf(accessKeyId));
    const point = this.#pointOf(call, origin);
    this.made.push(nameOfPoint(point));
    const waiting = this.#effects.before(point);
    if (waiting) await origin.idle(async () => waiting);
    const effect = async (changed = asked): Promise<Answer> => {
      const answer = await this.#effect(call, changed, point, origin);
      const after = this.#effects.after(point);
      if (after) await origin.idle(async () => after);
      return answer;
    };
    const fault = this.#faultAt(point);
    if (fault === undefined) return effect();
    this.#struck.add(fault);
    return this.#strike(fault, call, asked, origin, effect);
  }

  async #strike(
    fault: Fault,
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

  async #effect(call: Call, asked: Asked, point: Point, origin: Origin): Promise<Answer> {
    const perform = async (): Promise<Answer> => {
      const answer = await this.#effects.perform(call, asked, origin);
      this.#remember(call, asked, answer);
      return answer;
    };
    if (!call.mutating || !['ec2', 'ssm'].includes(call.service)) return perform();
    const before = this.#turn;
    const turn = (async () => {
      await before;
      const answer = await perform();
      if (isVisible(point, call)) await this.#effects.look(point, call);
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
  #older(fault: Fault, call: Call, asked: Asked, answer: Answer): Answer {
    const seen = this.#answers.get(questionOf(call, asked)) ?? [];
    const older = seen.findLast((text) => text !== textOf(answer));
    if (older !== undefined) return withBody(answer, older);
    this.#struck.delete(fault);
    return answer;
  }

  #callerOf(accessKeyId: string): Omit<Caller, 'region'> {
    const known = this.#callers.get(accessKeyId);
    if (known === undefined) throw new Error(`Nobody knows whose access key ${accessKeyId} is.`);
    return known;
  }

  #pointOf(call: Call, { execution, state, by }: Origin): Point {
    const operation = `${call.service}:${call.operation}`;
    const who = this.#whoOf(execution);
    const rest = { who, state, by, operation, place: this.#placeOf(call) };
    const kind = kindOfPoint(rest);
    const nth = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, nth);
    return { ...rest, nth };
  }

  #placeOf({ accountId, region, input }: Call): string {
    const assumed = /^arn:aws:iam::(\d{12}):/.exec(String(input['RoleArn']))?.[1];
    if (assumed !== undefined) return assumed;
    if (accountId === this.#ground.hub.accountId) return 'hub';
    const variables = input['environmentVariablesOverride'];
    const found: unknown = Array.isArray(variables)
      ? variables.find((one: unknown) => Reflect.get(Object(one), 'name') === BAKE_ENVIRONMENT.region)
      : undefined;
    return `${accountId}/${found === undefined ? region : String(Reflect.get(Object(found), 'value'))}`;
  }

  #faultAt(point: Point): Fault | undefined {
    if (this.#lifted) return undefined;
    return this.#faults.find(({ at, kind, times = kind === 'denied' ? Infinity : 1 }) => {
      const [, where, first] = /^(.*) #(\d+)$/.exec(at) ?? [];
      const away = point.nth - Number(first);
      return where === kindOfPoint(point) && away >= 0 && away < times;
    });
  }
}

/** Of what Packer does, consumers could at most see an AMI. */
const isVisible = ({ by }: Point, { operation }: Call): boolean =>
  by === 'state' || operation === 'CreateImage';

const NO_EVENT_TAKEN = {
  FailedEntryCount: 1,
  Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'Unexpected exception.' }],
};

const questionOf = ({ accountId, region, operation }: Call, { url, body }: Asked): string =>
  `${accountId}/${region} ${operation} ${url} ${body}`;

/** Without what is new in every answer. */
const textOf = ({ body }: Answer): string => body.toString().replace(/<requestId>[^<]*<\/requestId>/i, '');
