/**
 * Binds the real SDK clients to a sandbox: every command of every client of the eleven services goes there, and none to
 * the network.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import type { Service } from './aws/errors.ts';
import { bindSignedRequests } from './signed-requests.ts';
import { setEnvironment } from './environment.ts';
import type { Sandbox } from './sandbox.ts';

/** The part of every SDK client that says who calls, and where. */
interface Client {
  readonly config: {
    readonly region: () => Promise<string>;
    readonly credentials: () => Promise<{ readonly accessKeyId: string }>;
  };
}

/** Set while a client is being asked for its credentials: one that assumes a role makes a call of its own for them. */
const asking = new AsyncLocalStorage<true>();

interface Command {
  readonly input: object;
}

/**
 * Returns the function that unbinds. While bound, the environment is that of a Lambda function of the hub, so a client
 * that was given neither region nor credentials calls as one.
 */
export function bindSandbox(sandbox: Sandbox): () => void {
  const unbind = [
    bind(sandbox, 'autoscaling', AutoScalingClient.prototype),
    bind(sandbox, 'cloudtrail', CloudTrailClient.prototype),
    bind(sandbox, 'codebuild', CodeBuildClient.prototype),
    bind(sandbox, 'ec2', EC2Client.prototype),
    bind(sandbox, 'eventbridge', EventBridgeClient.prototype),
    bind(sandbox, 'iam', IAMClient.prototype),
    bind(sandbox, 's3', S3Client.prototype),
    bind(sandbox, 'secretsmanager', SecretsManagerClient.prototype),
    bind(sandbox, 'sfn', SFNClient.prototype),
    bind(sandbox, 'ssm', SSMClient.prototype),
    bind(sandbox, 'sts', STSClient.prototype),
    bindSignedRequests(sandbox),
    asHubFunction(sandbox),
  ];
  return () => {
    for (const undo of unbind) undo();
  };
}

/** Every client of a service has this prototype, also one that was made before. */
function bind(sandbox: Sandbox, service: Service, prototype: object): () => void {
  async function send(this: Client, command: Command): Promise<unknown> {
    const [region, credentials] = await sandbox.clock.hold(async () =>
      asking.run(true, async () => Promise.all([this.config.region(), this.config.credentials()])),
    );
    const caller = sandbox.caller(credentials.accessKeyId, region);
    const operation = command.constructor.name.replace(/Command$/, '');
    const call = async (): Promise<unknown> => sandbox.call(caller, service, operation, command.input);
    return asking.getStore() ? sandbox.clock.release(call) : call();
  }
  Object.defineProperty(prototype, 'send', { value: send, configurable: true, writable: true });
  return () => {
    Reflect.deleteProperty(prototype, 'send');
  };
}

function asHubFunction(sandbox: Sandbox): () => void {
  const { accessKeyId, secretAccessKey, sessionToken } = sandbox.hubCredentials();
  return setEnvironment({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_REGION: sandbox.hub.region,
  });
}
