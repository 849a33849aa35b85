/** What AWS has and moto has not: a CodeBuild that bakes as Packer does, and a Step Functions that runs the state machines. */
import * as ec2 from '@aws-sdk/client-ec2';
import * as s3 from '@aws-sdk/client-s3';
import type { Build } from '../../../../sandbox/aws/builds.ts';
import { codebuild } from '../../../../sandbox/aws/codebuild.ts';
import type { Caller, Context, StepFunctions } from '../../../../sandbox/aws/context.ts';
import { packerBuild } from '../../../../sandbox/packer/packer-build.ts';
import type { Call } from '../../../../sandbox/sandbox.ts';
import type { World } from '../../../../sandbox/aws/world.ts';
import { NAMES } from '../../../../core/contract/names.ts';
import type { Target } from '../../../../core/contract/targets.ts';
import type { Credentials, Moto } from '../../moto.ts';
import { type Origin, asOrigin } from '../wire/origin.ts';
import type { RealWork } from '../wire/real-work.ts';
import { type Answer, errorAnswer, jsonAnswer } from '../wire/protocols.ts';

export interface ServicesOptions {
  readonly world: World;
  readonly moto: Moto;
  /** Where builds' own calls go. */
  readonly endpoint: string;
  readonly work: RealWork;
  readonly hub: Target;
  /** Called with the credentials that builds call with. */
  readonly knows: (accessKeyId: string, caller: Omit<Caller, 'region'>) => void;
}

export class Services {
  readonly #options: ServicesOptions;
  readonly #credentials = new Map<string, Promise<Credentials>>();
  /** Registered once there is an engine. */
  stepFunctions: StepFunctions = {};

  constructor(options: ServicesOptions) {
    this.#options = options;
  }

  /** The project of every account, in the hub's region. */
  addProject(accountId: string): void {
    const { world, hub } = this.#options;
    world.region(accountId, hub.region).projects.set(NAMES.bakeProject, {
      name: NAMES.bakeProject,
      role: NAMES.bakeRole,
      timeoutMinutes: 60,
      environment: {},
      run: packerBuild({}),
    });
  }

  async answer(call: Call, origin: Origin): Promise<Answer> {
    try {
      return jsonAnswer(await this.#run(call, origin));
    } catch (error) {
      return errorAnswer(call.service, error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #run(call: Call, origin: Origin): Promise<unknown> {
    const { service, operation, input } = call;
    const run: unknown = Reflect.get(service === 'sfn' ? this.stepFunctions : codebuild, operation);
    if (typeof run !== 'function') throw new Error(`Nobody knows ${service}:${operation} here.`);
    return run(this.#contextOf(call, origin), input);
  }

  #contextOf({ accountId, region, role, session }: Call, { execution, state }: Origin): Context {
    const { world } = this.#options;
    return {
      accountId,
      region,
      role,
      session,
      world,
      clock: world.clock,
      place: world.region(accountId, region),
      now: world.clock.milliseconds(),
      invoke: async (caller, service, operation, input) =>
        this.#invoke({ execution, state }, caller, service, operation, input),
      issue: () => {
        throw new Error('Only moto issues credentials.');
      },
    };
  }

  /** Packer's call, over the wire. Its session says which build makes it. */
  async #invoke(
    from: Pick<Origin, 'execution' | 'state'>,
    caller: Caller,
    service: string,
    operation: string,
    input: object,
  ): Promise<unknown> {
    const { work, endpoint, knows } = this.#options;
    const build = this.#buildOf(caller);
    return work.around(async ({ forget, idle }) => {
      const credentials = await this.#credentialsOf(caller.accountId);
      knows(credentials.accessKeyId, caller);
      const origin: Origin = {
        ...from,
        by: 'packer',
        isOver: () => build.stop.signal.aborted,
        hang: forget,
        idle,
        kill: () => {
          forget();
          build.stop.abort(new Error('The build was killed.'));
        },
      };
      const client = { region: caller.region, endpoint, credentials };
      return asOrigin(origin, async () =>
        service === 's3'
          ? new s3.S3Client(client).send(commandOf<typeof s3.GetObjectCommand>(s3, operation, input))
          : new ec2.EC2Client(client).send(commandOf<typeof ec2.RunInstancesCommand>(ec2, operation, input)),
      );
    });
  }

  #buildOf({ accountId, session }: Caller): Build {
    const { world, hub } = this.#options;
    const builds = [...world.region(accountId, hub.region).builds.values()];
    const found = builds.find(({ id }) => session.endsWith(id.slice(-12)));
    if (found === undefined) throw new Error(`${session} is the session of no build.`);
    return found;
  }

  async #credentialsOf(accountId: string): Promise<Credentials> {
    const held = this.#credentials.get(accountId) ?? this.#options.moto.assume(accountId, NAMES.bakeRole);
    this.#credentials.set(accountId, held);
    return held;
  }
}

function commandOf<T extends abstract new (...arguments_: never) => object>(
  sdk: object,
  operation: string,
  input: object,
): InstanceType<T> {
  const command: unknown = Reflect.get(sdk, `${operation}Command`);
  if (typeof command !== 'function') throw new Error(`The SDK has no ${operation}Command.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The operation of that name made the input.
  return Reflect.construct(command, [input]) as InstanceType<T>;
}
