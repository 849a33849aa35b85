import { createHash } from 'node:crypto';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { PackleaderError } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import { type ReleaseRequest, releaseRequestSchema } from '../core/contract/requests.ts';
import { parseRequest } from '../core/releases/release-request.ts';
import { KeyReused, ReleaseRefused, asClientError } from './errors.ts';
import { type Hub, type HubOptions, executionArn, hubOf, machineArn } from './hub.ts';
import type { ReleaseHandle } from './result.ts';

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
  const asked = whatIsAsked(request);
  const name = key === undefined ? derivedName(request, asked, now()) : nameOfKey(key);
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
      return existing(hub, arn, name, asked, signal);
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
  asked: string,
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
  const before = found.input === undefined ? undefined : parsed(found.input);
  if (before === undefined || whatIsAsked(before) !== asked) {
    throw new KeyReused(
      `${arn} was started at ${startedAt} with the same key, but another request: ${found.input ?? 'unreadable'}`,
    );
  }
  return { executionArn: arn, name, startedAt };
}

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

/** The same for the same request, whoever asks. */
const whatIsAsked = (request: ReleaseRequest): string => canonicalJson({ ...request, startedBy: undefined });

/** The same for the same request, in whatever order its fields come. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

function parsed(text: string): ReleaseRequest | undefined {
  try {
    return releaseRequestSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
