import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { type FailedTriggers, handOver } from '../failed-triggers.ts';

/** Ends that no Catch follows, and FAILED: a rollback may have left something, or an AMI may appear late. */
const BAD_ENDS = ['ABORTED', 'FAILED', 'TIMED_OUT'];

/**
 * Starts a sweep for each release that ended badly, and one for everything every hour: status events are best effort, and
 * an AMI may appear up to 45 minutes after its build died. `packleader-release` and `packleader-bake-batch` make nothing
 * of their own, so their ends start none.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export function sweepBy(
  scope: Construct,
  sweep: StateMachine,
  releaseImageMachineArn: string,
  failed: FailedTriggers,
): void {
  new Rule(scope, 'ReleaseEndedBadly', {
    description: 'Sweeps after a release that was stopped, timed out or failed.',
    eventPattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [releaseImageMachineArn], status: BAD_ENDS },
    },
    targets: [
      new SfnStateMachine(sweep, {
        ...handOver(failed),
        input: RuleTargetInput.fromObject({ execution: EventField.fromPath('$.detail.executionArn') }),
      }),
    ],
  });
  new Rule(scope, 'EveryHour', {
    description: 'Sweeps everything that is an hour old and that no sweep has removed yet.',
    schedule: Schedule.rate(Duration.hours(1)),
    targets: [
      new SfnStateMachine(sweep, {
        // The next one looks for the same.
        ...handOver(failed, Duration.hours(1)),
        input: RuleTargetInput.fromObject({ olderThanMinutes: 60 }),
      }),
    ],
  });
}
