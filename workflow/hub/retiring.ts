import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { DefinitionBody, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { RetentionRules } from '../../core/configuration/retention.ts';
import { METRICS } from '../../core/contract/metrics.ts';
import { NAMES } from '../../core/contract/names.ts';
import { STATE_NAMES } from '../../core/contract/state-names.ts';
import type { Target } from '../../core/contract/targets.ts';
import type { TaskName } from '../../core/contract/tasks.ts';
import { justify } from '../constructs/wildcards.ts';
import { inventoryWorkflow } from '../machines/inventory.ts';
import { retireWorkflow } from '../machines/retire.ts';
import { TaskStates } from '../machines/task-states.ts';
import * as timeouts from '../machines/timeouts.ts';
import { WILDCARDS, observed } from './state-machines.ts';
import { type FailedTriggers, handOver } from './failed-triggers.ts';

export interface RetiringProps {
  readonly functionOf: (task: TaskName) => IFunction;
  readonly targets: readonly Target[];
  readonly rules: RetentionRules;
  readonly failed: FailedTriggers;
}

/** Three looks an hour: one that fails leaves the AMIs with one that is fresh enough. */
const INVENTORY_EVERY = Duration.minutes(20);

/** What sees which AMIs are used, and retires the versions that are not. It stands only where that is switched on. */
export class Retiring extends Construct {
  constructor(scope: Construct, id: string, { functionOf, targets, rules, failed }: RetiringProps) {
    super(scope, id);
    justify(this, WILDCARDS);

    const inventoryScope = new Construct(this, 'Inventory');
    const inventory = new StateMachine(inventoryScope, 'Machine', {
      stateMachineName: NAMES.inventoryMachine,
      comment:
        'Tags every AMI of the factory with when it was looked at, and those in use with that they are.',
      definitionBody: DefinitionBody.fromChainable(
        inventoryWorkflow(inventoryScope, { tasks: new TaskStates(inventoryScope, functionOf), targets }),
      ),
      timeout: timeouts.INVENTORY,
      ...observed(inventoryScope, NAMES.inventoryMachine, {
        [STATE_NAMES.inventoryIncomplete]: METRICS.inventoryIncomplete,
        [STATE_NAMES.noInventory]: METRICS.inventoryIncomplete,
      }),
    });
    new Rule(inventoryScope, 'Often', {
      description: 'Looks which AMIs are used.',
      schedule: Schedule.rate(INVENTORY_EVERY),
      // The next one looks at the same.
      targets: [
        new SfnStateMachine(inventory, {
          ...handOver(failed, INVENTORY_EVERY),
          input: RuleTargetInput.fromObject({}),
        }),
      ],
    });

    const retireScope = new Construct(this, 'Retire');
    const retire = new StateMachine(retireScope, 'Machine', {
      stateMachineName: NAMES.retireMachine,
      comment:
        'Retires versions that nothing uses. {} does; {"dryRun": true} only says what; {"undo": "linux-base@1.4.2026…"} takes back.',
      definitionBody: DefinitionBody.fromChainable(
        retireWorkflow(retireScope, { tasks: new TaskStates(retireScope, functionOf), targets, rules }),
      ),
      timeout: timeouts.RETIRE,
      ...observed(retireScope, NAMES.retireMachine, { [STATE_NAMES.notRetired]: METRICS.notRetired }),
    });
    new Rule(retireScope, 'EveryDay', {
      description: 'Retires the versions that are due.',
      schedule: Schedule.rate(Duration.days(1)),
      targets: [new SfnStateMachine(retire, { ...handOver(failed), input: RuleTargetInput.fromObject({}) })],
    });
  }
}
