import { createHash } from 'node:crypto';
import { CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { onTestFinished } from 'vitest';
import { bindSandbox } from '../../sandbox/bind.ts';
import { SOUND_TEMPLATE } from '../fixtures/templates.ts';
import { zipOf } from '../../sandbox/rehearsal/fetch-source.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { createSandbox, type SandboxOptions } from '../../sandbox/rehearsal/seed.ts';
import { BAKE_ENVIRONMENT, HAS_BUILDER_CHOICES } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { DEV, HUB, PROD } from '../fixtures/accounts.ts';
import { NAMES, roleArn } from '../../core/contract/names.ts';

export const MACHINE_ARN = `arn:aws:states:eu-west-1:${HUB.accountId}:stateMachine:${NAMES.releaseImageMachine}`;

/** A sandbox bound to the SDK until the test ends. */
export function bound(options: Partial<SandboxOptions> = {}): Sandbox {
  const sandbox = createSandbox({ hub: HUB, targets: [DEV, PROD], ...options });
  onTestFinished(bindSandbox(sandbox));
  return sandbox;
}

/** Clients of a role in a target account, with credentials from AssumeRole as a task gets them. */
export async function clientsOf(
  { accountId, region }: { accountId: string; region: string },
  role: string = NAMES.stewardRole,
): Promise<{ ec2: EC2Client; ssm: SSMClient; codebuild: CodeBuildClient; s3: S3Client }> {
  const { Credentials: issued } = await new STSClient({}).send(
    new AssumeRoleCommand({
      RoleArn: roleArn(accountId, role),
      RoleSessionName: 'test',
      ExternalId: MACHINE_ARN,
    }),
  );
  const credentials = {
    accessKeyId: issued?.AccessKeyId ?? '',
    secretAccessKey: issued?.SecretAccessKey ?? '',
    sessionToken: issued?.SessionToken ?? '',
  };
  return {
    ec2: new EC2Client({ region, credentials }),
    ssm: new SSMClient({ region, credentials }),
    s3: new S3Client({ region, credentials }),
    codebuild: new CodeBuildClient({ region: HUB.region, credentials }),
  };
}

/** Clients with every permission in the account: somebody who works there. */
export function ownerOf(
  sandbox: Sandbox,
  { accountId, region }: { accountId: string; region: string },
): EC2Client {
  const name = 'admin';
  sandbox.world.roles.set(`${accountId}/${name}`, {
    accountId,
    name,
    trusts: [],
    allows: /./,
    destroysTaggedOnly: false,
  });
  return new EC2Client({ region, credentials: sandbox.issue(accountId, name, 'test') });
}

export const RELEASE_TAGS = {
  Name: 'web-1.4.0',
  'packleader:release': 'web@1.4.0',
  'packleader:state': 'candidate',
};

/** Starts a bake of `web@1.4.0` as the orchestrator does; returns the build's id. */
export async function startBake(
  sandbox: Sandbox,
  target: { accountId: string; region: string },
  {
    sourceAmi = publicImage(sandbox, target.region, 'al2023-*-kernel-6.1-x86_64'),
    sha256 = '',
    timeoutMinutes = 60,
    variables = {},
    choices = undefined as object | undefined,
  } = {},
): Promise<string> {
  const zip = zipOf(new Map([['images/web/image.pkr.hcl', Buffer.from(SOUND_TEMPLATE)]]));
  const bucket = sandbox.world.buckets.get(sandbox.hub.bucket);
  const put = (key: string, body: Uint8Array, metadata = {}): void => {
    bucket?.objects.set(key, { body, etag: '""', at: 0, metadata });
  };
  put('source.zip', zip);
  put(
    keys.packerVariables('plan', target),
    Buffer.from(JSON.stringify({ ami_name: 'web-1.4.0', tags: RELEASE_TAGS, ...variables })),
    choices && HAS_BUILDER_CHOICES,
  );
  if (choices) put(keys.builderChoices('plan', target), Buffer.from(JSON.stringify(choices)));
  const environment = {
    [BAKE_ENVIRONMENT.release]: 'web@1.4.0',
    [BAKE_ENVIRONMENT.image]: 'web',
    [BAKE_ENVIRONMENT.region]: target.region,
    [BAKE_ENVIRONMENT.bucket]: sandbox.hub.bucket,
    [BAKE_ENVIRONMENT.sourceKey]: 'source.zip',
    [BAKE_ENVIRONMENT.sourceSha256]: sha256 || createHash('sha256').update(zip).digest('hex'),
    [BAKE_ENVIRONMENT.planPrefix]: 'plan',
    [BAKE_ENVIRONMENT.sourceAmi]: sourceAmi,
  };
  const { codebuild } = await clientsOf(target, NAMES.orchestratorRole);
  const { build } = await codebuild.send(
    new StartBuildCommand({
      projectName: NAMES.bakeProject,
      timeoutInMinutesOverride: timeoutMinutes,
      environmentVariablesOverride: Object.entries(environment).map(([name, value]) => ({ name, value })),
    }),
  );
  return build?.id ?? '';
}

/** The id of the newest public AMI of a name pattern with one `*`, from its publisher and not from the look-alike. */
export function publicImage(sandbox: Sandbox, region: string, pattern: string): string {
  const [start = '', end = ''] = pattern.split('*');
  const found = [...sandbox.world.publicRegion(region).images.values()]
    .filter(({ name, ownerId }) => name.startsWith(start) && name.endsWith(end) && ownerId !== '666655554444')
    .sort((a, b) => b.createdAt - a.createdAt);
  return found[0]?.imageId ?? '';
}
