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
import type { Approvals } from '../../core/contract/approvals.ts';
import type { Parity } from '../../core/contract/comparison.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { BAKES_PER_BATCH } from '../../core/contract/limits.ts';
import { PIVOT, STAGE_STATE_NAMES, STATE_NAMES } from '../../core/contract/state-names.ts';
import { batchExecutionName } from '../../core/releases/batches.ts';
import { type Gate, approveStage, refuseAtGate, skipGate } from './approval.ts';
import { type Fallible, at, catchEverything, runMachine } from './asl.ts';
import * as retries from './retries.ts';
import { type Step, saga } from './saga.ts';
import type { TaskStates } from './task-states.ts';
import * as timeouts from './timeouts.ts';

export interface ReleaseImageProps {
  /** In the order in which they are baked. */
  readonly stages: readonly string[];
  readonly tasks: TaskStates;
  readonly bakeBatchMachineArn: string;
  /** What becomes of differences between the AMIs. */
  readonly parity: Parity;
  /** Whether AMIs may be booted and tested. */
  readonly testAmis: boolean;
  /** The stages that somebody must approve. */
  readonly approvals: Approvals;
}

const release = JsonPath.objectAt('$.release');
const amis = JsonPath.objectAt('$.amis');
/** By which a task knows that its execution was redriven. */
const run = {
  executionArn: JsonPath.stringAt('$$.Execution.Id'),
  redriveCount: JsonPath.numberAt('$$.Execution.RedriveCount'),
};
/** What the comparison of the AMIs came to, or why there is none. */
const COMPARED = '$.compared';

/** The transaction: one image into every target, or into none. Returns its first state. */
export function releaseImageWorkflow(scope: Construct, props: ReleaseImageProps): Fallible {
  const { tasks, stages, parity, testAmis, approvals } = props;
  const gates = new Map(
    Object.entries(approvals).map(([stage, approval]) => [
      stage,
      approveStage(scope, tasks, stage, approval, {
        first: stages[0] ?? '',
        release,
        run,
        ...(testAmis && { tested: JsonPath.objectAt('$.tested') }),
      }),
    ]),
  );
  const gateAt = (state: Fallible): Gate | undefined =>
    [...gates.values()].find(({ approve }) => approve === state);
  const steps: Step<Fallible>[] = [
    {
      name: tasks.state(STATE_NAMES.resolveSourceAmis, {
        comment:
          'Every target starts from one source AMI, so it is looked up once, before anything is built.',
        payload: {
          release,
          source: JsonPath.objectAt('$.source'),
          plan: JsonPath.objectAt('$.plan'),
          executionName: JsonPath.stringAt('$.executionName'),
          executionArn: JsonPath.stringAt('$$.Execution.Id'),
          startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
          run,
        },
        resultPath: '$.resolved',
      }),
    },
    ...stages.flatMap((stage) => [
      ...[gates.get(stage)].flatMap((gate) => (gate ? [{ name: gate.approve }] : [])),
      { name: bakeStage(scope, props, stage), undo: deregisterStage(tasks, stage) },
      { name: checkStage(tasks, stage) },
      ...(testAmis ? [{ name: testStage(tasks, stage) }] : []),
    ]),
    ...(parity === 'off' ? [] : [compareAmis(tasks, parity)]),
    {
      name: tasks.state(STATE_NAMES.applyVersionTags, {
        comment: 'Every target holds a sound candidate: from here on they are one version.',
        payload: {
          release,
          amis,
          plan: JsonPath.objectAt('$.plan'),
          startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
          run,
        },
        resultPath: '$.tagged',
      }),
    },
    {
      name: tasks.state(PIVOT.publish, {
        comment: 'The pivot: only now can consumers find the release, in all accounts.',
        payload: { release, amis, run },
        resultPath: '$.published',
      }),
      undo: tasks.state(STATE_NAMES.withdrawPublication, {
        comment: 'Consumers must stop finding an AMI before it is deregistered.',
        payload: {
          release,
          resolved: JsonPath.objectAt('$.resolved'),
          attempt: JsonPath.numberAt('$$.State.RetryCount'),
          run,
        },
        resultPath: at('undone', STATE_NAMES.withdrawPublication),
      }),
    },
  ];
  const ends = { done: announceRelease(scope, props), undone: verifyRollback(scope, tasks) };
  return saga<Fallible>(steps, ends, {
    next: (from, to) => {
      from.next(to);
      const gate = gateAt(from);
      if (gate) skipGate(gate, to);
    },
    onFailure: (from, to) => {
      const gate = gateAt(from);
      if (gate) refuseAtGate(gate, to);
      catchEverything(from, to, '$.failure');
    },
    onSkipping: (from, to) => catchEverything(from, to, COMPARED),
    onGivingUp: (from, to) => catchEverything(from, to, at('undone', from.id)),
  });
}

function bakeStage(scope: Construct, { bakeBatchMachineArn }: ReleaseImageProps, stage: string): Fallible {
  const bakeBatch = runMachine(scope, STAGE_STATE_NAMES.bakeBatch(stage), {
    comment: `One inline Map runs ${BAKES_PER_BATCH} bakes at once, so each batch of ${BAKES_PER_BATCH} is an execution with a Map of its own.`,
    stateMachineArn: bakeBatchMachineArn,
    executionName: `States.Format('${batchExecutionName('{}', '{}', '{}')}', $.executionName, $.stage, $.batch.number)`,
    input: {
      'release.$': '$.release',
      'source.$': '$.source',
      'plan.$': '$.plan',
      'targets.$': '$.batch.targets',
    },
    resultSelector: { 'bakes.$': '$.Output' },
    timeout: timeouts.BAKE_BATCH,
  });
  bakeBatch.addRetry(retries.throttled);
  bakeBatch.addRetry(retries.transient);
  const failed = new Pass(scope, STAGE_STATE_NAMES.batchNotBaked(stage), {
    comment: 'A failure here must not stop the other batches; the check that follows reads it.',
    parameters: { error: JsonPath.stringAt('$.failure.Error') },
  });
  catchEverything(bakeBatch, failed, '$.failure');

  const stageOfBakes = new MapState(scope, STAGE_STATE_NAMES.bake(stage), {
    comment: `Bakes the image in every target of ${stage} at the same time.`,
    itemsPath: at('resolved', stage, 'batches'),
    itemSelector: {
      'release.$': '$.release',
      'source.$': '$.source',
      'plan.$': '$.plan',
      'executionName.$': '$.executionName',
      stage,
      'batch.$': '$$.Map.Item.Value',
    },
    resultPath: at('baked', stage),
  });
  return stageOfBakes.itemProcessor(bakeBatch);
}

function checkStage(tasks: TaskStates, stage: string): Fallible {
  return tasks.state(STAGE_STATE_NAMES.check(stage), {
    stage,
    comment: `Decides by what the accounts really hold whether ${stage} was baked.`,
    payload: {
      release,
      stage,
      plan: JsonPath.objectAt('$.plan'),
      batches: JsonPath.objectAt(at('resolved', stage, 'batches')),
      baked: JsonPath.objectAt(at('baked', stage)),
      since: JsonPath.stringAt('$$.Execution.StartTime'),
      attempt: JsonPath.numberAt('$$.State.RetryCount'),
      run,
    },
    resultPath: at('amis', stage),
  });
}

/** What it launches is undone with the bake: by then it is found like a builder, by the tag of the release. */
function testStage(tasks: TaskStates, stage: string): Fallible {
  return tasks.state(STAGE_STATE_NAMES.test(stage), {
    stage,
    comment: `Boots every AMI of ${stage}, and runs the tests of its image there: nobody has used it before.`,
    payload: {
      release,
      stage,
      plan: JsonPath.objectAt('$.plan'),
      executionName: JsonPath.stringAt('$.executionName'),
      executionArn: JsonPath.stringAt('$$.Execution.Id'),
      amis: JsonPath.objectAt(at('amis', stage)),
      attempt: JsonPath.numberAt('$$.State.RetryCount'),
      run,
    },
    resultPath: at('tested', stage),
    retry: retries.testsUnderWay,
  });
}

/** A report that could not be made is no reason to roll back a release that is sound. */
function compareAmis(tasks: TaskStates, parity: Exclude<Parity, 'off'>): Step<Fallible> {
  const compare = tasks.state(STATE_NAMES.compareAmis, {
    comment: 'Every AMI was baked by itself: says what is not the same in all of them.',
    payload: {
      release,
      plan: JsonPath.objectAt('$.plan'),
      parity,
      resolved: JsonPath.objectAt('$.resolved'),
      amis,
      attempt: JsonPath.numberAt('$$.State.RetryCount'),
      run,
    },
    resultPath: COMPARED,
  });
  return { name: compare, ...(parity === 'report' && { optional: true }) };
}

function deregisterStage(tasks: TaskStates, stage: string): Fallible {
  return tasks.state(STAGE_STATE_NAMES.deregister(stage), {
    stage,
    comment: `Leaves nothing of the release in ${stage}: no build, no builder, no AMI, no snapshot.`,
    payload: { release, stage, batches: JsonPath.objectAt(at('resolved', stage, 'batches')), run },
    resultPath: at('undone', STAGE_STATE_NAMES.deregister(stage)),
  });
}

/** After the pivot nothing is undone: consumers may use the release already. */
function announceRelease(
  scope: Construct,
  { tasks, parity, testAmis, approvals }: ReleaseImageProps,
): Fallible {
  const announce = tasks.state(PIVOT.behind, {
    comment: 'Tells whoever listens on the event bus, and remembers the commit.',
    payload: {
      release,
      source: JsonPath.objectAt('$.source'),
      plan: JsonPath.objectAt('$.plan'),
      executionName: JsonPath.stringAt('$.executionName'),
      executionArn: JsonPath.stringAt('$$.Execution.Id'),
      startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
      announcedAt: JsonPath.stringAt('$$.State.EnteredTime'),
      resolved: JsonPath.objectAt('$.resolved'),
      baked: JsonPath.objectAt('$.baked'),
      amis,
      ...(parity !== 'off' && { compared: JsonPath.objectAt(COMPARED) }),
      ...(testAmis && { tested: JsonPath.objectAt('$.tested') }),
      ...(Object.keys(approvals).length > 0 && { approved: JsonPath.objectAt('$.approved') }),
    },
    resultPath: '$.announced',
  });
  announce.next(
    new Succeed(scope, STATE_NAMES.released, {
      comment: 'In every account, under one version.',
      outputPath: '$.release',
    }),
  );
  const unannounced = new Fail(scope, STATE_NAMES.releasedWithoutAnnouncement, {
    comment: 'The release stands in every account and can be used; only its event is missing.',
    error: ERRORS.announcementFailed,
    causePath: '$.failure.Cause',
  });
  catchEverything(announce, unannounced, '$.failure');
  return announce;
}

function verifyRollback(scope: Construct, tasks: TaskStates): Fallible {
  const explain = tasks.state(STATE_NAMES.verifyRollback, {
    comment: 'Only what nobody can find any more is undone; says in words what failed and what is left.',
    payload: { input: JsonPath.objectAt('$'), attempt: JsonPath.numberAt('$$.State.RetryCount'), run },
    resultPath: '$.rollback',
  });
  const announce = tasks.state(STATE_NAMES.announceRollback, {
    comment: 'Tells whoever listens on the event bus.',
    payload: {
      release,
      executionArn: JsonPath.stringAt('$$.Execution.Id'),
      rollback: JsonPath.objectAt('$.rollback'),
    },
    resultPath: '$.announced',
  });
  const paths = { errorPath: '$.rollback.error', causePath: '$.rollback.cause' };
  const undone = new Choice(scope, STATE_NAMES.wasEverythingUndone, {
    comment: 'A rollback that left something behind must never look like a clean one.',
  })
    .when(
      Condition.booleanEquals('$.rollback.complete', true),
      new Fail(scope, STATE_NAMES.rolledBack, {
        comment: 'No account holds the release; the first error is raised again.',
        ...paths,
      }),
    )
    .otherwise(
      new Fail(scope, STATE_NAMES.rollbackIncomplete, {
        comment: 'Names everything that is left behind.',
        ...paths,
      }),
    );
  const unverified = new Fail(scope, STATE_NAMES.rollbackNotVerified, {
    comment: 'Every undo ran, but nobody could look at what is left: see the undo states above.',
    error: ERRORS.rollbackIncomplete,
    causePath: '$.failure.Cause',
  });
  explain.next(announce);
  catchEverything(explain, unverified, '$.unverified');
  announce.next(undone);
  catchEverything(announce, undone, '$.announced');
  return explain;
}
