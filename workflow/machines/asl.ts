import { Duration } from 'aws-cdk-lib';
import {
  CustomState,
  JsonPath,
  Map as MapState,
  type State,
  type TaskStateBase,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

/** A state that can fail. */
export type Fallible = TaskStateBase | MapState | CustomState;

/**
 * Sends every error to one state, with `{ Error, Cause }` put at the path, or in place of the whole document. `States.ALL` leaves out
 * `States.DataLimitExceeded`, so it is named as well: no error may slip past an undo.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function catchEverything(state: Fallible, to: State, resultPath?: string): void {
  const place = resultPath === undefined ? {} : { resultPath };
  const handler = asChain(to);
  state.addCatch(handler, { errors: ['States.DataLimitExceeded'], ...place });
  state.addCatch(handler, { errors: ['States.ALL'], ...place });
}

/** A state as CDK takes what follows, whatever its own ends are. */
export const asChain = (to: State) => ({ startState: to, id: to.id, endStates: [] });

/** A field of the document, whatever its name holds: `at('resolved', 'pre-prod')` is `$.resolved['pre-prod']`. */
export function at(field: string, ...inner: readonly string[]): string {
  return `$.${field}${inner.map((name) => `['${name}']`).join('')}`;
}

/**
 * Runs another state machine and waits for it. The name makes the start idempotent: started again with the same name and
 * input while it runs, it is the same execution.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
 */
export function runMachine(
  scope: Construct,
  id: string,
  props: {
    readonly comment: string;
    readonly stateMachineArn: string;
    /** An intrinsic function or a path. */
    readonly executionName: string;
    readonly input: Record<string, unknown>;
    readonly resultSelector: Record<string, string>;
    readonly timeout: Duration;
  },
): CustomState {
  return new CustomState(scope, id, {
    stateJson: {
      Type: 'Task',
      Comment: props.comment,
      Resource: 'arn:aws:states:::states:startExecution.sync:2',
      TimeoutSeconds: props.timeout.toSeconds(),
      Parameters: {
        StateMachineArn: props.stateMachineArn,
        'Name.$': props.executionName,
        Input: { 'AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$': JsonPath.executionId, ...props.input },
      },
      ResultSelector: props.resultSelector,
    },
  });
}

/**
 * Runs a CodeBuild project and waits for the build. CDK's own construct can pass neither an idempotency token nor a time
 * limit, and puts its permissions on the wrong account's role.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
 */
export function runBuild(
  scope: Construct,
  id: string,
  props: {
    readonly comment: string;
    readonly parameters: Record<string, unknown>;
    readonly environment: Record<string, string>;
    /** An intrinsic function that gives the ARN of the role to assume; none in the hub itself. */
    readonly roleArn?: string;
    readonly resultSelector: Record<string, string>;
    /** Where in the document that is put; in place of the document by default. */
    readonly resultPath?: string;
    readonly timeout: Duration;
  },
): CustomState {
  const EnvironmentVariablesOverride = Object.entries(props.environment).map(([Name, value]) => ({
    Name,
    Type: 'PLAINTEXT',
    ...(isDynamic(value) ? { 'Value.$': value } : { Value: value }),
  }));
  return new CustomState(scope, id, {
    stateJson: {
      Type: 'Task',
      Comment: props.comment,
      Resource: 'arn:aws:states:::codebuild:startBuild.sync',
      ...(props.roleArn === undefined ? {} : { Credentials: { 'RoleArn.$': props.roleArn } }),
      TimeoutSeconds: props.timeout.toSeconds(),
      Parameters: { ...props.parameters, EnvironmentVariablesOverride },
      ResultSelector: props.resultSelector,
      ...(props.resultPath !== undefined && { ResultPath: props.resultPath }),
    },
  });
}

function isDynamic(value: string): boolean {
  return value.startsWith('$') || value.startsWith('States.');
}
