/** Goes back from outside: starts `packleader-repoint`, waits for it and reads what it did. */
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { NAMES } from '../core/contract/names.ts';
import { type RepointAnswer, repointAnswerSchema } from '../core/contract/repoints.ts';
import type { RepointRequest } from '../core/contract/requests.ts';
import { STATE_NAMES } from '../core/contract/state-names.ts';
import { REPOINT_INPUTS, parseRepoint } from '../core/repoints/request.ts';
import { ReleaseRefused, RepointFailed, RepointIncomplete } from './errors.ts';
import type { ExecutionHistory } from './history.ts';
import type { HubOptions } from './hub.ts';
import type { Patience } from './poll.ts';
import { failureOf, runByHand } from './run-by-hand.ts';

export type RepointOptions = HubOptions & Patience;

export interface RepointResult extends RepointAnswer {
  readonly executionArn: string;
}

/**
 * Lets `latest` of an image show an older version in every account, or in none, and waits for that. Everything above that version is
 * revoked, so asking twice goes back twice, unless `to` says how far.
 *  @param to by default the newest version before that every account has
 *  @throws ReleaseRefused (with the reason), RepointFailed (every account shows what it showed before), RepointIncomplete,
 *    WaitTimedOut (it goes on), HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function rollbackImage(
  image: string,
  { to, reason, dryRun, ...options }: RepointOptions & Pick<RepointRequest, 'to' | 'reason' | 'dryRun'> = {},
): Promise<RepointResult> {
  return repoint({ rollback: image, ...given({ to, reason, dryRun }) }, options);
}

/**
 * Lets a version be no source and never `latest` any more, in every account or in none. Safe to repeat.
 *  @param release `<image>@<version>`
 *  @throws as {@link rollbackImage}
 */
export async function revokeRelease(
  release: string,
  {
    reason,
    children,
    disable,
    dryRun,
    ...options
  }: RepointOptions & Pick<RepointRequest, 'children' | 'disable' | 'dryRun'> & { readonly reason: string },
): Promise<RepointResult> {
  return repoint({ revoke: release, ...given({ reason, children, disable, dryRun }) }, options);
}

/**
 * Lets a version stand again that was revoked; `latest` shows it where it is the newest that stands.
 *  @param release `<image>@<version>`
 *  @throws as {@link rollbackImage}
 */
export async function restoreRelease(
  release: string,
  { reason, dryRun, ...options }: RepointOptions & Pick<RepointRequest, 'reason' | 'dryRun'> = {},
): Promise<RepointResult> {
  return repoint({ restore: release, ...given({ reason, dryRun }) }, options);
}

/** Without the fields that nobody gave. */
const given = (fields: RepointRequest): RepointRequest =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

async function repoint(request: RepointRequest, options: RepointOptions): Promise<RepointResult> {
  options.signal?.throwIfAborted();
  refuseInvalid(request);
  return resultOf(await runByHand(NAMES.repointMachine, request, options));
}

function refuseInvalid(request: RepointRequest): void {
  try {
    parseRepoint(request);
  } catch (error) {
    // The inputs of the state machine help nobody who calls it from here.
    if (error instanceof PackleaderError)
      throw new ReleaseRefused(error.message.replace(` ${REPOINT_INPUTS}`, ''));
    throw error;
  }
}

/** Ends in which no account was changed, or each shows again what it showed. */
const UNCHANGED: readonly string[] = [STATE_NAMES.notRepointed, STATE_NAMES.putBack];

function resultOf(history: ExecutionHistory): RepointResult {
  const { arn, outputs, path, ending } = history;
  const planned: unknown = outputs.get(STATE_NAMES.planRepoint);
  const answer = repointAnswerSchema.safeParse(Reflect.get(Object(planned), 'answer'));
  if (ending?.status === 'succeeded' && answer.success) return { executionArn: arn, ...answer.data };
  const { name, cause } = failureOf(history, 'it was stopped, and put nothing back by itself');
  if (name === ERRORS.invalidRequest) throw new ReleaseRefused(cause);
  const end = path.at(-1) ?? '';
  if (ending?.status === 'failed' && UNCHANGED.includes(end)) throw new RepointFailed(cause, arn);
  throw new RepointIncomplete(`${end === '' ? '' : `${end}: `}${cause}`, arn);
}
