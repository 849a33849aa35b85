import {
  BatchGetBuildsCommand,
  type Build,
  CodeBuildClient,
  StartBuildCommand,
} from '@aws-sdk/client-codebuild';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import type { Engine, Integration, IntegrationCall } from './engine.ts';
import { camelCaseKeys, pascalCaseKeys } from './letter-case.ts';
import { StatesError } from './states-error.ts';

/** What the integrations need; the same against the sandbox and against any other AWS endpoint. */
export interface IntegrationsOptions {
  /** Loads a task by the name of its file. */
  readonly loadTask: (file: string) => Promise<((event: unknown) => Promise<unknown>) | undefined>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly engine: () => Engine;
}

const startBuildSchema = z.looseObject({ projectName: z.string() });
const startExecutionSchema = z.object({ StateMachineArn: z.string(), Name: z.string(), Input: z.unknown() });

/** How often a running build is asked for. Step Functions does not say how often it does. */
const POLL_MS = 60_000;

/** Finds what runs a Task's `Resource`: a Lambda function, a CodeBuild build or another state machine. */
export function integrationsFor(
  options: IntegrationsOptions,
): (resource: string) => Promise<Integration | undefined> {
  const assumeRoles = roleAssumer();
  return async (resource) => {
    const file = /^arn:aws:lambda:.*:function:packleader-(.+)$/.exec(resource)?.[1];
    if (file !== undefined) {
      const task = await options.loadTask(file);
      return task && lambda(task);
    }
    if (resource === 'arn:aws:states:::codebuild:startBuild.sync') return startBuild(options, assumeRoles);
    if (resource === 'arn:aws:states:::states:startExecution.sync:2') return startExecution(options);
    return undefined;
  };
}

/** A Lambda's error reaches Step Functions as its name, and as JSON in the cause.
 *  @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
function lambda(task: (event: unknown) => Promise<unknown>): Integration {
  return async ({ parameters }) => {
    try {
      return await task(JSON.parse(JSON.stringify(parameters)));
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      throw new StatesError(name, JSON.stringify({ errorType: name, errorMessage: message, trace: [] }));
    }
  };
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html */
function startBuild({ sleep }: IntegrationsOptions, codebuildAs: CodeBuildAs): Integration {
  return async (call) => {
    const codebuild = await codebuildAs(call);
    let build = await serviceCall('CodeBuild', async () => {
      const input = startBuildSchema.parse(camelCaseKeys(call.parameters));
      return (await codebuild.send(new StartBuildCommand(input))).build;
    });
    while (build?.buildStatus === 'IN_PROGRESS') {
      await sleep(POLL_MS);
      const ids = [build.id ?? ''];
      build = await serviceCall('CodeBuild', async (): Promise<Build | undefined> => {
        const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids }));
        return builds[0];
      });
    }
    const result = { Build: pascalCaseKeys(build) };
    if (build?.buildStatus !== 'SUCCEEDED')
      throw new StatesError('States.TaskFailed', JSON.stringify(result));
    return result;
  };
}

type CodeBuildAs = (call: IntegrationCall) => Promise<CodeBuildClient>;

/** Step Functions assumes the Task's role with the state machine's ARN as the external id. */
function roleAssumer(): CodeBuildAs {
  const sts = new STSClient({});
  const hub = new CodeBuildClient({});
  return async ({ roleArn, machine }) => {
    if (roleArn === undefined) return hub;
    const { Credentials } = await serviceCall('CodeBuild', async () =>
      sts.send(
        new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: machine.name, ExternalId: machine.arn }),
      ),
    );
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
    return new CodeBuildClient({
      credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    });
  };
}

/** Gives a failed call the name that Step Functions would give it. */
async function serviceCall<T>(service: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const lost = name === 'TimeoutError' || name === 'ECONNRESET' || name === 'NetworkingError';
    const suffix = name.endsWith('Exception') ? name : `${name}Exception`;
    throw new StatesError(
      `${service}.${lost ? 'SdkClientException' : suffix}`,
      `${message} (Service: ${service})`,
    );
  }
}

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html */
function startExecution({ engine }: IntegrationsOptions): Integration {
  return async ({ parameters, execution: parent, state }) => {
    const { StateMachineArn, Name, Input } = startExecutionSchema.parse(parameters);
    const execution = engine().start(StateMachineArn, Name, Input);
    const { arn: ExecutionArn, startedAt: StartDate } = execution;
    parent.history.record.submitted(state, { ExecutionArn, StartDate });
    const outcome = await execution.outcome;
    const described = {
      ExecutionArn: execution.arn,
      Name,
      StartDate: Date.parse(execution.startedAt),
      StateMachineArn,
    };
    if (outcome.status === 'SUCCEEDED')
      return { ...described, Status: outcome.status, Output: outcome.output };
    const failed = outcome.status === 'FAILED' ? { Error: outcome.error, Cause: outcome.cause } : {};
    const cause = { ...described, Input: JSON.stringify(Input), Status: outcome.status, ...failed };
    throw new StatesError('States.TaskFailed', JSON.stringify(cause));
  };
}
