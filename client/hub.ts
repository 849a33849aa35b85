/** Where the hub is, and which of its executions is meant. */
import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { MOST_ATTEMPTS } from '../core/contract/limits.ts';
import { NAMES } from '../core/contract/names.ts';
import type { Release } from '../core/contract/releases.ts';
import type { Target } from '../core/contract/targets.ts';
import { executionName } from '../core/releases/execution-name.ts';
import { HubUnknown, ReleaseNotFound, asClientError } from './errors.ts';

export interface HubOptions {
  /** The account and region of the state machines; by default those the SDK's credentials and configuration say. */
  readonly hub?: Target;
  /** By default one with the SDK's own credentials. */
  readonly client?: SFNClient;
  /** Aborting ends the call, never the release. */
  readonly signal?: AbortSignal;
}

export interface Hub {
  readonly target: Target;
  readonly client: SFNClient;
}

/** @throws HubUnknown, NoCredentials */
export async function hubOf({ hub, client, signal }: HubOptions): Promise<Hub> {
  const sfn = client ?? new SFNClient(hub ? { region: hub.region } : {});
  if (hub) return { target: hub, client: sfn };
  try {
    const region = await sfn.config.region();
    const sts = new STSClient({ region, credentials: sfn.config.credentials });
    const { Account: accountId } = await sts.send(
      new GetCallerIdentityCommand({}),
      signal ? { abortSignal: signal } : {},
    );
    if (accountId === undefined) throw new HubUnknown('STS does not say which account this is; give a hub');
    return { target: { accountId, region }, client: sfn };
  } catch (error) {
    signal?.throwIfAborted();
    throw asClientError(error, 'cannot find out which account the hub is in');
  }
}

/** Whom AWS knows the caller by; undefined when it cannot be asked: nothing depends on it. */
export async function callerArn(
  { client }: Pick<HubOptions, 'client'>,
  hub: Target | undefined,
): Promise<string | undefined> {
  try {
    const { config } = client ?? new SFNClient(hub ? { region: hub.region } : {});
    const sts = new STSClient({ region: await config.region(), credentials: config.credentials });
    return (await sts.send(new GetCallerIdentityCommand({}))).Arn;
  } catch {
    return undefined;
  }
}

export const machineArn = ({ accountId, region }: Target, name: string): string =>
  `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;

type ReleaseIdentity = Pick<Release, 'image' | 'version'>;

/** An execution of `packleader-release`, or of `packleader-release-image`. */
export interface ReleaseExecution {
  readonly arn: string;
  readonly machine: string;
  readonly name: string;
  readonly hub: Target;
}

const WATCHED: readonly string[] = [NAMES.releaseMachine, NAMES.releaseImageMachine];

/** @throws ReleaseNotFound when it is the ARN of something else */
function releaseExecution(arn: string): ReleaseExecution {
  const [, region = '', accountId = '', machine = '', name = ''] =
    /^arn:aws:states:([^:]+):(\d{12}):execution:([^:]+):([^:]+)$/.exec(arn) ?? [];
  if (!WATCHED.includes(machine))
    throw new ReleaseNotFound(`${arn} is no execution of ${WATCHED.join(' or ')}`);
  return { arn, machine, name, hub: { accountId, region } };
}

/**
 * Finds what a person may call a release: the ARN of an execution, the name of an execution of `packleader-release`, or a
 * release id, `<image>@<version>`, of which the last attempt is meant.
 */
export async function findExecution(
  release: string,
  options: HubOptions,
): Promise<{ execution: ReleaseExecution; client: SFNClient }> {
  if (release.startsWith('arn:')) {
    const execution = releaseExecution(release);
    return { execution, client: options.client ?? new SFNClient({ region: execution.hub.region }) };
  }
  const { target, client } = await hubOf(options);
  const [, image, version] = /^([^@]+)@([^@]+)$/.exec(release) ?? [];
  const arn =
    image === undefined || version === undefined
      ? executionArn(target, NAMES.releaseMachine, release)
      : await newestAttempt({ target, client }, { image, version }, options.signal);
  return { execution: releaseExecution(arn), client };
}

/** A release that was retried is what its last attempt made of it. */
async function newestAttempt(
  { target, client }: Hub,
  identity: ReleaseIdentity,
  signal: AbortSignal | undefined,
): Promise<string> {
  const arnOf = (attempt: number) =>
    executionArn(target, NAMES.releaseImageMachine, executionName(identity, attempt));
  let newest = 1;
  while (newest < MOST_ATTEMPTS && (await exists(client, arnOf(newest + 1), signal))) newest += 1;
  return arnOf(newest);
}

async function exists(client: SFNClient, arn: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const command = new GetExecutionHistoryCommand({ executionArn: arn, maxResults: 1 });
    await client.send(command, signal ? { abortSignal: signal } : {});
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Error && error.name === 'ExecutionDoesNotExist') return false;
    throw asClientError(error, `cannot read ${arn}`);
  }
}

/** Which attempt of a release has this name; 1 is the first. */
export function attemptOf(name: string, identity: ReleaseIdentity): number {
  let attempt = 1;
  while (attempt < MOST_ATTEMPTS && executionName(identity, attempt) !== name) attempt += 1;
  return attempt;
}

export const executionArn = (hub: Target, machine: string, name: string): string =>
  `${machineArn(hub, machine).replace(':stateMachine:', ':execution:')}:${name}`;
