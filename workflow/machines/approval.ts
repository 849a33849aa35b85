import { Duration } from 'aws-cdk-lib';
import { Choice, Condition, Fail, JsonPath, Pass, type State, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { type Approval, givenApprovalSchema } from '../../core/contract/approvals.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { STAGE_STATE_NAMES, STATE_NAMES } from '../../core/contract/state-names.ts';
import { asChain, at, catchEverything } from './asl.ts';
import type { TaskStates } from './task-states.ts';

/** Where a release waits until somebody has answered. */
export interface Gate {
  readonly approve: LambdaInvoke;
  /** When nobody did. */
  readonly unanswered: Pass;
  /** What becomes of the answer, by the path of its stage. */
  readonly resultPath: string;
}

/** Asks for approval of a stage, and waits. */
export function approveStage(
  scope: Construct,
  tasks: TaskStates,
  stage: string,
  approval: Approval,
  {
    first,
    ...told
  }: {
    readonly first: string;
    readonly release: unknown;
    readonly run: unknown;
    /** What the tests of the stages before came to; missing where nothing is tested. */
    readonly tested?: unknown;
  },
): Gate {
  const { timeoutHours } = approval;
  const resultPath = at('approved', stage);
  const approve = tasks.state(STAGE_STATE_NAMES.approve(stage), {
    stage,
    comment: `Tells what is to be approved, and waits ${timeoutHours} hours for whoever answers its token.`,
    payload: {
      token: JsonPath.taskToken,
      stage,
      approval,
      enteredAt: JsonPath.stringAt('$$.State.EnteredTime'),
      ...told,
      plan: JsonPath.objectAt('$.plan'),
      ami: JsonPath.objectAt(`${at('amis', first)}[0]`),
    },
    // An answer that nobody gave through packleader-approval lacks these, and is none.
    resultSelector: Object.fromEntries(
      Object.keys(givenApprovalSchema.shape).map((field) => [`${field}.$`, `$.${field}`]),
    ),
    resultPath,
    waits: Duration.hours(timeoutHours),
  });
  const unanswered = new Pass(scope, STAGE_STATE_NAMES.notApproved(stage), {
    comment:
      'That nobody answered has no words of its own; here it gets them, and is undone like a rejection.',
    parameters: {
      Error: ERRORS.notApproved,
      Cause: `Nobody approved it for ${stage} within ${timeoutHours} hours.`,
    },
    resultPath: '$.failure',
  });
  return { approve, unanswered, resultPath };
}

/** A prerelease does not reach the stage: what follows has nothing to do, and nobody is asked. */
export function skipGate({ approve, resultPath }: Gate, next: State): void {
  approve.addCatch(asChain(next), { errors: [ERRORS.nothingToApprove], resultPath });
}

export function refuseAtGate({ approve, unanswered }: Gate, undo: State): void {
  approve.addCatch(unanswered, { errors: ['States.Timeout'], resultPath: '$.failure' });
  unanswered.next(undo);
}

export interface ApprovalProps {
  readonly tasks: TaskStates;
}

/** Takes the answers of people. Returns its first state. */
export function approvalWorkflow(scope: Construct, { tasks }: ApprovalProps): LambdaInvoke {
  const answer = tasks.state(STATE_NAMES.answerApproval, {
    comment: 'Finds out who asks, and answers what waits for it; whoever started the release may be refused.',
    payload: {
      request: JsonPath.objectAt('$$.Execution.Input'),
      execution: {
        id: JsonPath.stringAt('$$.Execution.Id'),
        startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
      },
    },
  });
  const notAnswered = new Fail(scope, STATE_NAMES.notAnswered, {
    comment: 'Nothing that is said here became an answer: see which release, and why.',
    error: ERRORS.notAnswered,
    causePath: '$.cause',
  });
  const refused = new Fail(scope, STATE_NAMES.answerRefused, {
    comment: 'Nobody was answered: the request was wrong, or nothing proves who asked.',
    errorPath: '$.Error',
    causePath: '$.Cause',
  });
  catchEverything(answer, refused);
  answer.next(
    new Choice(scope, STATE_NAMES.wasEveryAnswerTaken, {
      comment: 'An answer that came too late must never look like one that counts.',
    })
      .when(
        Condition.booleanEquals('$.complete', true),
        new Succeed(scope, STATE_NAMES.answered, { comment: 'Every release that was named has its answer.' }),
      )
      .otherwise(notAnswered),
  );
  return answer;
}
