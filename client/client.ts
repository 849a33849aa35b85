/**
 * Starts, reads and awaits releases on a real hub, for programs; the commands `release`, `status` and `watch` are made of
 * it.
 *
 *     const handle = await startRelease({ images: ['linux-base'] }, { key: process.env.GITHUB_RUN_ID });
 *     const { releases } = await waitForRelease(handle, { timeoutMs: 3 * 60 * 60_000 });
 *     for (const { targets } of releases) for (const { imageId } of targets) console.log(imageId);
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  type ExecutionListItem,
  ListExecutionsCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { PackleaderError } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import { type ReleaseRequest, releaseRequestSchema } from '../core/contract/requests.ts';
import { parseRequest } from '../core/releases/release-request.ts';
import {
  HubUnreachable,
  KeyReused,
  ReleaseRefused,
  ReleaseRolledBack,
  ReleaseStopped,
  RollbackIncomplete,
  Throttled,
  WaitTimedOut,
  asClientError,
} from './errors.ts';
import { ReleaseFollower } from './follow.ts';
import { type Hub, type HubOptions, executionArn, findExecution, hubOf, machineArn } from './hub.ts';
import type { ReleaseHandle, ReleaseResult } from './result.ts';
import type { ReleaseProgress } from '../core/releases/release-progress.ts';

export type { HubOptions } from './hub.ts';
export type {
  ImageRelease,
  Outcome,
  ReleaseError,
  ReleaseHandle,
  ReleaseResult,
  ReleaseTarget,
} from './result.ts';
export type { ReleaseProgress } from '../core/releases/release-progress.ts';

export interface StartOptions extends HubOptions {
  /**
   * Starting again with the same key and request is the same release, for 90 days; a CI job's run id is a good one. By
   * default the request itself and the minute: a start that is repeated at once starts nothing twice.
   */
  readonly key?: string;
  /** By default the real time; it makes the default key. */
  readonly now?: () => Date;
}

/**
 * Starts a release and does not wait for it. Safe to repeat with the same `key`.
 *  @param request as the state machine takes it; `{}` releases whatever changed
 *  @throws ReleaseRefused (nothing was started), KeyReused, HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled,
 *    HubUnreachable (it may have been started: repeat with the same key)
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export async function startRelease(
  request: ReleaseRequest,
  options: StartOptions = {},
): Promise<ReleaseHandle> {
  const { signal, key, now = () => new Date() } = options;
  signal?.throwIfAborted();
  refuseInvalid(request);
  const input = canonicalJson(request);
  const name = key === undefined ? derivedName(request, input, now()) : nameOfKey(key);
  const hub = await hubOf(options);
  const stateMachineArn = machineArn(hub.target, NAMES.releaseMachine);
  const arn = executionArn(hub.target, NAMES.releaseMachine, name);
  try {
    const command = new StartExecutionCommand({ stateMachineArn, name, input });
    const { startDate } = await hub.client.send(command, signal ? { abortSignal: signal } : {});
    return { executionArn: arn, name, startedAt: (startDate ?? now()).toISOString() };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Error && error.name === 'ExecutionAlreadyExists')
      return existing(hub, arn, name, input, signal);
    throw asClientError(error, `cannot start ${arn}`);
  }
}

function refuseInvalid(request: unknown): void {
  try {
    parseRequest(request);
  } catch (error) {
    if (error instanceof PackleaderError) throw new ReleaseRefused(error.message);
    throw error;
  }
}

/** The execution that has the name already, when it was started with the same input. */
async function existing(
  { client }: Hub,
  arn: string,
  name: string,
  input: string,
  signal: AbortSignal | undefined,
): Promise<ReleaseHandle> {
  let found: DescribeExecutionCommandOutput;
  try {
    const command = new DescribeExecutionCommand({ executionArn: arn });
    found = await client.send(command, signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot read ${arn}, which was started before`);
  }
  const startedAt = (found.startDate ?? new Date(0)).toISOString();
  // An input that cannot be read cannot be the same one.
  if (found.input === undefined || canonicalJson(parsed(found.input)) !== input) {
    throw new KeyReused(
      `${arn} was started at ${startedAt} with the same key, but another request: ${found.input ?? 'unreadable'}`,
    );
  }
  return { executionArn: arn, name, startedAt };
}

/**
 * What is known about a release now.
 *  @param release a handle, the ARN or name of its execution, or a release id, `<image>@<version>`
 *  @throws ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function getRelease(
  release: ReleaseHandle | string,
  options: HubOptions = {},
): Promise<ReleaseResult> {
  options.signal?.throwIfAborted();
  const { execution, client } = await findExecution(idOf(release), options);
  const follower = new ReleaseFollower(execution, client);
  await follower.look(options.signal);
  return follower.result();
}

export interface WaitOptions extends HubOptions {
  /** How long to wait at most; for ever by default. A release itself ends after hours at the latest. */
  readonly timeoutMs?: number;
  /** Told within half a minute: what happened since the last time, in order, and what is known by now. */
  readonly onProgress?: (news: readonly ReleaseProgress[], result: ReleaseResult) => void;
  /** By default the real time. */
  readonly clock?: Clock;
}

export interface Clock {
  readonly now: () => Date;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const REAL_TIME: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
};

/** A timer that is aborted rejects with an error of its own; the signal's reason is what was promised. */
async function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  signal?.throwIfAborted();
}

const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 20_000;
/** So many looks in a row may be throttled or lost: a quarter of an hour or more. */
const LOST_LOOKS = 60;

/**
 * Waits for the end of a release, whatever it is; {@link waitForRelease} throws unless it is a good one.
 *  @throws WaitTimedOut, ReleaseNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled and HubUnreachable (both only
 *    after many attempts)
 */
export async function followRelease(
  release: ReleaseHandle | string,
  options: WaitOptions = {},
): Promise<ReleaseResult> {
  const { timeoutMs, onProgress, signal, clock = REAL_TIME } = options;
  signal?.throwIfAborted();
  const { execution, client } = await findExecution(idOf(release), options);
  const follower = new ReleaseFollower(execution, client);
  const deadline = timeoutMs === undefined ? Infinity : clock.now().getTime() + timeoutMs;
  let delayMs = FIRST_DELAY_MS;
  let lost = 0;
  for (;;) {
    try {
      const news = await follower.look(signal);
      if (news.length > 0) onProgress?.(news, follower.result());
      if (follower.ended) return follower.result();
      delayMs = news.length > 0 ? FIRST_DELAY_MS : Math.min(delayMs * 1.5, LONGEST_DELAY_MS);
      lost = 0;
    } catch (error) {
      const passes = error instanceof Throttled || error instanceof HubUnreachable;
      if (!passes || ++lost >= LOST_LOOKS) throw error;
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    }
    const left = deadline - clock.now().getTime();
    if (left <= 0) {
      throw new WaitTimedOut(`${execution.arn} still runs after ${(timeoutMs ?? 0) / 1000} s; it goes on`);
    }
    // Between half and all of it, so that many who wait do not ask at the same time.
    await pause(clock, Math.min(left, delayMs * (0.5 + Math.random() / 2)), signal);
  }
}

/**
 * Waits until every image is released.
 *  @throws ReleaseRolledBack, RollbackIncomplete, ReleaseRefused and ReleaseStopped, each with the `result`; besides what
 *    {@link followRelease} throws
 */
export async function waitForRelease(
  release: ReleaseHandle | string,
  options: WaitOptions = {},
): Promise<ReleaseResult> {
  const result = await followRelease(release, options);
  const { outcome } = result;
  if (outcome === 'released') return result;
  const why = result.error ?? result.releases.find(({ error }) => error)?.error;
  const message = `${result.executionArn}: ${outcome}${why ? `: ${why.name}: ${why.cause}` : ''}`;
  if (outcome === 'refused') throw new ReleaseRefused(message, result);
  if (outcome === 'rolled back') throw new ReleaseRolledBack(message, result);
  if (outcome === 'stopped') throw new ReleaseStopped(message, result);
  throw new RollbackIncomplete(message, result);
}

/** An execution of `packleader-release`, as a list shows it. */
export interface ListedRelease extends ReleaseHandle {
  /** What can be told without reading it: a release that `failed` is rolled back, refused, or worse. */
  readonly status: 'running' | 'released' | 'failed' | 'stopped';
  readonly stoppedAt: string | null;
}

/**
 * The latest releases, newest first.
 *  @param options.limit at most 1,000; 10 by default
 *  @throws HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function listReleases(
  options: HubOptions & { readonly limit?: number } = {},
): Promise<ListedRelease[]> {
  const { signal, limit = 10 } = options;
  signal?.throwIfAborted();
  const hub = await hubOf(options);
  const stateMachineArn = machineArn(hub.target, NAMES.releaseMachine);
  try {
    const command = new ListExecutionsCommand({ stateMachineArn, maxResults: limit });
    const { executions = [] } = await hub.client.send(command, signal ? { abortSignal: signal } : {});
    return executions.map(listed);
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, `cannot list the executions of ${stateMachineArn}`);
  }
}

function listed({
  executionArn: arn = '',
  name = '',
  status,
  startDate,
  stopDate,
}: ExecutionListItem): ListedRelease {
  return {
    executionArn: arn,
    name,
    status: STATUSES[status ?? ''] ?? 'stopped',
    startedAt: (startDate ?? new Date(0)).toISOString(),
    stoppedAt: stopDate?.toISOString() ?? null,
  };
}

const STATUSES: Readonly<Record<string, ListedRelease['status']>> = {
  RUNNING: 'running',
  PENDING_REDRIVE: 'running',
  SUCCEEDED: 'released',
  FAILED: 'failed',
};

const idOf = (release: ReleaseHandle | string): string =>
  typeof release === 'string' ? release : release.executionArn;

/** A name has 80 characters of these at most; any other key is told by its hash. */
function nameOfKey(key: string): string {
  if (key === '')
    throw new ReleaseRefused('The key is empty, but must name one release, as a CI run id does.');
  if (/^[\w-]{1,80}$/.test(key)) return key;
  return `${slug(key).slice(0, 60)}-${hash(key)}`;
}

function derivedName({ image, images }: ReleaseRequest, input: string, now: Date): string {
  const chosen = image ?? images?.join('-') ?? 'whatever-changed';
  const minute = now.toISOString().slice(0, 16).replaceAll(/[-:]/g, '');
  return `${slug(chosen).slice(0, 40)}-${minute}-${hash(input)}`;
}

const slug = (text: string): string => text.replaceAll(/[^A-Za-z0-9_]+/g, '-');

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The same for the same request, in whatever order its fields come. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

function parsed(text: string): unknown {
  try {
    return releaseRequestSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
