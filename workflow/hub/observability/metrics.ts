import { Duration, Stack } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { METRICS } from '../../../core/contract/metrics.ts';

const PERIOD = Duration.minutes(5);

/** One of packleader's own metrics, summed over five minutes. */
export function own(metricName: Exclude<(typeof METRICS)[keyof typeof METRICS], 'packleader'>): Metric {
  return new Metric({ namespace: METRICS.namespace, metricName, statistic: Stats.SUM, period: PERIOD });
}

/** What Step Functions counts of a state machine.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html */
export function executionsOf(
  scope: Construct,
  machine: string,
  metricName:
    | 'ExecutionsStarted'
    | 'ExecutionsSucceeded'
    | 'ExecutionsFailed'
    | 'ExecutionsAborted'
    | 'ExecutionsTimedOut'
    | 'ExecutionTime',
): Metric {
  const { account, region } = Stack.of(scope);
  return new Metric({
    namespace: 'AWS/States',
    metricName,
    dimensionsMap: { StateMachineArn: `arn:aws:states:${region}:${account}:stateMachine:${machine}` },
    statistic: Stats.SUM,
    period: PERIOD,
  });
}
