import * as z from 'zod';
import { plainText } from '../../buildspecs/plain-text.mjs';
import { ERRORS } from '../contract/errors.ts';
import { metricFields, writeLine } from './metrics.ts';
import { METRICS } from '../contract/metrics.ts';
import { targetName, targetSchema } from '../contract/targets.ts';
import { functionName } from '../contract/tasks.ts';
import { executionName } from '../releases/execution-name.ts';

type Task = (event: unknown) => Promise<unknown>;
type Counts = Parameters<typeof metricFields>[0];

/**
 * Writes one line of JSON to the log when a task begins and one when it ends: which release, for how many targets, how long it
 * took, the name of its error. Never the event itself, which may be large, nor the error's message, which Lambda logs anyway.
 * What is counted stands in the same line: CloudWatch makes metrics of it, and no call can fail.
 *  @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function withLogs(task: Task, name = process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'task'): Task {
  return async (event) => {
    const about = { task: name, ...subjectOf(event) };
    writeLine({ at: 'start', ...about });
    const startedAt = performance.now();
    const end = (how: Record<string, unknown>, counts: Counts) => {
      const durationMs = Math.round(performance.now() - startedAt);
      writeLine({ at: 'end', ...about, ...how, durationMs, ...metricFields({ ...counts, ...ageOf(event) }) });
    };
    try {
      const result = await task(event);
      end({ outcome: 'succeeded' }, countsOf(name, result));
      return result;
    } catch (error) {
      const known = error instanceof Error && Object.values<string>(ERRORS).includes(error.name);
      const errorName = error instanceof Error ? error.name : typeof error;
      end({ outcome: 'failed', error: errorName }, known ? {} : { [METRICS.taskCrashed]: 1 });
      throw inPlainText(error);
    }
  };
}

/** Lambda logs an error with its stack and all that caused it, and Step Functions makes it the cause of the state. */
function inPlainText(error: unknown): unknown {
  let at = error;
  for (let depth = 0; at instanceof Error && depth < DEEPEST_CAUSE; depth += 1) {
    for (const key of ['message', 'stack'] as const) {
      const value = plainText(at[key] ?? '');
      // Defined and not set: the message of a DOMException, which ends a call that takes too long, cannot be set.
      if (value !== (at[key] ?? '')) Object.defineProperty(at, key, { value });
    }
    at = at.cause;
  }
  return error;
}

/** A chain of causes may be a circle. */
const DEEPEST_CAUSE = 16;

const releaseSchema = z.object({
  release: z.object({ releaseId: z.string(), image: z.string(), version: z.string() }),
});

/** An event names its release at its top, or in the document that it holds whole. */
function releaseIn(event: unknown) {
  const whole: unknown = Reflect.get(Object(event), 'input');
  return [event, whole].map((one) => releaseSchema.safeParse(one).data?.release).find((found) => found);
}

function subjectOf(event: unknown): Record<string, unknown> {
  const release = releaseIn(event);
  const stage = z.object({ stage: z.string() }).safeParse(event).data?.stage;
  return {
    ...(release && { release: release.releaseId, execution: executionName(release) }),
    ...(stage !== undefined && { stage }),
    targets: targetsIn(event).size,
  };
}

/** Every target that an event speaks of, wherever it stands. */
function targetsIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  const own = targetSchema.safeParse(value);
  const inner = Object.values(value).flatMap((one) => [...targetsIn(one)]);
  return new Set([...(own.success ? [targetName(own.data)] : []), ...inner]);
}

/** A version holds the time at which its release began. */
function ageOf(event: unknown): Counts {
  const { version = '' } = releaseIn(event) ?? {};
  const time = /^\d+\.\d+\.(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(version)?.slice(1, 7).map(Number);
  if (!time) return {};
  const [year = 0, month = 0, ...rest] = time;
  const minutes = (Date.now() - Date.UTC(year, month - 1, ...rest)) / 60_000;
  return { [METRICS.releaseMinutes]: Math.round(minutes) };
}

const verdictSchema = z.object({ complete: z.boolean() });
const sweptSchema = z.object({
  dryRun: z.literal(false),
  removedCount: z.number(),
  leftoverCount: z.number(),
});
const retiredSchema = z.object({ dryRun: z.literal(false), complete: z.boolean(), doneCount: z.number() });

/** What a task's result adds to the metrics, by the name of its function. */
function countsOf(name: string, result: unknown): Counts {
  if (name === functionName('announce-release')) return { [METRICS.released]: 1 };
  if (name === functionName('record-repoint')) return { [METRICS.repointed]: 1 };
  const verdict = verdictSchema.safeParse(result).data;
  if (name === functionName('verify-rollback') && verdict)
    return { [verdict.complete ? METRICS.rolledBack : METRICS.rollbackIncomplete]: 1 };
  const retired = retiredSchema.safeParse(result).data;
  if (name === functionName('retire-versions') && retired)
    return { [METRICS.retired]: retired.doneCount, [METRICS.notRetired]: retired.complete ? 0 : 1 };
  const swept = sweptSchema.safeParse(result).data;
  if (name === functionName('report-sweep') && swept)
    return { [METRICS.sweepRemoved]: swept.removedCount, [METRICS.sweepLeftovers]: swept.leftoverCount };
  return {};
}
