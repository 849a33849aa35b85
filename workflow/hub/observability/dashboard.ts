import { Duration } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type GraphWidgetProps,
  MathExpression,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS } from '../../../core/contract/metrics.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { executionsOf, own } from './metrics.ts';

const PERIOD = Duration.minutes(5);

/** One page: what became of releases, how long they take, and what the machinery does meanwhile. */
export class Dashboard extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { retires = false, asks = false }: { readonly retires?: boolean; readonly asks?: boolean } = {},
  ) {
    super(scope, id);
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      dashboardName: 'packleader',
      defaultInterval: Duration.days(7),
    });
    dashboard.addWidgets(
      new TextWidget({
        width: 24,
        height: 1,
        markdown: 'What each alarm means, and what to do then: docs/runbook.md',
      }),
    );
    dashboard.addWidgets(
      graph('Releases by outcome', {
        stacked: true,
        left: [
          own(METRICS.released).with({ label: 'released' }),
          own(METRICS.rolledBack).with({ label: 'rolled back' }),
          own(METRICS.rollbackIncomplete).with({ label: 'rollback incomplete' }),
          own(METRICS.unannounced).with({ label: 'released, not announced' }),
          own(METRICS.notReleased).with({ label: 'failed as a whole' }),
        ],
      }),
      graph('Minutes of a release, start to end', { left: durations(this) }),
      graph('Executions', {
        left: [
          executionsOf(this, NAMES.releaseMachine, 'ExecutionsStarted').with({ label: 'started' }),
          executionsOf(this, NAMES.releaseMachine, 'ExecutionsFailed').with({ label: 'failed' }),
          executionsOf(this, NAMES.releaseMachine, 'ExecutionsAborted').with({ label: 'stopped' }),
          executionsOf(this, NAMES.releaseMachine, 'ExecutionsTimedOut').with({ label: 'timed out' }),
        ],
      }),
    );
    dashboard.addWidgets(
      graph('Batches of bakes that run', { left: [runningBatches(this)] }),
      graph('Errors of functions, expected ones included', { left: [search('Lambda', 'Errors', 'Sum')] }),
      graph('Duration of functions, in ms', { left: [search('Lambda', 'Duration', 'p99')] }),
    );
    dashboard.addWidgets(
      graph('Webhook and schedules', {
        left: [
          own(METRICS.webhookRejected).with({ label: 'requests turned away' }),
          own(METRICS.rebuildsPaused).with({ label: 'rebuilds not followed, paused' }),
          own(METRICS.triggersSwitchedOff).with({ label: 'not followed, switched off' }),
        ],
      }),
      graph('Sweep', {
        left: [
          own(METRICS.sweepRemoved).with({ label: 'removed' }),
          own(METRICS.sweepLeftovers).with({ label: 'left behind' }),
          own(METRICS.notSwept).with({ label: 'sweeps that failed' }),
        ],
      }),
      graph('Rollbacks, revocations, restorations', {
        left: [
          own(METRICS.repointed).with({ label: 'done' }),
          own(METRICS.repointPutBack).with({ label: 'put back' }),
          own(METRICS.repointIncomplete).with({ label: 'incomplete' }),
        ],
      }),
      graph('Tasks that crashed', { left: [own(METRICS.taskCrashed).with({ label: 'crashed' })] }),
    );
    if (asks)
      dashboard.addWidgets(
        graph('Answers to releases that wait', {
          left: [
            executionsOf(this, NAMES.approvalMachine, 'ExecutionsSucceeded').with({ label: 'taken' }),
            executionsOf(this, NAMES.approvalMachine, 'ExecutionsFailed').with({ label: 'refused' }),
          ],
        }),
      );
    if (!retires) return;
    dashboard.addWidgets(
      graph('Retiring', {
        left: [
          own(METRICS.retired).with({ label: 'versions moved on' }),
          own(METRICS.notRetired).with({ label: 'runs that were stopped, or left something' }),
          own(METRICS.inventoryIncomplete).with({ label: 'inventories that did not see everything' }),
        ],
      }),
    );
  }
}

function graph(title: string, props: GraphWidgetProps): GraphWidget {
  return new GraphWidget({ title, width: 8, height: 6, ...props });
}

function durations(scope: Construct): MathExpression[] {
  return Object.entries({ half: Stats.p(50), longest: Stats.MAXIMUM }).map(([id, statistic]) => {
    const time = executionsOf(scope, NAMES.releaseImageMachine, 'ExecutionTime').with({ statistic });
    return new MathExpression({
      label: statistic,
      expression: `${id} / 60000`,
      usingMetrics: { [id]: time },
      period: PERIOD,
    });
  });
}

/** Builds run in the target accounts; what the hub sees of them are the executions that wait for up to 40 each. */
function runningBatches(scope: Construct): MathExpression {
  const of = (name: Parameters<typeof executionsOf>[2]) => executionsOf(scope, NAMES.bakeBatchMachine, name);
  const ended = ['succeeded', 'failed', 'aborted', 'timedOut'];
  return new MathExpression({
    label: 'running, in what is shown',
    expression: `RUNNING_SUM(FILL(started, 0)${ended.map((name) => ` - FILL(${name}, 0)`).join('')})`,
    usingMetrics: {
      started: of('ExecutionsStarted'),
      succeeded: of('ExecutionsSucceeded'),
      failed: of('ExecutionsFailed'),
      aborted: of('ExecutionsAborted'),
      timedOut: of('ExecutionsTimedOut'),
    },
    period: PERIOD,
  });
}

/** One line for every function of packleader, also those that come later. */
function search(service: string, metric: string, statistic: string): MathExpression {
  return new MathExpression({
    label: '',
    expression: `SEARCH('{AWS/${service},FunctionName} MetricName="${metric}" FunctionName=packleader', '${statistic}', 300)`,
    period: PERIOD,
  });
}
