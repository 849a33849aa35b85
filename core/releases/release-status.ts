import { VERSION_PATTERN } from '../configuration/settings.ts';
import { type PlannedRelease, plannedReleaseSchema } from '../contract/releases.ts';
import { MOST_ATTEMPTS } from '../contract/limits.ts';
import { PIVOT } from '../contract/state-names.ts';
import { STATES } from '../contract/tags.ts';
import { executionName, releaseExecutionArn } from './execution-name.ts';
import { enteredStates, findExecution } from '../aws/executions.ts';

/** What the things of one release say of it, and what the sweep knows of itself. */
export interface Evidence {
  readonly releaseId: string;
  /** The values of the tags `packleader:execution` and `packleader:state` on whatever was found. */
  readonly executions: ReadonlySet<string>;
  readonly states: ReadonlySet<string>;
  /** Whether a parameter of its version was found. */
  readonly published: boolean;
  /** The releases that left a record when they were announced. */
  readonly recorded: ReadonlySet<string>;
  /** The sweep's own execution: its ARN names the hub. */
  readonly sweepArn: string;
  /** When the sweep began. */
  readonly now: string;
}

export interface Dead {
  readonly is: 'dead';
  readonly why: string;
  /** Undefined when it is so long ago that Step Functions has forgotten the execution. */
  readonly endedAt: string | undefined;
  /** A Lambda function that was publishing when the execution was stopped may go on for its whole time limit. */
  readonly publishing: boolean;
  /** What the execution was to do; undefined when it is forgotten. */
  readonly planned: PlannedRelease | undefined;
  /** The names of its executions, the first and its retries. */
  readonly attempts: readonly string[];
}

export type ReleaseStatus = { readonly is: 'running' | 'released' | 'unclear'; readonly why: string } | Dead;

/** How long Step Functions remembers an execution that has ended.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const REMEMBERED_DAYS = 90;

/** Every way in which an execution can have ended; in any other state it is taken for running. */
const ENDED: readonly string[] = ['ABORTED', 'FAILED', 'TIMED_OUT'];

/**
 * Decides what has become of a release. Only `dead` may be removed; a look-up that is refused throws, because unknown must
 * never be taken for dead. Why the history decides: docs/decisions/sweep-decides-by-history.md.
 */
export async function releaseStatusOf(evidence: Evidence): Promise<ReleaseStatus> {
  const { releaseId, executions, states, recorded, sweepArn } = evidence;
  const identity = readReleaseId(releaseId);
  if (!identity) return unclear(`"${releaseId}" in its tag is no release id of the form <image>@<version>`);
  if (recorded.has(releaseId)) return { is: 'released', why: 'it was announced' };
  // No execution ever made it, so none can have failed.
  if (states.has(STATES.imported))
    return { is: 'released', why: 'it was there before packleader, and was imported' };
  const arn = releaseExecutionArn(sweepArn, executionName(identity));
  const foreign = [...executions].find((one) => one !== arn);
  if (foreign !== undefined) return unclear(`its tag names another execution, ${foreign}`);
  let newest: Dead | undefined;
  // A retry is the same release: it is dead when its last attempt is, and each begins only after the one before it has ended.
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    const status = await attemptStatusOf(sweepArn, executionName(identity, attempt));
    if (!status) break;
    if (status.is !== 'dead') return status;
    newest = { ...status, attempts: [...(newest?.attempts ?? []), ...status.attempts] };
  }
  return newest ?? forgotten(evidence, identity.version);
}

/** What became of one execution that was to release an image; undefined when Step Functions does not know it, or not any more. */
export async function attemptStatusOf(anotherArn: string, name: string): Promise<ReleaseStatus | undefined> {
  const arn = releaseExecutionArn(anotherArn, name);
  const execution = await findExecution(arn);
  if (!execution) return undefined;
  const { status = 'RUNNING', stopDate, input } = execution;
  if (status === 'SUCCEEDED') return { is: 'released', why: 'its execution succeeded' };
  if (!ENDED.includes(status)) return { is: 'running', why: `its execution is ${status}` };
  const states = await enteredStates(arn);
  if (states.includes(PIVOT.behind))
    return { is: 'released', why: `its execution ended ${status}, after it was published` };
  return {
    is: 'dead',
    why: `its execution ended ${status}`,
    endedAt: stopDate?.toISOString(),
    publishing: states[0] === PIVOT.publish,
    planned: readInput(input),
    attempts: [name],
  };
}

/** `<image>@<version>`, or undefined for anything else. */
export function readReleaseId(releaseId: string): { image: string; version: string } | undefined {
  const [, image, version] = /^([^@]+)@([^@]+)$/.exec(releaseId) ?? [];
  if (image === undefined || version === undefined) return undefined;
  return VERSION_PATTERN.test(version) ? { image, version } : undefined;
}

/** Nobody can say any more how the execution ended: only what never got as far as a version tag can be given up. */
function forgotten({ states, published, now }: Evidence, version: string): ReleaseStatus {
  if (published || states.has(STATES.released) || states.has(STATES.revoked))
    return {
      is: 'released',
      why: 'Step Functions has forgotten its execution, and it is tagged or published',
    };
  const days = (Date.parse(now) - startOf(version)) / 86_400_000;
  if (days < REMEMBERED_DAYS)
    return unclear(
      `Step Functions does not know its execution, though it is only ${Math.floor(days)} days old`,
    );
  return {
    is: 'dead',
    why: `it never became more than a candidate, ${Math.floor(days)} days ago`,
    endedAt: undefined,
    publishing: false,
    planned: undefined,
    attempts: [],
  };
}

/** A version holds the time at which its release began. */
export function startOf(version: string): number {
  const [, time = ''] = /\.(\d{14})/.exec(version) ?? [];
  return Date.parse(time.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z'));
}

function readInput(input: string | undefined): PlannedRelease | undefined {
  const parsed = plannedReleaseSchema.safeParse(JSON.parse(input ?? 'null'));
  return parsed.success ? parsed.data : undefined;
}

const unclear = (why: string): ReleaseStatus => ({ is: 'unclear', why });
