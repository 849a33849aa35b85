import { plainText } from '../../buildspecs/plain-text.mjs';
import { ERRORS, type ErrorName, PackleaderError } from '../contract/errors.ts';

/** By AWS's error codes, then by the codes that Node gives to a broken connection. */
const FACTS: Readonly<Record<string, ErrorName>> = {
  RequestLimitExceeded: ERRORS.throttled,
  Throttling: ERRORS.throttled,
  ThrottlingException: ERRORS.throttled,
  TooManyRequestsException: ERRORS.throttled,
  TooManyUpdates: ERRORS.throttled,
  SlowDown: ERRORS.throttled,
  AccessDenied: ERRORS.accessDenied,
  AccessDeniedException: ERRORS.accessDenied,
  AuthorizationErrorException: ERRORS.accessDenied,
  UnauthorizedOperation: ERRORS.accessDenied,
  TimeoutError: ERRORS.connectionLost,
  ECONNRESET: ERRORS.connectionLost,
  NetworkingError: ERRORS.connectionLost,
  RequestTimeout: ERRORS.connectionLost,
  InternalError: ERRORS.connectionLost,
  InternalException: ERRORS.connectionLost,
  InternalFailure: ERRORS.connectionLost,
  InternalServerError: ERRORS.connectionLost,
  InternalServerException: ERRORS.connectionLost,
  ServiceUnavailable: ERRORS.connectionLost,
  Unavailable: ERRORS.connectionLost,
  EAI_AGAIN: ERRORS.connectionLost,
  ECONNREFUSED: ERRORS.connectionLost,
  EHOSTUNREACH: ERRORS.connectionLost,
  ENETUNREACH: ERRORS.connectionLost,
  ENOTFOUND: ERRORS.connectionLost,
  EPIPE: ERRORS.connectionLost,
  ETIMEDOUT: ERRORS.connectionLost,
};

/**
 * Turns whatever an AWS call threw into one of our named facts, keeping it as the cause. A retry policy can then name
 * every error it retries, whichever service it came from. Our own errors pass through.
 *  @see https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
export function asFact(error: unknown): PackleaderError {
  if (error instanceof PackleaderError) return error;
  const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
  return new PackleaderError(factOf(error), plainText(`${name}: ${message}`), { cause: error });
}

function factOf(error: unknown): ErrorName {
  const names = error instanceof Error ? [error.name, 'code' in error ? String(error.code) : ''] : [];
  const known = names.find((name) => Object.hasOwn(FACTS, name));
  return (known === undefined ? undefined : FACTS[known]) ?? ERRORS.awsCallFailed;
}

/** Whether an AWS error has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && codes.includes(error.name);
}
