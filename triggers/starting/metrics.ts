import { type MetricName, metricFields, writeLine } from '../../core/aws/metrics.ts';

/**
 * Counts one. The properties are for whoever reads the log; one named `Image` also makes the metric of that image.
 */
export function count(metric: MetricName, properties: Readonly<Record<string, string>>): void {
  const by = 'Image' in properties ? ['Image'] : [];
  writeLine({ ...metricFields({ [metric]: 1 }, by), ...properties });
}
