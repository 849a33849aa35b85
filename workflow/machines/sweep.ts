import { STATE_NAMES } from '../../core/contract/state-names.ts';
import {
  Choice,
  Condition,
  Fail,
  JsonPath,
  Map as MapState,
  Pass,
  Succeed,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { type Target, byRegion } from '../../core/contract/targets.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { type Fallible, catchEverything } from './asl.ts';
import type { TaskStates } from './task-states.ts';

export interface SweepProps {
  readonly tasks: TaskStates;
  readonly bucket: string;
  /** Where is looked when nobody says for which release. */
  readonly targets: readonly Target[];
  /** Whether other accounts may launch what is released, or copy it. */
  readonly gives: boolean;
}

/** What no Catch can undo: a release that was stopped, that timed out, or whose rollback left something. Returns the first state. */
export function sweepWorkflow(scope: Construct, { tasks, bucket, targets, gives }: SweepProps): Fallible {
  const find = tasks.state(STATE_NAMES.findDeadReleases, {
    comment:
      'Finds by tag what can never be released any more; whoever runs, is released or unclear is left alone.',
    payload: {
      request: JsonPath.objectAt('$$.Execution.Input'),
      execution: {
        id: JsonPath.stringAt('$$.Execution.Id'),
        name: JsonPath.stringAt('$$.Execution.Name'),
        startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
      },
      bucket,
      deployed: byRegion(targets),
      attempt: JsonPath.numberAt('$$.State.RetryCount'),
    },
  });
  const report = tasks.state(STATE_NAMES.reportSweep, {
    comment: 'Says what was removed, what is left and why; in a dry run, what would be removed.',
    resultPath: '$.report',
  });
  const failed = new Fail(scope, STATE_NAMES.notSwept, {
    comment: 'Nobody could say what is dead, or what is left of it; the next sweep tries again.',
    errorPath: '$.Error',
    causePath: '$.Cause',
  });
  const sweep = sweepEachRelease(scope, tasks, gives);
  const dry = new Choice(scope, STATE_NAMES.isItADryRun, { comment: 'A dry run removes nothing.' })
    .when(Condition.booleanEquals('$.dryRun', true), report)
    .otherwise(sweep);
  const swept = new Choice(scope, STATE_NAMES.wasEverythingSwept, {
    comment: 'A sweep that left something behind must never look like a clean one.',
  })
    .when(
      Condition.booleanEquals('$.report.complete', true),
      new Succeed(scope, STATE_NAMES.swept, {
        comment: 'Nothing is left of any dead release that was looked for.',
        outputPath: '$.report',
      }),
    )
    .otherwise(
      new Fail(scope, STATE_NAMES.sweepIncomplete, {
        comment: 'Names everything that is left behind, and why.',
        error: ERRORS.sweepIncomplete,
        causePath: '$.report.cause',
      }),
    );
  for (const state of [find, sweep, report]) catchEverything(state, failed);
  find.next(dry);
  sweep.next(report);
  report.next(swept);
  return find;
}

function sweepEachRelease(scope: Construct, tasks: TaskStates, gives: boolean): MapState {
  const settle = new Wait(scope, STATE_NAMES.letPublishingEnd, {
    comment:
      'Stopping an execution does not stop its task: one that was publishing goes on to its own time limit.',
    time: WaitTime.timestampPath('$.settledAt'),
  });
  const sweep = tasks.state(STATE_NAMES.sweepRelease, {
    comment: 'Stops its bakes, hides it from consumers everywhere, then removes what it made.',
    payload: {
      releaseId: JsonPath.stringAt('$.releaseId'),
      bucket: JsonPath.stringAt('$.bucket'),
      ...(gives && { shares: true }),
      sweep: JsonPath.stringAt('$.sweep'),
      execution: {
        id: JsonPath.stringAt('$$.Execution.Id'),
        startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
      },
    },
  });
  const failed = new Pass(scope, STATE_NAMES.releaseNotSwept, {
    comment: 'Others are swept all the same; what is left of this one is in the bucket.',
    parameters: { 'releaseId.$': '$.releaseId', failure: { 'Error.$': '$.failure.Error' } },
  });
  catchEverything(sweep, failed, '$.failure');
  const each = new MapState(scope, STATE_NAMES.sweepEachRelease, {
    comment: 'One that cannot be removed must not keep the others.',
    itemsPath: '$.releases',
    maxConcurrency: 10,
    itemSelector: {
      'releaseId.$': '$$.Map.Item.Value.releaseId',
      'settledAt.$': '$$.Map.Item.Value.settledAt',
      'bucket.$': '$.bucket',
      'sweep.$': '$.sweep',
    },
    resultPath: '$.swept',
  });
  return each.itemProcessor(settle.next(sweep));
}
