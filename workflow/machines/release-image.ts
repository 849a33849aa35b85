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
import { SCAN } from '../../core/contract/environments.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { keys } from '../../core/contract/keys.ts';
import { BAKES_PER_BATCH } from '../../core/contract/limits.ts';
import { PIVOT, STAGE_STATE_NAMES, STATE_NAMES } from '../../core/contract/state-names.ts';
import { NAMES } from '../../core/contract/names.ts';
import type { Scanner } from '../../core/contract/vulnerabilities.ts';
import { batchExecutionName } from '../../core/releases/batches.ts';
import { type Gate, approveStage, refuseAtGate, skipGate } from './approval.ts';
import { type Fallible, at, catchEverything, runBuild, runMachine } from './asl.ts';
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
  /** Whether other accounts may launch what is released. */
  readonly shareAmis: boolean;
  /** Whether AMIs may be copied from one target to another. */
  readonly copyAmis: boolean;
  /** What scans the SBOMs of releases; default: nothing does. */
  readonly scanAmis?: Scanner;
  /** The stages that somebody must approve. */
  readonly approvals: Approvals;
  /** For how long a release that fails in a later stage waits for a retry; undefined where it does not. */
  readonly retryWaitHours?: number;
}

const release = JsonPath.objectAt('$.release');
const amis = JsonPath.objectAt('$.amis');
/** By which a task finds who may launch the AMIs, and what it wrote down of that. */
const toShare = ({ shareAmis }: ReleaseImageProps) =>
  shareAmis ? { plan: JsonPath.objectAt('$.plan') } : {};
/** By which a task knows that its execution was redriven. */
const run = {
  executionArn: JsonPath.stringAt('$$.Execution.Id'),
  redriveCount: JsonPath.numberAt('$$.Execution.RedriveCount'),
};
/** What the comparison of the AMIs came to, or why there is none. */
const COMPARED = '$.compared';
/** Why a scanner of one's own said nothing; empty when it did. */
const RAN = '$.scannerRun';

/** The transaction: one image into every target, or into none. Returns its first state. */
export function releaseImageWorkflow(scope: Construct, props: ReleaseImageProps): Fallible {
  const { tasks, stages, parity, testAmis, copyAmis, scanAmis, approvals, retryWaitHours } = props;
  /** The first stage has none before it to copy from. */
  const copies = (stage: string): boolean => copyAmis && stage !== stages[0];
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
  const keeping = retryWaitHours === undefined ? undefined : keepForRetry(scope, props, retryWaitHours);
  /** The steps that make something of a later stage: what fails there leaves the stages before as they are. */
  const inLaterStages = new Set<Fallible>();
  function inStage(stage: string, state: Fallible): Fallible {
    if (stage !== stages[0]) inLaterStages.add(state);
    return state;
  }
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
          ...(retryWaitHours !== undefined && { takesOver: true }),
          ...(copyAmis && { copies: true }),
        },
        resultPath: '$.resolved',
      }),
    },
    // What a retry keeps is of several stages: whatever fails in it undoes all of them.
    ...(retryWaitHours === undefined
      ? []
      : [
          {
            name: takeOver(tasks, stages),
            undo: stages.flatMap((stage) => [
              deregisterStage(props, stage),
              ...(copies(stage) ? [unshareStage(tasks, stage)] : []),
            ]),
          },
        ]),
    ...stages.flatMap((stage) => [
      ...[gates.get(stage)].flatMap((gate) => (gate ? [{ name: gate.approve }] : [])),
      {
        name: inStage(stage, bakeStage(scope, props, stage)),
        ...(retryWaitHours === undefined && { undo: deregisterStage(props, stage) }),
      },
      ...(copies(stage)
        ? [
            {
              name: inStage(stage, copyStage(tasks, stage)),
              ...(retryWaitHours === undefined && { undo: unshareStage(tasks, stage) }),
            },
          ]
        : []),
      { name: inStage(stage, checkStage(tasks, stage, props)) },
      ...(testAmis ? [{ name: inStage(stage, testStage(tasks, stage)) }] : []),
    ]),
    compareAmis(tasks, parity),
    ...(scanAmis === 'command' ? [{ name: runScanner(scope), optional: true as const }] : []),
    ...(scanAmis === undefined ? [] : [{ name: scan(tasks, scanAmis) }]),
    {
      name: tasks.state(STATE_NAMES.applyVersionTags, {
        comment: 'Every target holds a sound candidate: from here on they are one version.',
        payload: {
          release,
          amis,
          plan: JsonPath.objectAt('$.plan'),
          startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
          ...(gates.size > 0 && { approved: JsonPath.objectAt('$.approved') }),
          run,
        },
        resultPath: '$.tagged',
      }),
    },
    {
      name: tasks.state(PIVOT.publish, {
        comment: 'The pivot: only now can consumers find the release, in all accounts.',
        payload: { release, amis, run, ...toShare(props) },
        resultPath: '$.published',
      }),
      undo: tasks.state(STATE_NAMES.withdrawPublication, {
        comment: 'Consumers must stop finding an AMI before it is deregistered.',
        payload: {
          release,
          resolved: JsonPath.objectAt('$.resolved'),
          attempt: JsonPath.numberAt('$$.State.RetryCount'),
          run,
          ...toShare(props),
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
      if (keeping && inLaterStages.has(from)) {
        keeping.goesOnTo(to);
        catchEverything(from, keeping.clear, '$.failure');
      } else catchEverything(from, to, '$.failure');
    },
    onSkipping: (from, to) => catchEverything(from, to, from.id === STATE_NAMES.runScanner ? RAN : COMPARED),
    onGivingUp: (from, to) => catchEverything(from, to, at('undone', from.id)),
  });
}

/** Whatever is kept is so in the first stage. */
function takeOver(tasks: TaskStates, [first = '']: readonly string[]): Fallible {
  return tasks.state(STATE_NAMES.takeOverAmis, {
    comment: 'A retry goes on with the AMIs that the attempt before has kept, once that has let go of them.',
    payload: {
      release,
      first: JsonPath.objectAt(at('resolved', first)),
      executionArn: JsonPath.stringAt('$$.Execution.Id'),
    },
    resultPath: '$.takenOver',
    retry: retries.untilHandedOver,
  });
}

/** What comes between a failure in a later stage and the undo of all of them. */
interface Keeping {
  readonly clear: Fallible;
  /** Where everything is undone when nobody has retried it. */
  readonly goesOnTo: (undo: Fallible) => void;
}

function keepForRetry(
  scope: Construct,
  { tasks, stages, testAmis, copyAmis }: ReleaseImageProps,
  waitHours: number,
): Keeping {
  const clear = tasks.state(STATE_NAMES.clearFailedStage, {
    comment:
      'Leaves nothing of the stage that failed, and says that the stages before it are kept for a retry.',
    payload: {
      release,
      ...(copyAmis && { bucket: JsonPath.stringAt('$.plan.bucket') }),
      stages,
      resolved: JsonPath.objectAt('$.resolved'),
      amis,
      ...(testAmis && { tested: JsonPath.objectAt('$.tested') }),
      failure: JsonPath.objectAt('$.failure'),
      enteredAt: JsonPath.stringAt('$$.State.EnteredTime'),
      waitHours,
      run,
    },
    resultPath: '$.cleared',
  });
  const wait = tasks.state(STATE_NAMES.awaitRetry, {
    comment: `Looks for ${waitHours} hours whether somebody retries the release, which then goes on in another execution.`,
    payload: {
      release,
      failure: JsonPath.objectAt('$.failure'),
      cleared: JsonPath.objectAt('$.cleared'),
      executionArn: JsonPath.stringAt('$$.Execution.Id'),
    },
    resultPath: '$.retried',
    retry: retries.untilRetried(waitHours),
  });
  clear.next(wait);
  wait.next(
    new Fail(scope, STATE_NAMES.handedOver, {
      comment: 'A retry goes on with its AMIs: nothing is undone here, and nothing is released.',
      error: ERRORS.handedOver,
      causePath: '$.retried.cause',
    }),
  );
  let undone: Fallible | undefined;
  return {
    clear,
    goesOnTo: (undo) => {
      if (undone === undo) return;
      undone = undo;
      // What these say is not kept: the undo that follows finds all of it again.
      for (const state of [clear, wait]) catchEverything(state, undo, JsonPath.DISCARD);
    },
  };
}

function bakeStage(
  scope: Construct,
  { bakeBatchMachineArn, copyAmis, retryWaitHours }: ReleaseImageProps,
  stage: string,
): Fallible {
  const isChosen = copyAmis || retryWaitHours !== undefined;
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
    itemsPath: at('resolved', stage, isChosen ? 'toBake' : 'batches'),
    itemSelector: {
      'release.$': '$.release',
      'source.$': '$.source',
      'plan.$': '$.plan',
      'executionName.$': '$.executionName',
      stage,
      'batch.$': isChosen
        ? // With one name in brackets: not every interpreter reads two of them here.
          `States.ArrayGetItem(${at('resolved', stage)}.batches, $$.Map.Item.Value)`
        : '$$.Map.Item.Value',
    },
    resultPath: at('baked', stage),
  });
  return stageOfBakes.itemProcessor(bakeBatch);
}

/** One state for all of its targets: each attempt goes one step further. The copies are undone with the bakes, found like them. */
function copyStage(tasks: TaskStates, stage: string): Fallible {
  return tasks.state(STAGE_STATE_NAMES.copy(stage), {
    stage,
    comment: `Copies what an earlier stage has baked into those targets of ${stage} that do not bake.`,
    payload: {
      release,
      plan: JsonPath.objectAt('$.plan'),
      executionName: JsonPath.stringAt('$.executionName'),
      batches: JsonPath.objectAt(at('resolved', stage, 'batches')),
      toCopy: JsonPath.objectAt(at('resolved', stage, 'toCopy')),
      amis,
      attempt: JsonPath.numberAt('$$.State.RetryCount'),
      run,
    },
    resultPath: at('copied', stage),
    retry: retries.copiesUnderWay,
  });
}

function unshareStage(tasks: TaskStates, stage: string): Fallible {
  return tasks.state(STAGE_STATE_NAMES.unshare(stage), {
    stage,
    comment: `Takes back what the accounts of ${stage} were let do with AMIs of earlier stages.`,
    payload: { release, plan: JsonPath.objectAt('$.plan'), run },
    resultPath: at('undone', STAGE_STATE_NAMES.unshare(stage)),
  });
}

function checkStage(
  tasks: TaskStates,
  stage: string,
  { stages, copyAmis, retryWaitHours }: ReleaseImageProps,
): Fallible {
  const isChosen = copyAmis || retryWaitHours !== undefined;
  return tasks.state(STAGE_STATE_NAMES.check(stage), {
    stage,
    comment: `Decides by what the accounts really hold whether ${stage} was baked.`,
    payload: {
      release,
      stage,
      plan: JsonPath.objectAt('$.plan'),
      batches: JsonPath.objectAt(at('resolved', stage, 'batches')),
      baked: JsonPath.objectAt(at('baked', stage)),
      ...(isChosen && { toBake: JsonPath.objectAt(at('resolved', stage, 'toBake')) }),
      ...(copyAmis &&
        stage !== stages[0] && { toCopy: JsonPath.objectAt(at('resolved', stage, 'toCopy')), amis }),
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

/** A report or an SBOM that could not be made is no reason to roll back a release that is sound. */
function compareAmis(tasks: TaskStates, parity: Parity): Step<Fallible> {
  const compare = tasks.state(STATE_NAMES.compareAmis, {
    comment:
      parity === 'off'
        ? 'Leaves an SBOM of what the AMIs hold; nobody compares them.'
        : 'Every AMI was baked by itself: says what is not the same in all of them, and leaves an SBOM.',
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
  return { name: compare, ...(parity !== 'enforce' && { optional: true }) };
}

/** That it failed is for the state that follows to say: without its findings nothing passes. */
function runScanner(scope: Construct): Fallible {
  const scanner = runBuild(scope, STATE_NAMES.runScanner, {
    comment: "Lets the scanner of one's own look at every SBOM, where it may do nothing else.",
    parameters: { ProjectName: NAMES.scanProject },
    environment: {
      [SCAN.bucket]: '$.plan.bucket',
      [SCAN.sboms]: `States.Format('${keys.sbomsOf('{}', '{}')}', $.release.image, $.release.version)`,
      [SCAN.scans]: `States.Format('${keys.scans('{}')}', $.executionName)`,
    },
    resultSelector: {},
    resultPath: RAN,
    timeout: timeouts.SCAN.plus(timeouts.QUEUED),
  });
  scanner.addRetry(retries.throttled);
  scanner.addRetry(retries.noBuildFree);
  scanner.addRetry(retries.transient);
  return scanner;
}

/** A comparison that failed has left nothing to scan, which here is a reason to roll back. */
function scan(tasks: TaskStates, scanner: Scanner): Fallible {
  return tasks.state(STATE_NAMES.scanAmis, {
    comment: 'Consumers must not find an AMI with a vulnerability that is too grave.',
    payload: {
      release,
      plan: JsonPath.objectAt('$.plan'),
      amis,
      compared: JsonPath.objectAt(COMPARED),
      scanner,
      ...(scanner === 'command' && {
        executionName: JsonPath.stringAt('$.executionName'),
        scannerRun: JsonPath.objectAt(RAN),
      }),
      enteredAt: JsonPath.stringAt('$$.State.EnteredTime'),
      run,
    },
    resultPath: '$.scanned',
  });
}

function deregisterStage(props: ReleaseImageProps, stage: string): Fallible {
  return props.tasks.state(STAGE_STATE_NAMES.deregister(stage), {
    stage,
    comment: `Leaves nothing of the release in ${stage}: no build, no builder, no AMI, no snapshot.`,
    payload: {
      release,
      stage,
      batches: JsonPath.objectAt(at('resolved', stage, 'batches')),
      run,
      ...toShare(props),
    },
    resultPath: at('undone', STAGE_STATE_NAMES.deregister(stage)),
  });
}

/** After the pivot nothing is undone: consumers may use the release already. */
function announceRelease(
  scope: Construct,
  { tasks, testAmis, scanAmis, approvals }: ReleaseImageProps,
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
      compared: JsonPath.objectAt(COMPARED),
      ...(scanAmis !== undefined && { scanned: JsonPath.objectAt('$.scanned') }),
      ...(testAmis && { tested: JsonPath.objectAt('$.tested') }),
      ...(Object.keys(approvals).length > 0 && { approved: JsonPath.objectAt('$.approved') }),
    },
    resultPath: '$.announced',
  });
  announce.next(
    new Succeed(scope, STATE_NAMES.released, {
      comment: 'In every account, under one version.',
      outputPath: '$.announced',
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
