import type { BuildPhaseType, StatusType } from '@aws-sdk/client-codebuild';
import type { Service } from './errors.ts';

/** What a project's `run` gets: one running build, and what it may do. */
export interface BuildRun {
  readonly id: string;
  readonly accountId: string;
  /** Where CodeBuild runs, which need not be where the build works. */
  readonly region: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Aborted when the build is stopped or times out. From then on nothing the run does has an effect. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Sets an exported environment variable. */
  readonly export: (name: string, value: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  readonly now: () => Date;
  /** What a command in an instance of the build's own account does: it shuts the instance down, after so long. */
  readonly shutDown: (region: string, instanceId: string, afterMs: number) => void;
  /** A file of the build's artifacts, which CodeBuild uploads when the build has ended. */
  readonly leave: (file: string, text: string) => void;
  /** One AWS call with the project's service role. */
  readonly call: (service: Service, operation: string, region: string, input: object) => Promise<unknown>;
}

export interface Project {
  readonly name: string;
  /** The service role, in the project's account. */
  readonly role: string;
  readonly timeoutMinutes: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Where the artifacts of each build go, in a folder of the build's own; by default nowhere. */
  readonly artifacts?: { readonly bucket: string; readonly path: string };
  /** Where its builds run; by default in no VPC of the account's. */
  readonly vpcId?: string;
  /** Throwing fails the build. */
  readonly run: (build: BuildRun) => Promise<void>;
}

export interface Phase {
  readonly type: BuildPhaseType;
  readonly startedAt: number;
  endedAt?: number;
  status?: StatusType;
  message?: string;
}

export interface Build {
  readonly id: string;
  readonly number: number;
  readonly project: Project;
  readonly accountId: string;
  readonly region: string;
  readonly startedAt: number;
  readonly startedBy: string;
  readonly timeoutMinutes: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly sourceVersion?: string;
  /** For idempotency: the token, when it was used, and what was asked for. */
  readonly token?: string;
  readonly asked: string;
  readonly stop: AbortController;
  status: StatusType;
  endedAt?: number;
  readonly phases: Phase[];
  readonly exported: Map<string, string>;
  /** Its artifacts, by their name. */
  readonly left: Map<string, string>;
  /** What CloudWatch Logs would show. */
  readonly log: string[];
}
