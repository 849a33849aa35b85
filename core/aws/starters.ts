/** Who started an execution: the one thing that Step Functions does not say, and CloudTrail does, some minutes later. */
import { CloudTrailClient, paginateLookupEvents } from '@aws-sdk/client-cloudtrail';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { NAMES } from '../contract/names.ts';
import { parseJson } from '../contract/parse-json.ts';
import { findExecution } from './executions.ts';
import { asFact } from './errors.ts';

const cloudTrail = new CloudTrailClient({});
const stepFunctions = new SFNClient({});

/** Between the clock of Step Functions and that of its trail. */
const AROUND_MS = 5 * 60_000;

/** One caller of StartExecution. */
export interface Starter {
  readonly arn: string;
  /** The role behind a session, by its ARN. */
  readonly role: string | undefined;
}

const recordSchema = z.looseObject({
  userIdentity: z.looseObject({
    arn: z.string(),
    sessionContext: z
      .looseObject({ sessionIssuer: z.looseObject({ arn: z.string().optional() }).optional() })
      .optional(),
  }),
  errorCode: z.string().optional(),
  responseElements: z.looseObject({ executionArn: z.string() }),
});

/**
 * Everybody whom CloudTrail knows to have started an execution: a start by the same name and input joins it. Empty while it does not show
 * yet, which takes about five minutes.
 *  @throws PackleaderError AccessDenied, Throttled, ConnectionLost, AwsCallFailed
 *  @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export async function startersOf(executionArn: string, startedAt: Date): Promise<Starter[]> {
  const pages = paginateLookupEvents(
    { client: cloudTrail },
    {
      LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'StartExecution' }],
      StartTime: new Date(startedAt.getTime() - AROUND_MS),
      EndTime: new Date(startedAt.getTime() + AROUND_MS),
    },
  );
  const starters: Starter[] = [];
  try {
    for await (const { Events = [] } of pages) {
      for (const { CloudTrailEvent = '' } of Events) {
        const record = recordSchema.safeParse(parseJson(CloudTrailEvent));
        if (!record.success || record.data.responseElements.executionArn !== executionArn) continue;
        const { arn, sessionContext } = record.data.userIdentity;
        starters.push({ arn, role: sessionContext?.sessionIssuer?.arn });
      }
    }
    return starters;
  } catch (error) {
    throw asFact(error);
  }
}

/** Who may be meant by "whoever started it"; `unknown` says why nobody can tell. */
export type Beginners =
  { readonly arns: readonly string[] } | { readonly unknown: string; readonly mayShow: boolean };

const inputSchema = z.looseObject({ AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.string() });

/**
 * Whoever started a release, or its retry, by hand; nobody where a push or a schedule did. An execution that `packleader-release` started
 * was started by whoever started that: which is believed of its own role only, since the input can say anything.
 *  @param at when it is asked
 */
export async function beginnersOf(executionArn: string, at: Date): Promise<Beginners> {
  const execution = await findExecution(executionArn);
  const starters = execution?.startDate ? await startersOf(executionArn, execution.startDate) : [];
  if (starters.length === 0) return untold(executionArn, execution?.startDate, at);
  const machineRole = await roleOf(executionArn, NAMES.releaseMachine);
  const byMachine = starters.filter(({ role }) => role === machineRole);
  const others = starters.filter((starter) => !byMachine.includes(starter) && !isTrigger(starter));
  if (byMachine.length === 0) return { arns: others.map(({ arn }) => arn) };
  const input = inputSchema.safeParse(parseJson(execution?.input ?? 'null'));
  const parent = input.success ? input.data.AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID : '';
  const started = (await findExecution(parent))?.startDate;
  const above = started ? await startersOf(parent, started) : [];
  if (above.length === 0) return untold(parent, started, at);
  const people = [...others, ...above.filter((starter) => !isTrigger(starter))];
  return { arns: people.map(({ arn }) => arn) };
}

/** CloudTrail promises nothing, but is rarely later than this. */
const SHOWS_WITHIN_MS = 20 * 60_000;

const untold = (executionArn: string, startedAt: Date | undefined, at: Date): Beginners => ({
  unknown: `CloudTrail does not show who started ${executionArn === '' ? 'it' : executionArn}`,
  mayShow: startedAt !== undefined && at.getTime() - startedAt.getTime() < SHOWS_WITHIN_MS,
});

/** A push or a schedule: one of the hub's own functions. */
const isTrigger = ({ role = '' }: Starter): boolean =>
  new RegExp(`^arn:aws:iam::\\d{12}:role/${NAMES.triggerRoles}`).test(role);

async function roleOf(anotherArn: string, machine: string): Promise<string | undefined> {
  const [arn, partition, service, region, account] = anotherArn.split(':');
  const stateMachineArn = [arn, partition, service, region, account, 'stateMachine', machine].join(':');
  try {
    return (await stepFunctions.send(new DescribeStateMachineCommand({ stateMachineArn }))).roleArn;
  } catch (error) {
    throw asFact(error);
  }
}

/** What a person is called in an ARN: the session of a role, the name of a user. Roles differ, a session's name should not. */
export const personOf = (arn: string): string => (arn.split(/[/:]/).at(-1) ?? '').toLowerCase();
