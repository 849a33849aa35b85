/**
 * Binds the real SDK clients to a sandbox: every command of every client of the eight services goes there, and none to
 * the network.
 */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import type { AwsStub } from 'aws-sdk-client-mock';
import type { Service } from './errors.ts';
import type { Sandbox } from './sandbox.ts';

/** The part of every SDK client that says who calls, and where. */
interface Client {
  readonly config: {
    readonly region: () => Promise<string>;
    readonly credentials: () => Promise<{ readonly accessKeyId: string }>;
  };
}

/** The mock keeps every call it has seen, with its stack; this many are enough. */
const KEPT_CALLS = 500;

/**
 * Returns the function that unbinds. While bound, the environment is that of a Lambda function of the hub, so a client
 * that was given neither region nor credentials calls as one.
 */
export function bindSandbox(sandbox: Sandbox): () => void {
  const unbind = [
    bind(sandbox, 'autoscaling', mockClient(AutoScalingClient)),
    bind(sandbox, 'codebuild', mockClient(CodeBuildClient)),
    bind(sandbox, 'ec2', mockClient(EC2Client)),
    bind(sandbox, 'eventbridge', mockClient(EventBridgeClient)),
    bind(sandbox, 's3', mockClient(S3Client)),
    bind(sandbox, 'sfn', mockClient(SFNClient)),
    bind(sandbox, 'ssm', mockClient(SSMClient)),
    bind(sandbox, 'sts', mockClient(STSClient)),
    setEnvironment(sandbox),
  ];
  return () => {
    for (const undo of unbind) undo();
  };
}

function bind<I extends object, O extends { $metadata: object }, C>(
  sandbox: Sandbox,
  service: Service,
  mock: AwsStub<I, O, C>,
): () => void {
  let kept = 0;
  mock.send.callsFake(async function answer(this: Client, command) {
    if (++kept >= KEPT_CALLS) {
      kept = 0;
      queueMicrotask(() => mock.resetHistory());
    }
    const [region, credentials] = await sandbox.clock.hold(async () =>
      Promise.all([this.config.region(), this.config.credentials()]),
    );
    const caller = sandbox.caller(credentials.accessKeyId, region);
    const operation = command.constructor.name.replace(/Command$/, '');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The operation of that name answered.
    return (await sandbox.call(caller, service, operation, command.input)) as O;
  });
  return () => {
    mock.restore();
  };
}

function setEnvironment(sandbox: Sandbox): () => void {
  const { accessKeyId, secretAccessKey, sessionToken } = sandbox.hubCredentials();
  const environment: Record<string, string> = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_REGION: sandbox.hub.region,
  };
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
