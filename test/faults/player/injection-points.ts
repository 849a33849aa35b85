/** Where a fault can be injected: one call, named so that a person can read it and a second run finds it again. */
import { BAKE_ENVIRONMENT } from '../../../core/contract/environments.ts';
import type { Target } from '../../../core/contract/targets.ts';
import type { Call } from '../../../sandbox/sandbox.ts';
import type { Actor } from './baseline.ts';

/** A release, its retry, the sweep, one of two who repoint or retire, or an inventory. */
export type Who = Actor | (typeof OTHERS)[number];
const OTHERS = ['B', 'retry', 'sweep', 'repoint', 'inventory', 'retirement', 'other'] as const;

export interface InjectionPoint {
  readonly who: Who;
  /** The state at the top of the graph. */
  readonly state: string;
  /** Packer in a build has a life of its own: its calls are not those of the state that waits for it. */
  readonly by: 'state' | 'packer';
  /** `ssm:PutParameter`. */
  readonly operation: string;
  /** `<accountId>/<region>`, or `hub`. */
  readonly place: string;
  /** Counts from 1 within everything above. */
  readonly nth: number;
}

/** Everything but the number: what calls that a state repeats have in common. */
export const seriesOf = ({ who, state, by, operation, place }: Omit<InjectionPoint, 'nth'>): string =>
  `${who === 'A' ? '' : `${who}, `}${state}${by === 'packer' ? ', Packer' : ''}: ${operation} in ${place}`;

export const nameOfPoint = (point: InjectionPoint): string => `${seriesOf(point)} #${point.nth}`;

const NAME =
  /^(?:(?<who>B|retry|sweep|repoint|inventory|retirement|other), )?(?<state>[^:,]+)(?<packer>, Packer)?: (?<operation>\w+:[\w.]+) in (?<place>\S+) #(?<nth>\d+)$/;

const isOther = (who: string | undefined): who is Exclude<Who, 'A'> => OTHERS.some((one) => one === who);

/** The point of that name. @throws Error for what `nameOfPoint` never returns */
export function pointNamed(name: string): InjectionPoint {
  const { who, state = '', packer, operation = '', place = '', nth } = NAME.exec(name)?.groups ?? {};
  const point: InjectionPoint = {
    who: isOther(who) ? who : 'A',
    state,
    by: packer === undefined ? 'state' : 'packer',
    operation,
    place,
    nth: Number(nth),
  };
  if (nameOfPoint(point) !== name) throw new Error(`"${name}" names no call.`);
  return point;
}

/** Gives every call its point. */
export class CallCounter {
  readonly #whoOf: (execution: string) => Who;
  readonly #counts = new Map<string, number>();

  constructor(whoOf: (execution: string) => Who) {
    this.#whoOf = whoOf;
  }

  /** The point of a call that is being made now. */
  count(
    { execution, state }: { readonly execution: string; readonly state: string },
    rest: Pick<InjectionPoint, 'by' | 'operation' | 'place'>,
  ): InjectionPoint {
    const point = { who: this.#whoOf(execution), state, ...rest };
    const series = seriesOf(point);
    const nth = (this.#counts.get(series) ?? 0) + 1;
    this.#counts.set(series, nth);
    return { ...point, nth };
  }
}

/** Where a call that no build makes has its effect: a role's account, the hub, or a target. */
export function placeOfCall(
  hub: Target,
  { accountId, region, input }: Pick<Call, 'accountId' | 'region' | 'input'>,
): string {
  const assumed = /^arn:aws:iam::(\d{12}):/.exec(String(input['RoleArn']))?.[1];
  if (assumed !== undefined) return assumed;
  if (accountId === hub.accountId) return 'hub';
  return `${accountId}/${bakeRegion(input) ?? region}`;
}

/** StartBuild goes to the hub's region, for a bake in another one. */
function bakeRegion(input: Call['input']): string | undefined {
  const list = input['environmentVariablesOverride'];
  if (!Array.isArray(list)) return undefined;
  const found: unknown = list.find(
    (one: unknown) => Reflect.get(Object(one), 'name') === BAKE_ENVIRONMENT.region,
  );
  return found === undefined ? undefined : String(Reflect.get(Object(found), 'value'));
}
