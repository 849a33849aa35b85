import { METRICS } from '../core/contract/metrics.ts';

type Metric = Exclude<(typeof METRICS)[keyof typeof METRICS], typeof METRICS.namespace>;

/**
 * Counts one by writing a line to the log, from which CloudWatch makes the metric: nothing is called, nothing can fail. The
 * properties are for whoever reads the log; one named `Image` also makes the metric of that image.
 *  @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function count(metric: Metric, properties: Readonly<Record<string, string>>): void {
  const Dimensions = 'Image' in properties ? [[], ['Image']] : [[]];
  const Metrics = [{ Name: metric, Unit: 'Count' }];
  const CloudWatchMetrics = [{ Namespace: METRICS.namespace, Dimensions, Metrics }];
  const line = { _aws: { Timestamp: Date.now(), CloudWatchMetrics }, [metric]: 1, ...properties };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
