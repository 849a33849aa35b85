/** Errors as AWS, or the network before it, would give them. */
import type { Call } from '../../../sandbox/sandbox.ts';

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

/** Something that is neither a permission nor passing: nothing retries it. */
export const refusal = ({ service, operation }: Call): Error =>
  named('OperationNotPermitted', `${service}:${operation} is not possible now.`);

export const connectionLost = (): Error =>
  Object.assign(named('Error', 'read ECONNRESET'), { code: 'ECONNRESET', name: 'TimeoutError' });

export function denial({ service, operation }: Call): Error {
  const message = `Not authorized to perform ${service}:${operation}.`;
  if (service === 'ec2') return named('UnauthorizedOperation', message);
  return named(service === 's3' || service === 'sts' ? 'AccessDenied' : 'AccessDeniedException', message);
}

export function throttling({ service }: Call): Error {
  if (service === 'ec2') return named('RequestLimitExceeded', 'Request limit exceeded.');
  return named(service === 's3' ? 'SlowDown' : 'ThrottlingException', 'Rate exceeded');
}

/** As a young account hears it. */
export const noBuildFree = (): Error =>
  named('AccountLimitExceededException', 'Cannot have more than 1 builds in queue for the account');

/** @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html */
export const noRoom = (): Error =>
  named(
    'InsufficientInstanceCapacity',
    'We currently do not have sufficient capacity in this Availability Zone.',
  );

/** The service broke down in the middle of a request. */
export const interrupted = ({ operation }: Call): Error =>
  named('InternalError', `An internal error has occurred in ${operation}.`);
