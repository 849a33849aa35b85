import { visible } from '../../buildspecs/plain-text.mjs';
import { METRICS } from '../contract/metrics.ts';

export type MetricName = Exclude<(typeof METRICS)[keyof typeof METRICS], typeof METRICS.namespace>;

/**
 * Counts, as fields of a line of the log, from which CloudWatch makes metrics: nothing is called, and nothing can fail. `by` names
 * fields of the same line; each also makes the metric of its own value.
 *  @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metricFields(
  counts: Readonly<Partial<Record<MetricName, number>>>,
  by: readonly string[] = [],
): Record<string, unknown> {
  const names = Object.keys(counts);
  if (names.length === 0) return {};
  const Metrics = names.map((Name) => ({
    Name,
    Unit: Name === METRICS.releaseMinutes ? 'None' : 'Count',
  }));
  const Dimensions = [[], ...by.map((field) => [field])];
  const CloudWatchMetrics = [{ Namespace: METRICS.namespace, Dimensions, Metrics }];
  return { _aws: { Timestamp: Date.now(), CloudWatchMetrics }, ...counts };
}

/** Writes one line of JSON to the log. */
export function writeLine(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${visible(JSON.stringify(line))}\n`);
}
