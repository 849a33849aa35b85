import type { Clock } from './clock.ts';
import type { Service } from './errors.ts';
import type { Region, World } from './world.ts';

/** Who calls, and where. */
export interface Caller {
  readonly accountId: string;
  readonly role: string;
  readonly session: string;
  readonly region: string;
}

/** Answers the commands of one Step Functions client; the engine that runs the state machines registers it. */
export type StepFunctions = Record<string, (caller: Caller, input: never) => unknown>;

/** What an operation gets besides its input. */
export interface Context extends Caller {
  readonly clock: Clock;
  readonly world: World;
  /** The caller's account in the caller's region. */
  readonly place: Region;
  readonly now: number;
  /** Makes another call, as somebody else, through the same log and interceptors. */
  readonly invoke: (caller: Caller, service: Service, operation: string, input: object) => Promise<unknown>;
  /** Credentials that stand for a role's session. */
  readonly issue: (accountId: string, role: string, session: string) => Credentials;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export type Operations = Record<string, (context: Context, input: never) => unknown>;

/** What an operation answers; the pipeline adds `$metadata`. */
export type Output<T> = Omit<T, '$metadata'>;

/** The answer of an operation that only says it was done. */
export type Done = Record<string, never>;

export const assumedRoleArn = ({ accountId, role, session }: Caller): string =>
  `arn:aws:sts::${accountId}:assumed-role/${role}/${session}`;
