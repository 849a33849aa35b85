import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRICS } from '../../../core/contract/metrics.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { AlarmTopic, type Notified } from './alarm-topic.ts';
import { executionsOf, own } from './metrics.ts';

export interface AlarmsProps {
  /** Who is told. Default: only who subscribes to the topic by hand. */
  readonly notify?: Notified;
  /** How long a release usually takes at most, from its start to its end. Default: 3 hours. */
  readonly usualTime?: Duration;
  /** Where the runbook can be read, without the heading. Default: the file in the repository. */
  readonly runbook?: string;
  /** Whether versions are retired. Default: nothing is there that could fail. */
  readonly retires?: boolean;
  /** Whether some stage asks for approval. Default: nobody answers anything. */
  readonly asks?: boolean;
}

/** How many requests in a quarter of an hour may be turned away: a public address is found by anyone who looks for one. */
const WEBHOOK_REJECTS = 10;

const PERIOD = Duration.minutes(5);

/** One look that fails is followed by the next; three of them leave the AMIs without a fresh one. */
const INVENTORIES_AN_HOUR = 3;

/**
 * Every alarm of the hub, each with a heading in docs/runbook.md. Functions and queues are found in the stack, so this comes last.
 * An alarm that nobody answers is worse than none: each of them asks for something to be done.
 */
export class Alarms extends Construct {
  readonly #topic: ITopic;
  readonly #runbook: string;

  constructor(scope: Construct, id: string, props: AlarmsProps = {}) {
    super(scope, id);
    const { notify, usualTime = Duration.hours(3), runbook = 'docs/runbook.md', ...has } = props;
    const { retires = false, asks = false } = has;
    this.#runbook = runbook;
    this.#topic = new AlarmTopic(this, 'Topic', notify ?? {}).topic;

    this.#alarm('rollback-incomplete', {
      what: 'A rollback left something behind, or nobody could see whether it did.',
      metric: own(METRICS.rollbackIncomplete),
    });
    this.#alarm('rolled-back', {
      what: 'A release failed and was undone in every account.',
      metric: own(METRICS.rolledBack),
    });
    this.#alarm('not-released', {
      what: 'A release failed as a whole: its source was not fetched, it could not be planned, or nobody knows what became of its images.',
      metric: own(METRICS.notReleased),
    });
    this.#alarm('not-announced', {
      what: 'A release stands in every account, but its event and its record are missing.',
      metric: own(METRICS.unannounced),
    });
    this.#alarm('release-stopped', {
      what: 'A release was stopped or ran out of time, so no Catch undid it.',
      metric: sum(
        [NAMES.releaseMachine, NAMES.releaseImageMachine].flatMap((machine) => [
          executionsOf(this, machine, 'ExecutionsAborted'),
          executionsOf(this, machine, 'ExecutionsTimedOut'),
        ]),
      ),
    });
    this.#alarm('release-slow', {
      what: `A release takes longer than its usual ${usualTime.toHumanString()}.`,
      metric: minutesOfReleases(this),
      above: usualTime.toMinutes(),
    });
    this.#alarm('webhook-rejects', {
      what: `More than ${WEBHOOK_REJECTS} requests to the webhook were turned away in a quarter of an hour.`,
      metric: own(METRICS.webhookRejected).with({ period: Duration.minutes(15) }),
      above: WEBHOOK_REJECTS,
    });
    this.#alarm('sweep-leftovers', {
      what: 'A sweep found something of a dead release that it could not remove.',
      metric: own(METRICS.sweepLeftovers),
    });
    this.#alarm('sweep-failed', {
      what: 'A sweep could not find out what is dead, could not say what is left, or ran out of time.',
      metric: sum([own(METRICS.notSwept), executionsOf(this, NAMES.sweepMachine, 'ExecutionsTimedOut')]),
    });
    this.#alarm('repoint-incomplete', {
      what: 'A rollback, a revocation or a restoration left accounts that differ, was stopped, or could not be recorded.',
      metric: sum([
        own(METRICS.repointIncomplete),
        executionsOf(this, NAMES.repointMachine, 'ExecutionsAborted'),
        executionsOf(this, NAMES.repointMachine, 'ExecutionsTimedOut'),
      ]),
    });
    if (asks)
      this.#alarm('answer-stopped', {
        what: 'An answer to an approval was stopped or ran out of time: not every release that it names may have it.',
        metric: sum([
          executionsOf(this, NAMES.approvalMachine, 'ExecutionsAborted'),
          executionsOf(this, NAMES.approvalMachine, 'ExecutionsTimedOut'),
        ]),
      });
    this.#alarm('rebuilds-paused', {
      what: 'The scheduled rebuilds of an image are paused, because they failed three times in a row.',
      metric: own(METRICS.rebuildsPaused),
    });
    if (retires) {
      this.#alarm('inventory-incomplete', {
        what: 'For an hour nobody could look everywhere at which AMIs are used, so nothing is retired.',
        metric: sum(
          [
            own(METRICS.inventoryIncomplete),
            executionsOf(this, NAMES.inventoryMachine, 'ExecutionsTimedOut'),
          ],
          Duration.hours(1),
        ),
        above: INVENTORIES_AN_HOUR - 1,
      });
      this.#alarm('retirement-incomplete', {
        what: 'A run that retires versions was stopped by a limit, left something undone, or did not come to its end.',
        metric: sum([own(METRICS.notRetired), executionsOf(this, NAMES.retireMachine, 'ExecutionsTimedOut')]),
      });
    }
    this.#countLostTasks();
    this.#alarm('task-crashed', {
      what: 'A task failed in a way that it does not know, or did not come to its end.',
      metric: own(METRICS.taskCrashed),
    });
    this.#alarm('throttled', {
      what: 'Lambda had no room to run a task.',
      metric: new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'Throttles',
        statistic: Stats.SUM,
        period: PERIOD,
      }),
    });
    this.#watchDeadLetters();
  }

  #alarm(
    name: string,
    { what, metric, above = 0 }: { readonly what: string; readonly metric: IMetric; readonly above?: number },
  ): void {
    const alarm = new Alarm(this, name, {
      alarmName: `packleader-${name}`,
      alarmDescription: `${what} What to do: ${this.#runbook}#${name}`,
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.#topic));
  }

  /** A task that ran out of time or memory cannot count itself; Lambda's own line in its log says so. */
  #countLostTasks(): void {
    for (const [index, task] of this.#all(LambdaFunction).entries()) {
      new MetricFilter(this, `Lost${index}`, {
        logGroup: task.logGroup,
        metricNamespace: METRICS.namespace,
        metricName: METRICS.taskCrashed,
        filterPattern: FilterPattern.all(
          FilterPattern.stringValue('$.type', '=', 'platform.report'),
          FilterPattern.any(
            FilterPattern.stringValue('$.record.status', '=', 'timeout'),
            FilterPattern.stringValue('$.record.status', '=', 'error'),
          ),
        ),
      });
    }
  }

  /** Every queue here holds what could not be handed over; nothing is worked off from any of them. */
  #watchDeadLetters(): void {
    const queues = this.#all(Queue);
    if (queues.length === 0) return;
    const visible = queues.map((queue) =>
      queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: PERIOD }),
    );
    this.#alarm('dead-letters', {
      what: 'Something that should have started a release or a sweep, or told of one, could not be handed over.',
      metric: sum(visible),
    });
  }

  #all<T extends Construct>(kind: abstract new (...args: never) => T): T[] {
    return Stack.of(this)
      .node.findAll()
      .filter((construct): construct is T => construct instanceof kind);
  }
}

/** A metric without data counts as none: it must not hide the others. */
function sum(metrics: readonly IMetric[], period = PERIOD): IMetric {
  const names = metrics.map((_, index) => `m${index}`);
  return new MathExpression({
    expression: names.map((name) => `FILL(${name}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric])),
    period,
  });
}

/** Of releases that have ended, by Step Functions; of those that still run, by their own tasks. */
function minutesOfReleases(scope: Construct): IMetric {
  const executionTime = executionsOf(scope, NAMES.releaseImageMachine, 'ExecutionTime').with({
    statistic: Stats.MAXIMUM,
  });
  return new MathExpression({
    expression: 'MAX([FILL(ended, 0) / 60000, FILL(running, 0)])',
    usingMetrics: {
      ended: executionTime,
      running: own(METRICS.releaseMinutes).with({ statistic: Stats.MAXIMUM }),
    },
    period: PERIOD,
  });
}
