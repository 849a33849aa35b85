import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ownFactory } from '../../../fixtures/factories.ts';
import { hub } from '../../../fixtures/synthesised.ts';

const theHub = hub(ownFactory());
const ruleSchema = z.looseObject({
  Description: z.string(),
  Targets: z.array(z.looseObject({ Arn: z.string() })).default([]),
});
const sweeps = theHub
  .ofType('AWS::Events::Rule')
  .map(({ is }) => ruleSchema.parse(is))
  .filter(({ Targets }) => Targets.some(({ Arn }) => Arn.startsWith('ref:StateMachines/Sweep/')));

describe('a sweep', () => {
  it('is started by every bad end of a release, and by every hour', () => {
    expect(sweeps).toMatchObject([
      {
        EventPattern: {
          source: ['aws.states'],
          'detail-type': ['Step Functions Execution Status Change'],
          detail: {
            stateMachineArn: ['arn:aws:states:eu-west-1:999999999999:stateMachine:packleader-release-image'],
            status: ['ABORTED', 'FAILED', 'TIMED_OUT'],
          },
        },
        Targets: [{ InputTransformer: { InputTemplate: '{"execution":<detail-executionArn>}' } }],
      },
      { ScheduleExpression: 'rate(1 hour)', Targets: [{ Input: '{"olderThanMinutes":60}' }] },
    ]);
  });

  it('that could not be started is tried again, and kept for whoever is called', () => {
    const kept = { DeadLetterConfig: { Arn: 'queue packleader-failed-triggers' } };
    expect(sweeps.flatMap(({ Targets }) => Targets)).toMatchObject([
      { ...kept, RetryPolicy: { MaximumEventAgeInSeconds: 6 * 3600, MaximumRetryAttempts: 185 } },
      { ...kept, RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 } },
    ]);
  });
});
