import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { DefinitionBody, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { NAMES } from '../../core/contract/names.ts';
import type { TaskName } from '../../core/contract/tasks.ts';
import { justify } from '../constructs/wildcards.ts';
import { approvalWorkflow } from '../machines/approval.ts';
import { TaskStates } from '../machines/task-states.ts';
import * as timeouts from '../machines/timeouts.ts';
import { WILDCARDS, observed } from './state-machines.ts';

export interface ApprovingProps {
  readonly functionOf: (task: TaskName) => IFunction;
}

/** What takes the answers of people. Whoever may start it may approve, and needs no other permission in the hub. */
export class Approving extends Construct {
  constructor(scope: Construct, id: string, { functionOf }: ApprovingProps) {
    super(scope, id);
    justify(this, WILDCARDS);
    new StateMachine(this, 'Machine', {
      stateMachineName: NAMES.approvalMachine,
      comment:
        'Answers releases that wait. {"approve": ["linux-base@1.4.2026…"], "reason": "…"}; {"reject": ["linux-base@1.4.2026…"], "reason": "…"}.',
      definitionBody: DefinitionBody.fromChainable(
        approvalWorkflow(this, { tasks: new TaskStates(this, functionOf) }),
      ),
      timeout: timeouts.ANSWER,
      ...observed(this, NAMES.approvalMachine),
    });
  }
}
