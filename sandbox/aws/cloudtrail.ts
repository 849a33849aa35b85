/** CloudTrail, as far as it tells who started which execution. */
import type { Event, LookupEventsCommandInput, LookupEventsCommandOutput } from '@aws-sdk/client-cloudtrail';
import * as z from 'zod';
import { NAMES, roleArn } from '../../core/contract/names.ts';
import type { Engine, Execution } from '../engine/engine.ts';
import { type Caller, type Output, assumedRoleArn } from './context.ts';
import { awsError } from './errors.ts';
import { HUB_ROLES } from './hub-roles.ts';
import { page } from './page.ts';

/** An average that AWS names, and no promise.
 *  @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html */
const SHOWN_AFTER_MS = 5 * 60_000;
const PAGE = 50;

/** Whoever starts releases. */
export const STARTER = { role: 'somebody', session: 'somebody' } as const;

const childSchema = z.looseObject({ AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.string() });

/** Who started the executions of an engine: those of its own machines are started by the role of their parent. */
export class Trail {
  readonly #engine: Engine;
  readonly #callers = new Map<string, Caller[]>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  started(executionArn: string, caller: Caller): void {
    this.#callers.set(executionArn, [...(this.#callers.get(executionArn) ?? []), caller]);
  }

  lookUp(input: LookupEventsCommandInput): Output<LookupEventsCommandOutput> {
    const { LookupAttributes = [], StartTime, EndTime, MaxResults = PAGE, NextToken } = input;
    const [attribute] = LookupAttributes;
    if (attribute?.AttributeKey !== 'EventName')
      throw new Error('Here events are looked up by their names only.');
    const shown = this.#engine.now.getTime() - SHOWN_AFTER_MS;
    const events = this.#engine.executions
      .filter(({ startedAt }) => {
        const at = Date.parse(startedAt);
        return at <= shown && at >= Number(StartTime ?? 0) && at <= Number(EndTime ?? Infinity);
      })
      .toReversed()
      .flatMap((execution) => (attribute.AttributeValue === 'StartExecution' ? this.#events(execution) : []));
    const found = page(events, MaxResults, NextToken, { attribute }, () =>
      awsError('cloudtrail', 'InvalidNextTokenException', 'The token was not given by this request.'),
    );
    return { Events: found.items, ...(found.nextToken !== undefined && { NextToken: found.nextToken }) };
  }

  #events(execution: Execution): Event[] {
    const { arn, startedAt } = execution;
    const callers = this.#callers.get(arn) ?? [this.#usual(execution)];
    return callers.map((caller) => ({
      EventName: 'StartExecution',
      EventTime: new Date(startedAt),
      CloudTrailEvent: JSON.stringify({
        eventSource: 'states.amazonaws.com',
        eventName: 'StartExecution',
        userIdentity: {
          type: 'AssumedRole',
          arn: assumedRoleArn(caller),
          sessionContext: { sessionIssuer: { arn: roleArn(caller.accountId, caller.role) } },
        },
        responseElements: { executionArn: arn, startDate: startedAt },
      }),
    }));
  }

  /** Who starts a release and who answers are two people. */
  #usual({ arn, machine, input }: Execution): Caller {
    const [, , , region = '', accountId = ''] = arn.split(':');
    if (childSchema.safeParse(input).success)
      return { accountId, region, role: HUB_ROLES.stateMachine, session: 'states' };
    const who = machine.name === NAMES.approvalMachine ? { role: 'approver', session: 'approver' } : STARTER;
    return { accountId, region, ...who };
  }
}
