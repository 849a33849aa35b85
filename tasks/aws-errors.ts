import { ERRORS, type ErrorName, PackleaderError } from './contract.ts';

const FACTS: Readonly<Record<string, ErrorName>> = {
  RequestLimitExceeded: ERRORS.throttled,
  Throttling: ERRORS.throttled,
  ThrottlingException: ERRORS.throttled,
  TooManyRequestsException: ERRORS.throttled,
  TooManyUpdates: ERRORS.throttled,
  SlowDown: ERRORS.throttled,
  AccessDenied: ERRORS.accessDenied,
  AccessDeniedException: ERRORS.accessDenied,
  UnauthorizedOperation: ERRORS.accessDenied,
  TimeoutError: ERRORS.connectionLost,
  ECONNRESET: ERRORS.connectionLost,
  NetworkingError: ERRORS.connectionLost,
  RequestTimeout: ERRORS.connectionLost,
  InternalError: ERRORS.connectionLost,
  InternalFailure: ERRORS.connectionLost,
  InternalServerError: ERRORS.connectionLost,
  ServiceUnavailable: ERRORS.connectionLost,
  Unavailable: ERRORS.connectionLost,
};

/**
 * Turns whatever an AWS call threw into one of our named facts, keeping it as the cause. A retry policy can then name
 * every error it retries, whichever service it came from. Our own errors pass through.
 *  @see https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
export function asFact(error: unknown): PackleaderError {
  if (error instanceof PackleaderError) return error;
  const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
  return new PackleaderError(FACTS[name] ?? ERRORS.awsCallFailed, `${name}: ${message}`, { cause: error });
}

/** Whether an AWS error has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && codes.includes(error.name);
}
