import { SSMClient } from '@aws-sdk/client-ssm';
import { asFact } from '../../core/aws/errors.ts';
import { ERRORS, PackleaderError } from '../../core/contract/errors.ts';
import { parameters } from '../../core/contract/names.ts';
import { readParameter } from '../../core/publication/publication.ts';

const ssm = new SSMClient({});

/**
 * Whether pushes and schedules may start anything: unless the parameter says `disabled`. It fails closed: when nobody can
 * tell, the trigger fails, is repeated, and ends in the dead-letter queue, instead of doing what somebody may have just
 * forbidden.
 *  @throws PackleaderError also when the parameter has any other value
 */
export async function triggersAreEnabled(): Promise<boolean> {
  const value = await readParameter(ssm, parameters.triggers).catch((error: unknown) => {
    throw asFact(error);
  });
  if (value === undefined || value === 'enabled') return true;
  if (value === 'disabled') return false;
  throw new PackleaderError(
    ERRORS.invalidConfiguration,
    `The parameter ${parameters.triggers} is ${JSON.stringify(value)}, and must be enabled or disabled.`,
  );
}
