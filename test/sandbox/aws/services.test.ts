import {
  ListBuildsForProjectCommand,
  StartBuildCommand,
  BatchGetBuildsCommand,
  CodeBuildClient,
} from '@aws-sdk/client-codebuild';
import { DescribeRegionsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import {
  DeleteParameterCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  ParameterNotFound,
  PutParameterCommand,
} from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import { FETCH_SOURCE } from '../../../core/contract/environments.ts';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import { DEV, HUB, PROD } from '../../fixtures/accounts.ts';
import { bound, clientsOf, MACHINE_ARN, publicImage, startBake } from '../fixture.ts';

test('an assumed role acts in its own account', async () => {
  bound();
  const sts = new STSClient({});
  expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe(HUB.accountId);
  const { Credentials: issued } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: roleArn(DEV.accountId, NAMES.stewardRole),
      RoleSessionName: 'web-1.4.0',
    }),
  );
  const credentials = { accessKeyId: issued?.AccessKeyId ?? '', secretAccessKey: 'x', sessionToken: 'x' };
  expect(await new STSClient({ credentials }).send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: DEV.accountId,
    Arn: `arn:aws:sts::${DEV.accountId}:assumed-role/packleader-steward/web-1.4.0`,
  });
});

test.each([
  ['an unknown role', roleArn(DEV.accountId, 'nobody'), MACHINE_ARN],
  [
    'another external id',
    roleArn(DEV.accountId, NAMES.orchestratorRole),
    'arn:aws:states:eu-west-1:1:stateMachine:x',
  ],
])('fails to assume %s', async (_what, arn, externalId) => {
  bound();
  const assume = new STSClient({}).send(
    new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'test', ExternalId: externalId }),
  );
  await expect(assume).rejects.toMatchObject({
    name: 'AccessDenied',
    message: `User: arn:aws:sts::${HUB.accountId}:assumed-role/packleader-tasks/packleader-tasks is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
  });
});

test('an AMI parameter is answered at once and readable only after it was validated', async () => {
  const sandbox = bound();
  const { ssm } = await clientsOf(DEV);
  const value = publicImage(sandbox, DEV.region, 'al2023-*-kernel-6.1-x86_64');
  const put = { Name: '/packleader/web/latest', Type: 'String', DataType: 'aws:ec2:image' } as const;
  const get = new GetParameterCommand({ Name: put.Name });
  expect((await ssm.send(new PutParameterCommand({ ...put, Value: value }))).Version).toBe(1);
  await expect(ssm.send(get)).rejects.toBeInstanceOf(ParameterNotFound);
  await sandbox.clock.sleep(3_000);
  expect((await ssm.send(get)).Parameter).toMatchObject({
    Value: value,
    Version: 1,
    DataType: 'aws:ec2:image',
  });
  const absent = { ...put, Value: 'ami-0123456789abcdef0', Overwrite: true };
  expect((await ssm.send(new PutParameterCommand(absent))).Version).toBe(2);
  await sandbox.clock.sleep(3_000);
  expect((await ssm.send(get)).Parameter?.Value).toBe(value);
  const { Parameters: history } = await ssm.send(new GetParameterHistoryCommand({ Name: put.Name }));
  expect(history?.map(({ Version }) => Version)).toEqual([1]);
  expect(sandbox.world.events.at(-1)).toMatchObject({ detailType: 'Parameter Store Change' });
});

test('fails to put a parameter twice without Overwrite, and to delete an absent one', async () => {
  bound();
  const { ssm } = await clientsOf(DEV);
  const put = new PutParameterCommand({ Name: '/packleader/x', Type: 'String', Value: '1' });
  await ssm.send(put);
  await expect(ssm.send(put)).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
  await expect(ssm.send(new DeleteParameterCommand({ Name: '/packleader/y' }))).rejects.toMatchObject({
    name: 'ParameterNotFound',
  });
});

test('parameters of a path come in pages of ten', async () => {
  bound();
  const { ssm } = await clientsOf(DEV);
  for (let number = 10; number < 32; number++) {
    await ssm.send(
      new PutParameterCommand({
        Name: `/packleader/web/versions/${String(number)}`,
        Type: 'String',
        Value: 'x',
      }),
    );
  }
  const sizes: number[] = [];
  let NextToken: string | undefined;
  do {
    const reply = await ssm.send(
      new GetParametersByPathCommand({
        Path: '/packleader',
        Recursive: true,
        ...(NextToken === undefined ? {} : { NextToken }),
      }),
    );
    sizes.push(reply.Parameters?.length ?? 0);
    ({ NextToken } = reply);
  } while (NextToken !== undefined);
  expect(sizes).toEqual([10, 10, 2]);
});

test('the public parameters of a region name its newest AMIs to every account', async () => {
  const sandbox = bound();
  const name = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';
  for (const target of [DEV, PROD]) {
    const { ssm } = await clientsOf(target);
    const reply = await ssm.send(new GetParametersCommand({ Names: [name, '/aws/service/nothing'] }));
    expect(reply.Parameters?.map(({ Value }) => Value)).toEqual([
      publicImage(sandbox, target.region, 'al2023-*-kernel-6.1-x86_64'),
    ]);
    expect(reply.InvalidParameters).toEqual(['/aws/service/nothing']);
  }
});

test('the same token starts one build', async () => {
  bound({ checkOut: () => ({ commit: 'c'.repeat(40), branch: 'main', files: new Map(), changes: {} }) });
  const codebuild = new CodeBuildClient({});
  const start = new StartBuildCommand({ projectName: NAMES.fetchSourceProject, idempotencyToken: 'one' });
  const [a, b] = [await codebuild.send(start), await codebuild.send(start)];
  expect(a.build?.id).toBe(b.build?.id);
  const { ids } = await codebuild.send(
    new ListBuildsForProjectCommand({ projectName: NAMES.fetchSourceProject }),
  );
  expect(ids).toEqual([a.build?.id]);
});

test('fetching the source twice gives the same bytes', async () => {
  const sandbox = bound({
    checkOut: ({ ref = '' }) => ({
      commit: ref,
      branch: 'main',
      files: new Map([
        ['packer/b', Buffer.from('b')],
        ['packer/a', Buffer.from('a')],
      ]),
      changes: { web: { since: null, files: ['packer/a'] } },
    }),
  });
  const codebuild = new CodeBuildClient({});
  const fetched = async (): Promise<Record<string, string>> => {
    const { build } = await codebuild.send(
      new StartBuildCommand({
        projectName: NAMES.fetchSourceProject,
        environmentVariablesOverride: [
          { name: FETCH_SOURCE.request, value: JSON.stringify({ image: 'web', ref: 'd'.repeat(40) }) },
          { name: FETCH_SOURCE.bucket, value: sandbox.hub.bucket },
        ],
      }),
    );
    await sandbox.clock.sleep(5 * 60_000);
    const { builds } = await codebuild.send(new BatchGetBuildsCommand({ ids: [build?.id ?? ''] }));
    return Object.fromEntries(
      (builds?.at(0)?.exportedEnvironmentVariables ?? []).map(({ name = '', value = '' }) => [name, value]),
    );
  };
  const first = await fetched();
  expect(first).toMatchObject({ COMMIT: 'd'.repeat(40), BRANCH: 'main' });
  expect(await fetched()).toEqual(first);
  const { Body: body } = await new S3Client({}).send(
    new GetObjectCommand({ Bucket: sandbox.hub.bucket, Key: first[FETCH_SOURCE.changesKey] }),
  );
  expect(await body?.transformToString()).toBe('{"web":{"since":null,"files":["packer/a"]}}');
});

test('fails to read an absent object, an absent bucket, and a bucket of strangers', async () => {
  const sandbox = bound();
  const Bucket = sandbox.hub.bucket;
  const s3 = new S3Client({});
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: 'hello' }));
  const { Contents: contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a/' }));
  expect(contents?.map(({ Key }) => Key)).toEqual(['a/b']);
  await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'x' }))).rejects.toMatchObject({
    name: 'NoSuchKey',
  });
  await expect(s3.send(new GetObjectCommand({ Bucket: 'x', Key: 'x' }))).rejects.toMatchObject({
    name: 'NoSuchBucket',
  });
  sandbox.world.buckets.get(Bucket)?.guests.delete(DEV.accountId);
  const { s3: stranger } = await clientsOf(DEV);
  await expect(stranger.send(new GetObjectCommand({ Bucket, Key: 'a/b' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
});

test('fails for eleven events, and reports the malformed one of two', async () => {
  const sandbox = bound();
  const events = new EventBridgeClient({});
  const entry = { Source: 'packleader', DetailType: 'Image Released', Detail: '{"image":"web"}' };
  await expect(
    events.send(new PutEventsCommand({ Entries: Array.from({ length: 11 }, () => entry) })),
  ).rejects.toMatchObject({ name: 'ValidationException' });
  const reply = await events.send(
    new PutEventsCommand({ Entries: [entry, { ...entry, Detail: 'no JSON' }] }),
  );
  expect(reply).toMatchObject({ FailedEntryCount: 1, Entries: [{}, { ErrorCode: 'MalformedDetail' }] });
  expect(sandbox.world.events).toMatchObject([{ source: 'packleader', detail: { image: 'web' } }]);
});

test('fails for a command the sandbox does not know', async () => {
  bound();
  await expect(new EC2Client({}).send(new DescribeRegionsCommand({}))).rejects.toThrow(
    'The sandbox does not implement ec2:DescribeRegions',
  );
  await expect(new SFNClient({}).send(new DescribeExecutionCommand({ executionArn: 'x' }))).rejects.toThrow(
    'The sandbox does not implement sfn:DescribeExecution',
  );
});

test('the Step Functions client is answered by whoever registered', async () => {
  const sandbox = bound();
  sandbox.stepFunctions = {
    DescribeExecution: (_caller, { executionArn }: { executionArn: string }) => ({
      executionArn,
      status: 'RUNNING',
    }),
  };
  expect(await new SFNClient({}).send(new DescribeExecutionCommand({ executionArn: 'x' }))).toMatchObject({
    status: 'RUNNING',
  });
});

test('fails when the orchestrator does more than builds', async () => {
  bound();
  const { ssm } = await clientsOf(DEV, NAMES.orchestratorRole);
  await expect(ssm.send(new GetParameterCommand({ Name: '/x' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});

test('an interceptor can lose the reply of a call that was applied', async () => {
  const sandbox = bound();
  const { ssm } = await clientsOf(DEV);
  const remove = sandbox.intercept(async (call, next) => {
    const output = await next();
    if (call.operation === 'PutParameter') throw new Error('ECONNRESET');
    return output;
  });
  await expect(ssm.send(new PutParameterCommand({ Name: '/x', Type: 'String', Value: '1' }))).rejects.toThrow(
    'ECONNRESET',
  );
  remove();
  expect((await ssm.send(new GetParameterCommand({ Name: '/x' }))).Parameter?.Value).toBe('1');
  expect(
    sandbox.calls.slice(-2).map(({ operation, mutating, ...call }) => [operation, mutating, call.accountId]),
  ).toEqual([
    ['PutParameter', true, DEV.accountId],
    ['GetParameter', false, DEV.accountId],
  ]);
});

test('a bake’s calls pass the interceptors too', async () => {
  const sandbox = bound();
  const seen = new Set<string>();
  sandbox.intercept(async (call, next) => {
    seen.add(`${call.role} ${call.operation}`);
    return next();
  });
  await startBake(sandbox, DEV);
  await sandbox.clock.sleep(30 * 60_000);
  expect([...seen]).toEqual(
    expect.arrayContaining(['packleader-bake CreateImage', 'packleader-bake RunInstances']),
  );
});
