import { Choice, Condition, Fail, JsonPath, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { ERRORS } from '../../core/contract/errors.ts';
import { STATE_NAMES } from '../../core/contract/state-names.ts';
import { type Target, byRegion } from '../../core/contract/targets.ts';
import { type Fallible, catchEverything } from './asl.ts';
import type { TaskStates } from './task-states.ts';

export interface RepointProps {
  readonly tasks: TaskStates;
  readonly bucket: string;
  /** Where something may be changed: the factory's targets. */
  readonly targets: readonly Target[];
}

const plan = { plan: JsonPath.objectAt('$.plan') };

/** What is done in every account, and why then. */
const STEPS = [
  [
    STATE_NAMES.enableAmis,
    'What stands again can be launched before anything shows it; most often there is nothing to do.',
    '$.enabled',
  ],
  [
    STATE_NAMES.markVersions,
    'Nothing may converge to a version that is revoked, so it is marked before latest moves.',
    '$.marked',
  ],
  [
    STATE_NAMES.pointLatest,
    'Consumers of all accounts find another version now, or a newer one that was released meanwhile.',
    '$.pointed',
  ],
  [
    STATE_NAMES.disableAmis,
    'Only what nothing shows any more is disabled, and only where that was asked for.',
    '$.disabled',
  ],
] as const;

/** Back to an older version in every account, or in none; revoked versions, and restored ones. Returns the first state. */
export function repointWorkflow(scope: Construct, { tasks, bucket, targets }: RepointProps): Fallible {
  const first = tasks.state(STATE_NAMES.planRepoint, {
    comment: 'Refuses what not every account could follow, and writes down what is there before.',
    payload: {
      request: JsonPath.objectAt('$$.Execution.Input'),
      execution: {
        id: JsonPath.stringAt('$$.Execution.Id'),
        name: JsonPath.stringAt('$$.Execution.Name'),
        startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
      },
      bucket,
      deployed: byRegion(targets),
    },
  });
  // One undo for all steps: in a target each thing is put back in its order, and no target waits for another.
  const undo = putBack(scope, tasks);
  let next = record(scope, tasks);
  for (const [name, comment, resultPath] of STEPS.toReversed()) {
    const step = tasks.state(name, { comment, payload: plan, resultPath });
    step.next(next);
    catchEverything(step, undo, '$.failure');
    next = step;
  }
  const isOnlyALook = new Choice(scope, STATE_NAMES.isItOnlyALook, {
    comment: 'A dry run changes nothing, and claims nothing.',
  })
    .when(
      Condition.booleanEquals('$.dryRun', true),
      new Succeed(scope, STATE_NAMES.lookedAt, {
        comment: 'Says what would be done.',
        outputPath: '$.answer',
      }),
    )
    .otherwise(next);
  catchEverything(
    first,
    new Fail(scope, STATE_NAMES.notRepointed, {
      comment: 'Refused, or nobody could look: no account was changed.',
      errorPath: '$.Error',
      causePath: '$.Cause',
    }),
  );
  first.next(isOnlyALook);
  return first;
}

/** After every account has followed nothing is undone. */
function record(scope: Construct, tasks: TaskStates): Fallible {
  const state = tasks.state(STATE_NAMES.recordRepoint, {
    comment: 'Remembers what was revoked and why, and tells whoever listens on the event bus.',
    payload: plan,
    resultPath: '$.recorded',
  });
  state.next(
    new Succeed(scope, STATE_NAMES.repointed, {
      comment: 'In every account.',
      outputPath: '$.answer',
    }),
  );
  catchEverything(
    state,
    new Fail(scope, STATE_NAMES.repointedWithoutRecord, {
      comment:
        'Every account has followed; its record or its event is missing: asking again writes the record.',
      error: ERRORS.announcementFailed,
      causePath: '$.failure.Cause',
    }),
    '$.failure',
  );
  return state;
}

function putBack(scope: Construct, tasks: TaskStates): Fallible {
  const state = tasks.state(STATE_NAMES.putBackVersions, {
    comment: 'A lost account leaves the rest as they were: marks, launch permissions, latest.',
    payload: {
      ...plan,
      failure: JsonPath.objectAt('$.failure'),
      attempt: JsonPath.numberAt('$$.State.RetryCount'),
    },
    resultPath: '$.undone',
  });
  const paths = { errorPath: '$.undone.error', causePath: '$.undone.cause' };
  state.next(
    new Choice(scope, STATE_NAMES.wasEverythingPutBack, {
      comment: 'What was not put back everywhere must never look like what was.',
    })
      .when(
        Condition.booleanEquals('$.undone.complete', true),
        new Fail(scope, STATE_NAMES.putBack, {
          comment: 'Every account shows what it showed before; the first error is raised again.',
          ...paths,
        }),
      )
      .otherwise(
        new Fail(scope, STATE_NAMES.notEverythingPutBack, {
          comment: 'Names everything that is not as it was.',
          ...paths,
        }),
      ),
  );
  catchEverything(
    state,
    new Fail(scope, STATE_NAMES.putBackNotVerified, {
      comment: 'Nobody could put back, or say what is not as it was.',
      error: ERRORS.repointIncomplete,
      causePath: '$.failure.Cause',
    }),
    '$.unverified',
  );
  return state;
}
