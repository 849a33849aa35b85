/** Releases as Step Functions tells of them: their executions, whatever the event said that led here. */
import * as z from 'zod';
import { findExecution } from '../core/aws/executions.ts';
import { parseJson } from '../core/contract/parse-json.ts';
import { type Release, plannedReleaseSchema } from '../core/contract/releases.ts';

/** `Step Functions Execution Status Change`. Its status may be old by now, and with a key of the customer's it says no more. */
export const statusChangeSchema = z.object({
  source: z.literal('aws.states'),
  detail: z.object({ executionArn: z.string(), status: z.string() }),
});

/** An execution, as far as people are told of it. */
export interface ToldExecution {
  readonly executionArn: string;
  readonly status: string;
  readonly error: string;
  readonly cause: string;
  readonly input: unknown;
  readonly output: unknown;
}

/** As it is now; undefined when Step Functions has forgotten it. */
export async function executionNow(executionArn: string): Promise<ToldExecution | undefined> {
  const found = await findExecution(executionArn);
  if (!found) return undefined;
  const { status = '', error = '', cause = '', input, output } = found;
  return {
    executionArn,
    status,
    error,
    cause,
    input: parseJson(input ?? 'null'),
    output: parseJson(output ?? 'null'),
  };
}

/** What an execution of `packleader-release-image` is to release. */
export const releaseIn = ({ input }: ToldExecution): Release | undefined =>
  plannedReleaseSchema.safeParse(input).data?.release;

/** The machine of an execution. */
export const machineOf = (executionArn: string): string => executionArn.split(':')[6] ?? '';
