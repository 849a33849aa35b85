import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Duration } from 'aws-cdk-lib';
import { IntegrationPattern, type RetryProps, Timeout, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
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
  /** What is taken of the answer; default: all of it. */
  readonly resultSelector?: Readonly<Record<string, string>>;
  /** By default the answer takes the place of the whole document. */
  readonly resultPath?: string;
  /** The word of the state's name that is a stage, and so is not in the file's name. */
  readonly stage?: string;
  /** What it is tried again for besides. */
  readonly retry?: RetryProps;
  /** How long it waits until somebody answers the token in its payload; default: it ends with its function. */
  readonly waits?: Duration;
}

/** Makes states that call a task: the file is the state's name in kebab case, less the stage. */
export class TaskStates {
  readonly #scope: Construct;
  readonly #functionOf: (task: TaskName) => IFunction;

  constructor(scope: Construct, functionOf: (task: TaskName) => IFunction) {
    this.#scope = scope;
    this.#functionOf = functionOf;
  }

  state(
    name: string,
    { comment, payload, resultPath, resultSelector, stage, retry, waits }: TaskStateProps,
  ): LambdaInvoke {
    const state = new LambdaInvoke(this.#scope, name, {
      comment,
      lambdaFunction: this.#functionOf(taskOf(name, stage)),
      ...(payload === undefined ? {} : { payload: TaskInput.fromObject(payload) }),
      ...(waits
        ? { integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN }
        : { payloadResponseOnly: true }),
      retryOnServiceExceptions: false,
      ...(resultSelector === undefined ? {} : { resultSelector }),
      ...(resultPath === undefined ? {} : { resultPath }),
      taskTimeout: Timeout.duration(waits ?? timeouts.TASK),
    });
    const { throttled, notReadyYet, transient, unanswered, silent } = retries;
    const policies = waits
      ? [throttled, transient, silent]
      : [throttled, notReadyYet, ...(retry ? [retry] : []), transient, unanswered];
    for (const policy of policies) state.addRetry(policy);
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
