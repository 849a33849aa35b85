import { FilterPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { METRICS } from '../../../core/contract/metrics.ts';

/**
 * Counts the ends of a state machine that no task can count, by the line that Step Functions logs when it enters the Fail state. Its
 * status event would say which error it was, but not of a machine that is encrypted with a key of the customer's.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
 */
export function countEnds(
  logGroup: LogGroup,
  ends: Readonly<Record<string, (typeof METRICS)[keyof typeof METRICS]>>,
): void {
  for (const [state, metricName] of Object.entries(ends)) {
    new MetricFilter(logGroup, state, {
      logGroup,
      metricNamespace: METRICS.namespace,
      metricName,
      filterPattern: FilterPattern.all(
        FilterPattern.stringValue('$.type', '=', 'FailStateEntered'),
        FilterPattern.stringValue('$.details.name', '=', state),
      ),
    });
  }
}
