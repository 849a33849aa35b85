import {
  Choice,
  Condition,
  Fail,
  JsonPath,
  Map as MapState,
  Pass,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { ERRORS } from '../../core/contract/errors.ts';
import { STATE_NAMES } from '../../core/contract/state-names.ts';
import { type Target, byRegion } from '../../core/contract/targets.ts';
import { type Fallible, catchEverything } from './asl.ts';
import type { TaskStates } from './task-states.ts';

export interface InventoryProps {
  readonly tasks: TaskStates;
  readonly targets: readonly Target[];
}

/** Tags every AMI of the factory with when it was looked at, and those in use with that they are. Returns the first state. */
export function inventoryWorkflow(scope: Construct, { tasks, targets }: InventoryProps): Fallible {
  const plan = tasks.state(STATE_NAMES.planInventory, {
    comment: 'Divides the targets into batches that one function can look at in its time.',
    payload: { deployed: byRegion(targets) },
  });
  const every = takeEveryInventory(scope, tasks);
  const report = tasks.state(STATE_NAMES.reportInventory, {
    comment: 'Says how many AMIs are used, and where nobody could tell.',
    resultPath: '$.report',
  });
  const incomplete = new Fail(scope, STATE_NAMES.inventoryIncomplete, {
    comment: 'What nobody could look at counts as used, so nothing is retired anywhere until somebody can.',
    error: ERRORS.inventoryIncomplete,
    causePath: '$.report.cause',
  });
  const failed = new Fail(scope, STATE_NAMES.noInventory, {
    comment: 'Nobody can say what was looked at; without a fresh inventory nothing is retired.',
    errorPath: '$.Error',
    causePath: '$.Cause',
  });
  const read = new Choice(scope, STATE_NAMES.wasEveryTargetRead, {
    comment: 'An inventory that did not see everything must never look like one that did.',
  })
    .when(
      Condition.booleanEquals('$.report.complete', true),
      new Succeed(scope, STATE_NAMES.inventoryTaken, {
        comment: 'Every AMI of the factory says when it was looked at, and when it was used.',
        outputPath: '$.report',
      }),
    )
    .otherwise(incomplete);
  for (const state of [plan, every, report]) catchEverything(state, failed);
  plan.next(every);
  every.next(report);
  report.next(read);
  return plan;
}

function takeEveryInventory(scope: Construct, tasks: TaskStates): MapState {
  const take = tasks.state(STATE_NAMES.takeInventory, {
    comment: 'Finds what uses an AMI, by every source, and tags all AMIs of these targets.',
    payload: {
      targets: JsonPath.objectAt('$.targets'),
      now: JsonPath.stringAt('$$.Execution.StartTime'),
      attempt: JsonPath.numberAt('$$.State.RetryCount'),
    },
  });
  const failed = new Pass(scope, STATE_NAMES.inventoryNotTaken, {
    comment: 'The other batches are looked at all the same; of these targets nothing is known.',
    parameters: { 'targets.$': '$.targets', failure: { 'Error.$': '$.failure.Error' } },
  });
  catchEverything(take, failed, '$.failure');
  const each = new MapState(scope, STATE_NAMES.takeEveryInventory, {
    comment: 'Batches are independent of each other; each function looks at 25 targets at a time.',
    itemsPath: '$.batches',
    maxConcurrency: 20,
    itemSelector: { 'targets.$': '$$.Map.Item.Value.targets' },
    resultPath: '$.inventories',
  });
  return each.itemProcessor(take);
}
