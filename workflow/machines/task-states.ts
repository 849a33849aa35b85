import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type RetryProps, Timeout, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { type TaskName, isTaskName } from '../../core/contract/tasks.ts';
import * as retries from './retries.ts';
import * as timeouts from './timeouts.ts';

export interface TaskStateProps {
  /** Why the state is there; people read it in the console. */
  readonly comment: string;
  /** What the task is given; by default the whole document. */
  readonly payload?: Record<string, unknown>;
  /** By default the answer takes the place of the whole document. */
  readonly resultPath?: string;
  /** The word of the state's name that is a stage, and so is not in the file's name. */
  readonly stage?: string;
  /** What it is tried again for besides. */
  readonly retry?: RetryProps;
}

/** Makes states that call a task: the file is the state's name in kebab case, less the stage. */
export class TaskStates {
  readonly #scope: Construct;
  readonly #functionOf: (task: TaskName) => IFunction;

  constructor(scope: Construct, functionOf: (task: TaskName) => IFunction) {
    this.#scope = scope;
    this.#functionOf = functionOf;
  }

  state(name: string, { comment, payload, resultPath, stage, retry }: TaskStateProps): LambdaInvoke {
    const state = new LambdaInvoke(this.#scope, name, {
      comment,
      lambdaFunction: this.#functionOf(taskOf(name, stage)),
      ...(payload === undefined ? {} : { payload: TaskInput.fromObject(payload) }),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      ...(resultPath === undefined ? {} : { resultPath }),
      taskTimeout: Timeout.duration(timeouts.TASK),
    });
    const { throttled, notReadyYet, transient, unanswered } = retries;
    for (const policy of [throttled, notReadyYet, ...(retry ? [retry] : []), transient, unanswered])
      state.addRetry(policy);
    return state;
  }
}

/** `Check dev AMIs` of the stage `dev` is done by `tasks/check-amis.ts`. */
function taskOf(stateName: string, stage?: string): TaskName {
  const words = stateName.split(' ');
  const kept = stage === undefined ? words : words.toSpliced(words.indexOf(stage), 1);
  const task = kept.join('-').toLowerCase();
  if (!isTaskName(task)) throw new Error(`The state "${stateName}" has no task ${task} in TASKS.`);
  return task;
}
