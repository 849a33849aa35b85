import { Choice, Condition, Fail, JsonPath, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { RetentionRules } from '../../core/configuration/retention.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { STATE_NAMES } from '../../core/contract/state-names.ts';
import { type Target, byRegion } from '../../core/contract/targets.ts';
import { catchEverything } from './asl.ts';
import type { TaskStates } from './task-states.ts';

export interface RetireProps {
  readonly tasks: TaskStates;
  readonly targets: readonly Target[];
  readonly rules: RetentionRules;
}

/** Moves versions that nothing uses on their way out, each everywhere or nowhere; or takes that back. Returns the first state. */
export function retireWorkflow(scope: Construct, { tasks, targets, rules }: RetireProps): Choice {
  const deployed = byRegion(targets);
  const request = JsonPath.objectAt('$$.Execution.Input');
  const now = JsonPath.stringAt('$$.Execution.StartTime');
  const retire = tasks.state(STATE_NAMES.retireVersions, {
    comment: 'Decides about every version as a whole, looks who uses what would go, and takes the due steps.',
    payload: { request, deployed, rules, now, attempt: JsonPath.numberAt('$$.State.RetryCount') },
  });
  const notRetired = new Fail(scope, STATE_NAMES.notRetired, {
    comment: 'Nobody could say what may go, or an effect was never answered; the next run looks again.',
    errorPath: '$.Error',
    causePath: '$.Cause',
  });
  const was = new Choice(scope, STATE_NAMES.wasEverythingRetired, {
    comment: 'A run that was stopped, or left something, must never look like a clean one.',
  })
    .when(
      Condition.booleanEquals('$.complete', true),
      new Succeed(scope, STATE_NAMES.retired, {
        comment: 'Every step that was due has been taken in every account; a dry run took none.',
      }),
    )
    .otherwise(
      new Fail(scope, STATE_NAMES.retirementIncomplete, {
        comment: 'Says why nothing may go now, or names what could not be removed.',
        error: ERRORS.retirementIncomplete,
        causePath: '$.cause',
      }),
    );
  const restore = tasks.state(STATE_NAMES.restoreVersion, {
    comment: 'Takes back in every account what was done to one version, as far as it is still there.',
    payload: { request, deployed, now },
  });
  const notRestored = new Fail(scope, STATE_NAMES.notRestored, {
    comment: 'An account refused, or nothing is left of the version; what was restored stays restored.',
    errorPath: '$.Error',
    causePath: '$.Cause',
  });
  catchEverything(retire, notRetired);
  catchEverything(restore, notRestored);
  retire.next(was);
  restore.next(
    new Succeed(scope, STATE_NAMES.restored, {
      comment: 'The version can be launched again everywhere, and counts as used now.',
    }),
  );
  return new Choice(scope, STATE_NAMES.isItAnUndo, {
    comment: 'Whoever wants a version back names it; everything else retires what is due.',
  })
    .when(Condition.isPresent('$.undo'), restore)
    .otherwise(retire);
}
