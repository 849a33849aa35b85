/** Where a fault can strike: one call, named so that a person can read it and a second run finds it again. */
import { BAKE_ENVIRONMENT } from '../../core/contract/environments.ts';
import { NAMES } from '../../core/contract/names.ts';
import { type CallSite, currentState } from '../../sandbox/engine/call-site.ts';
import type { IntegrationCall } from '../../sandbox/engine/engine.ts';
import type { Call, Sandbox } from '../../sandbox/sandbox.ts';
import type { Actor } from './ground.ts';

/** A release, or the sweep. */
export type Who = Actor | 'sweep';

export interface Point {
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

/** Everything but the number. */
export const kindOfPoint = ({ who, state, by, operation, place }: Omit<Point, 'nth'>): string =>
  `${who === 'A' ? '' : `${who}, `}${state}${by === 'packer' ? ', Packer' : ''}: ${operation} in ${place}`;

export const nameOfPoint = (point: Point): string => `${kindOfPoint(point)} #${point.nth}`;

/** Gives every call its point. */
export class Places {
  readonly #whoOf: (execution: string) => Who;
  readonly #counts = new Map<string, number>();

  constructor(whoOf: (execution: string) => Who) {
    this.#whoOf = whoOf;
  }

  /** The point of a call that is being made now; undefined outside the workflow. Counts. */
  pointOf(
    sandbox: Sandbox,
    call: Pick<Call, 'service' | 'operation' | 'accountId' | 'region'> & Partial<Call>,
  ): Point | undefined {
    const here = currentState();
    if (here === undefined) return undefined;
    const by = call.role === NAMES.bakeRole ? 'packer' : 'state';
    const place = by === 'packer' ? (buildOf(sandbox, call)?.place ?? '?') : placeOf(sandbox, call);
    return this.#counted(here, { by, operation: `${call.service}:${call.operation}`, place });
  }

  /** The point of a task's invocation, of a nested execution's start or of a whole build: what Step Functions itself runs. */
  pointOfService(operation: string, place: string): Point | undefined {
    const here = currentState();
    return here && this.#counted(here, { by: 'state', operation, place });
  }

  #counted(here: CallSite, rest: Pick<Point, 'by' | 'operation' | 'place'>): Point {
    const point = { who: this.#whoOf(here.execution), state: here.state, ...rest };
    const kind = kindOfPoint(point);
    const nth = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, nth);
    return { ...point, nth };
  }
}

function placeOf({ hub }: Sandbox, call: Pick<Call, 'accountId' | 'region'> & Partial<Call>): string {
  const assumed = /^arn:aws:iam::(\d{12}):/.exec(String(call.input?.['RoleArn']))?.[1];
  if (assumed !== undefined) return assumed;
  if (call.accountId === hub.accountId) return 'hub';
  const region = asked(call.input, 'PACKLEADER_REGION') ?? call.region;
  return `${call.accountId}/${region}`;
}

/** Where a Task has its effect: a build in the account whose role it assumes, everything else in the hub. */
export function placeOfTask({
  roleArn,
  parameters,
}: Pick<IntegrationCall, 'roleArn' | 'parameters'>): string {
  const accountId = /^arn:aws:iam::(\d{12}):/.exec(roleArn ?? '')?.[1];
  const list: unknown = Reflect.get(Object(parameters), 'EnvironmentVariablesOverride');
  const variables = Array.isArray(list)
    ? list.map((one: unknown) => new Map(Object.entries(Object(one))))
    : [];
  const region = variables.find((one) => one.get('Name') === BAKE_ENVIRONMENT.region)?.get('Value');
  return accountId === undefined ? 'hub' : `${accountId}/${String(region)}`;
}

/** StartBuild goes to the hub's region, for a bake in another one. */
function asked(input: Call['input'] | undefined, variable: string): string | undefined {
  const list = input?.['environmentVariablesOverride'];
  if (!Array.isArray(list)) return undefined;
  const found: unknown = list.find((one: unknown) => Reflect.get(Object(one), 'name') === variable);
  return found === undefined ? undefined : String(Reflect.get(Object(found), 'value'));
}

/** The build that makes a call, and where it bakes. */
export function buildOf({ world, hub }: Sandbox, call: Partial<Call>) {
  const builds = world.region(call.accountId ?? '', hub.region).builds.values();
  for (const build of builds) {
    if (call.session?.endsWith(build.id.slice(-12)) === true)
      return { build, place: `${build.accountId}/${build.environment['PACKLEADER_REGION'] ?? ''}` };
  }
  return undefined;
}
