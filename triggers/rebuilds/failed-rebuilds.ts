import { SFNClient, paginateListExecutions } from '@aws-sdk/client-sfn';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { asFact, hasCode } from '../../core/aws/errors.ts';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import { parameters } from '../../core/contract/names.ts';
import { environment } from '../starting/environment.ts';
import { isRebuildOf } from '../starting/release-execution.ts';

const stepFunctions = new SFNClient({});
const ssm = new SSMClient({});

/** After so many failures in a row an image's schedule pauses. */
export const TOO_MANY = 3;

/**
 * How many of an image's last scheduled rebuilds have failed, at most {@link TOO_MANY}: counted from the executions
 * themselves, newest first, back to one that succeeded, to the image's latest release, or to when somebody resumed. Those
 * that run or were stopped by a person say nothing.
 *  @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
 */
export async function failuresInARow(image: string, latestRelease: Date | undefined): Promise<number> {
  const resumed = await resumedAt(image);
  const since = Math.max(resumed?.getTime() ?? 0, latestRelease?.getTime() ?? 0);
  const stateMachineArn = environment(TRIGGER_ENVIRONMENT.releaseMachine);
  let failures = 0;
  try {
    for await (const { executions = [] } of paginateListExecutions(
      { client: stepFunctions, pageSize: 1000 },
      { stateMachineArn },
    )) {
      for (const { name = '', status, startDate } of executions) {
        if (startDate !== undefined && startDate.getTime() <= since) return failures;
        if (!isRebuildOf(image, name)) continue;
        if (status === 'SUCCEEDED') return failures;
        if (status === 'FAILED' || status === 'TIMED_OUT') failures += 1;
        if (failures === TOO_MANY) return failures;
      }
    }
  } catch (error) {
    throw asFact(error);
  }
  return failures;
}

async function resumedAt(image: string): Promise<Date | undefined> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: parameters.resumed(image) }));
    return Parameter?.LastModifiedDate;
  } catch (error) {
    if (hasCode(error, 'ParameterNotFound')) return undefined;
    throw asFact(error);
  }
}
