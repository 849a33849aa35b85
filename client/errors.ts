/** What can go wrong between a client and the hub, one class a cause; `name` is the name of the class. */
import type { ReleaseResult } from './result.ts';

/** Every error that the client throws on purpose; an aborted call rejects with the signal's own reason. */
export abstract class ClientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** There are no credentials, or they have expired. */
export class NoCredentials extends ClientError {}

/** Neither `hub` nor the SDK's own configuration says which account and region to talk to. */
export class HubUnknown extends ClientError {}

/** There is no state machine `packleader-release`, or no bucket of a hub, in that account and region. */
export class HubNotFound extends ClientError {}

export class AccessDenied extends ClientError {}

/** There is no such release; executions are forgotten 90 days after their end, records never. */
export class ReleaseNotFound extends ClientError {}

/** The record of a release is not what this version of packleader can read. */
export class RecordUnreadable extends ClientError {}

/** The key was used before, for another request. */
export class KeyReused extends ClientError {}

/** AWS throttles, also after retries. */
export class Throttled extends ClientError {}

/** AWS cannot be reached, or fails; what was asked for may have been done. */
export class HubUnreachable extends ClientError {}

/** The time that the caller gave is over; the release goes on. */
export class WaitTimedOut extends ClientError {}

/** The sweep itself failed: nobody knows what is left. */
export class SweepFailed extends ClientError {}

abstract class RepointEndedBadly extends ClientError {
  /** Of `packleader-repoint`. */
  readonly executionArn: string;
  constructor(message: string, executionArn: string) {
    super(message);
    this.executionArn = executionArn;
  }
}

/** A rollback, a revocation or a restoration failed; every account shows what it showed before. */
export class RepointFailed extends RepointEndedBadly {}

/** It failed, and not everything is as it was; or every account has followed, and its record is missing. */
export class RepointIncomplete extends RepointEndedBadly {}

/** Nobody can say what became of an answer: the execution that gives it failed. */
export class ApprovalFailed extends ClientError {}

/** A run of packleader-retire failed before it could say what it did. */
export class RetirementFailed extends ClientError {}

/** AMIs could not be imported, or an import not be taken back: the message says what is tagged. */
export class ImportFailed extends ClientError {}

/** The request was wrong. Without `result` nothing was started; with it, the workflow refused what it read. */
export class ReleaseRefused extends ClientError {
  readonly result: ReleaseResult | undefined;
  constructor(message: string, result?: ReleaseResult) {
    super(message);
    this.result = result;
  }
}

abstract class ReleaseEndedBadly extends ClientError {
  readonly result: ReleaseResult;
  constructor(message: string, result: ReleaseResult) {
    super(message);
    this.result = result;
  }
}

/** At least one image was rolled back, and nothing of it is left; others may be released, see `result`. */
export class ReleaseRolledBack extends ReleaseEndedBadly {}

/** Something is left behind: see `leftovers` of each release of `result`. */
export class RollbackIncomplete extends ReleaseEndedBadly {}

/** The execution was stopped, or ran out of time; nothing was undone by itself. */
export class ReleaseStopped extends ReleaseEndedBadly {}

const CREDENTIALS = [
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
];
const DENIED = ['AccessDenied', 'AccessDeniedException'];
const THROTTLED = ['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'];

/**
 * Gives an error of the SDK its class, and keeps it as the cause. What is not AWS's, like a fault of this program, is
 * returned as it is.
 */
export function asClientError(error: unknown, doing: string): unknown {
  if (!(error instanceof Error) || error instanceof ClientError) return error;
  const message = `${doing}: ${error.message}`;
  const options = { cause: error };
  if (CREDENTIALS.includes(error.name))
    return new NoCredentials(`${message} (check who you are with "aws sts get-caller-identity")`, options);
  if (DENIED.includes(error.name)) return new AccessDenied(message, options);
  if (THROTTLED.includes(error.name)) return new Throttled(message, options);
  if (error.name === 'ExecutionDoesNotExist') return new ReleaseNotFound(message, options);
  if (['StateMachineDoesNotExist', 'NoSuchBucket'].includes(error.name))
    return new HubNotFound(message, options);
  if (error.message === 'Region is missing')
    return new HubUnknown(`${message}; give a hub, or set AWS_REGION`, options);
  if (isLost(error)) return new HubUnreachable(message, options);
  return error;
}

/** A connection that broke, or a service that failed: another attempt may succeed. */
function isLost(error: Error): boolean {
  if ('$fault' in error && error.$fault === 'server') return true;
  const code = 'code' in error ? String(error.code) : '';
  return /^(TimeoutError|NetworkingError|RequestTimeout)$/.test(error.name) || /^E[A-Z_]+$/.test(code);
}
