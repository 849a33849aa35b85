/** The embedded AWS: one pipeline that every call of every client goes through. */
import type { Clock } from './aws/clock.ts';
import { autoscaling } from './aws/autoscaling.ts';
import { codebuild } from './aws/codebuild.ts';
import type { Caller, Context, Credentials, Operations, StepFunctions } from './aws/context.ts';
import { ec2 } from './aws/ec2/ec2.ts';
import { awsError, type Service } from './aws/errors.ts';
import { eventbridge } from './aws/eventbridge.ts';
import { iam } from './aws/iam.ts';
import { inspectorScan } from './aws/inspector-scan.ts';
import type { PackerBehaviour } from './packer/packer-build.ts';
import { checkPermission } from './aws/permissions.ts';
import { recycleBin } from './aws/recycle-bin.ts';
import { HUB_ROLES } from './aws/hub-roles.ts';
import { s3 } from './aws/s3.ts';
import { secretsManager } from './aws/secrets-manager.ts';
import { ssm } from './aws/ssm.ts';
import { sts } from './aws/sts.ts';
import type { World } from './aws/world.ts';

const SERVICES: Record<Exclude<Service, 'sfn' | 'cloudtrail'>, Operations> = {
  autoscaling,
  codebuild,
  ec2,
  eventbridge,
  iam,
  inspectorscan: inspectorScan,
  rbin: recycleBin,
  s3,
  secretsmanager: secretsManager,
  ssm,
  sts,
};

/** One AWS call, as it reaches AWS. */
export interface Call extends Caller {
  /** Counts from 1. */
  readonly number: number;
  readonly at: string;
  readonly service: Service;
  /** As the API names it: `DescribeImages`. */
  readonly operation: string;
  /** In `sandbox.calls`, bodies are replaced by their size. */
  readonly input: Readonly<Record<string, unknown>>;
  /** True when the operation changes something. */
  readonly mutating: boolean;
}

/**
 * Stands in the way of every call: it may throw before `next()` (AWS refused), after it (the reply was lost), answer
 * something else, or never answer.
 */
export type Interceptor = (call: Call, next: () => Promise<unknown>) => Promise<unknown>;

/** Where the calls of the hub's own Lambdas and state machines come from. */
export interface Hub {
  readonly accountId: string;
  readonly region: string;
  readonly bucket: string;
}

const READING = /^(Describe|Get|List|Lookup|BatchGet|Head|AssumeRole|Search|ScanSbom|Simulate)/;

export class Sandbox {
  readonly clock: Clock;
  readonly world: World;
  readonly hub: Hub;
  /** Every call that was made, unless `keepsCalls` is off. */
  readonly calls: Call[] = [];
  /** Off for rehearsals of many targets, which only count. */
  keepsCalls = true;
  /** How the simulated Packer behaves. */
  readonly builds: PackerBehaviour = {};
  /** Answers the commands of the Step Functions client, by operation. */
  stepFunctions?: StepFunctions;
  readonly #interceptors = new Set<Interceptor>();
  readonly #sessions = new Map<string, Omit<Caller, 'region'>>();
  #count = 0;

  constructor(clock: Clock, world: World, hub: Hub) {
    this.clock = clock;
    this.world = world;
    this.hub = hub;
  }

  /** How many calls were made. */
  get callCount(): number {
    return this.#count;
  }

  /** Adds an interceptor, outside those that are there already; the returned function removes it. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor);
    return () => {
      this.#interceptors.delete(interceptor);
    };
  }

  /** Credentials of a role's session. The same role and session always get the same access key. */
  issue(accountId: string, role: string, session: string): Credentials {
    const mark = this.world.hex(`${accountId}/${role}/${session}`, 16).toUpperCase();
    const accessKeyId = `ASIA${mark}`;
    this.#sessions.set(accessKeyId, { accountId, role, session });
    return { accessKeyId, secretAccessKey: `secret-${mark}`, sessionToken: `token-${mark}` };
  }

  /** Credentials of a Lambda function of the hub. */
  hubCredentials(): Credentials {
    return this.issue(this.hub.accountId, HUB_ROLES.tasks, 'packleader-tasks');
  }

  /** A part of the hub as a caller, for engines that call without an SDK client. */
  hubCaller(role: (typeof HUB_ROLES)[keyof typeof HUB_ROLES]): Caller {
    return { accountId: this.hub.accountId, region: this.hub.region, role, session: role };
  }

  /** Whose credentials these are. */
  caller(accessKeyId: string, region: string): Caller {
    const session = this.#sessions.get(accessKeyId);
    if (session === undefined) {
      throw awsError(
        'sts',
        'InvalidClientTokenId',
        'The security token included in the request is invalid.',
        403,
      );
    }
    return { ...session, region };
  }

  /** Makes one call. It takes no virtual time, but never answers at once. */
  async call(caller: Caller, service: Service, operation: string, input: object): Promise<unknown> {
    const call: Call = {
      ...caller,
      number: ++this.#count,
      at: this.clock.now().toISOString(),
      service,
      operation,
      input: { ...input },
      mutating: !READING.test(operation),
    };
    if (this.keepsCalls) this.calls.push({ ...call, input: summary(call.input) });
    this.clock.activity();
    await Promise.resolve();
    let next = async (): Promise<unknown> => this.#apply(call);
    for (const interceptor of this.#interceptors) {
      const inner = next;
      next = async () => interceptor(call, inner);
    }
    return next();
  }

  async #apply(call: Call): Promise<unknown> {
    const { accountId, region, role, session, service, operation, input } = call;
    const context: Context = {
      accountId,
      region,
      role,
      session,
      clock: this.clock,
      world: this.world,
      place: this.world.region(accountId, region),
      now: this.clock.milliseconds(),
      invoke: async (...request) => this.call(...request),
      issue: (...whom) => this.issue(...whom),
    };
    const run = this.#operation(service, operation);
    checkPermission(context, service, operation, input);
    const output = await run(context, input);
    return {
      ...(typeof output === 'object' ? output : {}),
      $metadata: { httpStatusCode: 200, attempts: 1, requestId: requestId(call.number) },
    };
  }

  #operation(service: Service, operation: string): (context: Context, input: object) => unknown {
    // Of the trail nobody asks more than who started executions: who runs them answers.
    const run =
      service === 'sfn' || service === 'cloudtrail'
        ? this.stepFunctions?.[operation]
        : SERVICES[service][operation];
    if (run === undefined) {
      throw new Error(
        `The sandbox does not implement ${service}:${operation}; it is refused so that no call succeeds by accident.`,
      );
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The command of that name made the input.
    return run as (context: Context, input: object) => unknown;
  }
}

function summary(input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { Body: body, ...rest } = input;
  if (body === undefined) return input;
  const size =
    typeof body === 'string' || body instanceof Uint8Array ? `${String(body.length)} bytes` : 'a stream';
  return { ...rest, Body: `<${size}>` };
}

const requestId = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
