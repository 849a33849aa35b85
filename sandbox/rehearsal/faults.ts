import * as z from 'zod';
import { BAKE_ENVIRONMENT } from '../../core/contract/environments.ts';
import { NAMES } from '../../core/contract/names.ts';
import type { Project } from '../aws/builds.ts';
import type { PackerFailure } from '../packer/packer-build.ts';
import { STATE_NAMES, stageIn } from '../../core/contract/state-names.ts';
import { withVulnerability } from '../aws/inspector-scan.ts';
import { FAILS } from '../aws/run-command.ts';
import { currentState } from '../engine/call-site.ts';
import { takeBack } from '../aws/ec2/instances.ts';
import type { Call, Sandbox } from '../sandbox.ts';

/**
 * How a state fails:
 * - `refused`: AWS refuses every call that would have an effect (in a state that only reads: every call), every time
 * - `lost`: every call that has an effect has it, but its reply is lost, every time
 * - `throttled`: AWS throttles the first three calls in each target
 * - `timeout`: the calls never answer, so the state times out; a build hangs until CodeBuild ends it
 * - `full`: CodeBuild has no build free, ever; only in a state that starts builds
 * - `failed`: the build runs and Packer fails, the AMI boots and a test fails, or the scanner finds something critical; only for bakes,
 *   tests and scans
 * - `capacity`: EC2 has no room for the builder at the first attempt; only for bakes
 * - `interrupted`: EC2 takes every Spot Instance back while it is a builder; only for bakes
 * - `silent`: the AMI boots, and its agent never reports; only for tests
 * - `drifted`: the bake ends well, and a mirror had a newer package than for the others; only for bakes
 */
export type FaultKind =
  | 'refused'
  | 'lost'
  | 'throttled'
  | 'timeout'
  | 'full'
  | 'failed'
  | 'silent'
  | 'capacity'
  | 'interrupted'
  | 'drifted';
/** What the build itself meets, and not the state that waits for it. */
const IN_BUILDS: readonly FaultKind[] = ['failed', 'capacity', 'drifted'];

export interface Fault {
  /** A state at the top of the graph. */
  readonly state: string;
  readonly kind: FaultKind;
  readonly accountId?: string;
  readonly region?: string;
  /** Of whose release; of every image's by default. */
  readonly image?: string;
  /** Times the fault strikes in each target; for ever by default, three times when throttled. */
  readonly times?: number;
}

const THROTTLES = 3;
const BUILDS: readonly string[] = [
  NAMES.bakeRole,
  NAMES.fetchSourceProject,
  NAMES.validateProject,
  NAMES.scanProject,
];
const READING_STATES = /^(Resolve|Take over|Check|Compare|Await|Scan|Verify) /;
export const FAULT_VARIABLE = 'SANDBOX_FAULT';
/** Longer than any time limit of a build. */
const HANGS_MINUTES = 48 * 60;

/** What a build of the hub runs, which a fault may let hang until CodeBuild ends it, or fail. */
export const faultyBuild =
  (run: Project['run']): Project['run'] =>
  async (build) => {
    const fault = build.environment[FAULT_VARIABLE];
    if (fault === 'timeout') await build.sleep(HANGS_MINUTES * 60_000);
    if (fault === 'failed') throw new Error('made to fail, to see what happens then');
    await run(build);
  };

const INTERRUPTED_AFTER_MS = 3 * 60_000;
const fleetSchema = z.object({ Instances: z.array(z.object({ InstanceIds: z.array(z.string()) })) });

const launchSchema = z.object({ Instances: z.array(z.object({ InstanceId: z.string() })) });

const FAILED: PackerFailure = {
  at: 'provision',
  message: 'Script exited with non-zero exit status: 1. Allowed exit codes are: [0]',
  printed: ['made to fail, to see what happens then'],
};
const NO_CAPACITY: PackerFailure = {
  at: 'instance',
  message:
    'Error launching source instance: InsufficientInstanceCapacity: We currently do not have sufficient capacity in the Availability Zone you requested.',
};

/** Of which image an execution is, by its name; undefined for one that is of none. */
export type ImageOf = (execution: string) => string | undefined;

/** Makes states fail, at the seam between the code and AWS; nothing in the code under test knows. */
export class Faults {
  readonly #faults: readonly Fault[];
  readonly #imageOf: ImageOf;
  readonly #struck = new Map<Fault, Map<string, number>>();
  #isLifted = false;

  constructor(faults: readonly Fault[], imageOf: ImageOf = () => undefined) {
    this.#faults = faults;
    this.#imageOf = imageOf;
  }

  /** Faults that no call ever met. */
  get unmet(): Fault[] {
    return this.#faults.filter((fault) => !this.#struck.has(fault));
  }

  /** From now on nothing fails any more. */
  lift(): void {
    this.#isLifted = true;
  }

  install(sandbox: Sandbox): void {
    const { fail, minutes, packages } = sandbox.builds;
    sandbox.builds.fail = (environment, run, accountId) => {
      const kind = environment[FAULT_VARIABLE];
      if (kind === 'failed') return FAILED;
      return kind === 'capacity' && run === 1 ? NO_CAPACITY : fail?.(environment, run, accountId);
    };
    sandbox.builds.minutes = (environment) =>
      environment[FAULT_VARIABLE] === 'timeout' ? HANGS_MINUTES : minutes?.(environment);
    sandbox.builds.packages = (usual, environment) => {
      const listed = packages?.(usual, environment) ?? usual;
      return environment[FAULT_VARIABLE] === 'drifted' ? newerPackage(listed) : listed;
    };
    sandbox.intercept(async (call, next) => {
      const here = currentState();
      const fault = this.#faults.find(
        (one) =>
          one.state === here?.state &&
          (one.image === undefined || one.image === this.#imageOf(here.execution)) &&
          !this.#isLifted &&
          concerns(one, call) &&
          this.#strikes(one, call),
      );
      if (!here || !fault) return next();
      if (call.operation === 'StartBuild' && [...IN_BUILDS, 'timeout'].includes(fault.kind)) {
        mark(call, fault.kind);
        return next();
      }
      if (call.operation === 'SendCommand' && fault.kind === 'failed')
        Object.assign(call.input, { Comment: FAILS });
      if (isOfTest(fault)) return call.operation === 'RunInstances' ? silence(sandbox, call, next) : next();
      if (fault.kind === 'interrupted') return interrupt(sandbox, call, next);
      if (isOfScan(fault)) return withVulnerability(await next());
      if (fault.kind === 'lost') {
        await next();
        throw named('TimeoutError', 'socket hang up');
      }
      if (fault.kind === 'full')
        throw named(
          'AccountLimitExceededException',
          'Cannot have more than 1 builds in queue for the account',
        );
      if (fault.kind === 'throttled') throw throttledError(call);
      if (fault.kind === 'timeout') {
        here.hangs = true;
        throw named('AbortError', 'The call never answered.');
      }
      throw refusal(call);
    });
  }

  /** Counts per target, so that every target meets the fault as often. */
  #strikes(fault: Fault, call: Call): boolean {
    const struck = this.#struck.get(fault) ?? new Map<string, number>();
    this.#struck.set(fault, struck);
    const target = `${call.accountId}/${regionOf(call)}`;
    const before = struck.get(target) ?? 0;
    struck.set(target, before + 1);
    return before < (fault.times ?? (fault.kind === 'throttled' ? THROTTLES : Infinity));
  }
}

/** Not of calls: of what a test meets in the instance. */
const isOfTest = ({ kind, state }: Fault): boolean =>
  kind === 'silent' || (kind === 'failed' && stageIn(state, 'test') !== undefined);

/** Not of the call either: of what the scanner finds. */
const isOfScan = ({ kind, state }: Fault): boolean => kind === 'failed' && state === STATE_NAMES.scanAmis;

/** The instance boots, and nobody hears of it. */
async function silence({ world }: Sandbox, call: Call, next: () => unknown): Promise<unknown> {
  const answer = await next();
  for (const { InstanceId: id } of launchSchema.parse(answer).Instances) {
    const instance = world.region(call.accountId, call.region).instances.get(id);
    if (instance) instance.silent = true;
  }
  return answer;
}

/** EC2 launches it, and wants it back when it has run for some minutes. */
async function interrupt({ world, clock }: Sandbox, call: Call, next: () => unknown): Promise<unknown> {
  const answer = await next();
  const ids = fleetSchema.parse(answer).Instances.flatMap(({ InstanceIds }) => InstanceIds);
  const place = world.region(call.accountId, call.region);
  clock.after(INTERRUPTED_AFTER_MS, () => takeBack(clock, place, ids));
  return answer;
}

function concerns(fault: Fault, call: Call): boolean {
  const isInterrupted = fault.kind === 'interrupted';
  // A build has a life of its own: what it calls is not called by the state that waits for it.
  if (call.operation === 'AssumeRole' || BUILDS.includes(call.role) !== isInterrupted) return false;
  if (fault.accountId !== undefined && fault.accountId !== call.accountId) return false;
  if (fault.region !== undefined && fault.region !== regionOf(call)) return false;
  if (isInterrupted) return call.operation === 'CreateFleet';
  if (isOfScan(fault)) return call.operation === 'ScanSbom';
  if (isOfTest(fault)) return call.operation === (fault.kind === 'silent' ? 'RunInstances' : 'SendCommand');
  if (fault.kind === 'full' || IN_BUILDS.includes(fault.kind)) return call.operation === 'StartBuild';
  return call.mutating || READING_STATES.test(fault.state);
}

const variablesSchema = z.array(
  z.object({ name: z.string(), value: z.string(), type: z.string().optional() }),
);

function variablesOf({ input }: Call) {
  return variablesSchema.parse(input['environmentVariablesOverride'] ?? []);
}

/** A build works in its target's region, though CodeBuild itself runs in the hub's. */
function regionOf(call: Call): string {
  if (call.operation !== 'StartBuild') return call.region;
  return variablesOf(call).find(({ name }) => name === BAKE_ENVIRONMENT.region)?.value ?? call.region;
}

/** Lets the build know that it is to fail, in the one place that reaches it. */
function mark(call: Call, kind: FaultKind): void {
  const others = variablesOf(call).filter(({ name }) => name !== FAULT_VARIABLE);
  const variables = [...others, { name: FAULT_VARIABLE, value: kind, type: 'PLAINTEXT' }];
  Object.assign(call.input, { environmentVariablesOverride: variables });
}

/** The first package of a list at its next release; what it is installed on is none. */
const newerPackage = (list: string): string =>
  list.replace(/^[^\t\n]+\t[^\t\n]*(?=\t(?!operating-system))/m, (versioned) => `${versioned}.1`);

function refusal({ service, operation }: Call): Error {
  const action = `${service}:${operation}`;
  if (service === 'ec2') {
    return named('UnauthorizedOperation', `You are not authorized to perform this operation: ${action}.`);
  }
  return named(
    service === 's3' ? 'AccessDenied' : 'AccessDeniedException',
    `Not authorized to perform ${action}.`,
  );
}

function throttledError({ service }: Call): Error {
  return service === 'ec2'
    ? named('RequestLimitExceeded', 'Request limit exceeded.')
    : named(service === 's3' ? 'SlowDown' : 'ThrottlingException', 'Rate exceeded');
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
