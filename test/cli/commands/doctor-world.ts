/** What `packleader doctor` looks at, as it should be; a test breaks one thing of it. */
import { CodeBuildClient, BatchGetProjectsCommand } from '@aws-sdk/client-codebuild';
import { DescribeImagesCommand, DescribeSnapshotsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetRoleCommand, IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  GetServiceQuotaCommand,
  ListServiceQuotasCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { type MadeUpFactory } from '../../fixtures/factories.ts';
import { DEV, HUB, PROD } from '../../fixtures/accounts.ts';
import { targetName } from '../../../core/contract/targets.ts';

export const FACTORY: MadeUpFactory = { stages: { dev: [DEV], prod: [PROD] } };
export const PLACES = [targetName(DEV), targetName(PROD)];

/** Every call that a test does not expect is refused. */
export const aws = {
  sts: mockClient(STSClient),
  sfn: mockClient(SFNClient),
  s3: mockClient(S3Client),
  events: mockClient(EventBridgeClient),
  codebuild: mockClient(CodeBuildClient),
  iam: mockClient(IAMClient),
  quotas: mockClient(ServiceQuotasClient),
  ec2: mockClient(EC2Client),
  kms: mockClient(KMSClient),
  ssm: mockClient(SSMClient),
};

export const named = (name: string, message = name) => Object.assign(new Error(message), { name });
export const refuse = (permission: string) =>
  named('AccessDeniedException', `not authorized to perform ${permission}`);

export function trustOf(role: string): string {
  const ofHub = {
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Principal: { AWS: `arn:aws:iam::${HUB.accountId}:root` },
  };
  const machine = `arn:aws:states:eu-west-1:${HUB.accountId}:stateMachine:packleader-bake-batch`;
  const statements: Record<string, object> = {
    'packleader-steward': { ...ofHub, Condition: { ArnEquals: { 'aws:PrincipalArn': ['x'] } } },
    'packleader-orchestrator': { ...ofHub, Condition: { StringEquals: { 'sts:ExternalId': machine } } },
    'packleader-bake': {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Service: 'codebuild.amazonaws.com' },
    },
  };
  return encodeURIComponent(JSON.stringify({ Version: '2012-10-17', Statement: [statements[role]] }));
}

/** AWS as it should be, seen from an account of the hub, with a role in each target. */
export function everythingIsWell(): void {
  const { sts, sfn, s3, events, codebuild, iam, quotas, ec2, kms } = aws;
  sts.on(GetCallerIdentityCommand).resolves({ Account: HUB.accountId });
  sts.on(AssumeRoleCommand).resolves({
    Credentials: { AccessKeyId: 'a', SecretAccessKey: 'b', SessionToken: 'c', Expiration: new Date() },
  });
  sfn.on(DescribeStateMachineCommand).resolves({ status: 'ACTIVE' });
  s3.on(HeadBucketCommand).resolves({});
  events.on(DescribeEventBusCommand).resolves({ Name: 'default', Arn: 'arn:aws:events:…:event-bus/default' });
  codebuild.on(BatchGetProjectsCommand).callsFake(({ names: [name] = [''] }: { names?: string[] }) => ({
    projects: [
      {
        name,
        arn: `arn:aws:codebuild:eu-west-1:111111111111:project/${name}`,
        environment: { type: 'ARM_CONTAINER', computeType: 'BUILD_GENERAL1_SMALL' },
      },
    ],
  }));
  iam.on(GetRoleCommand).callsFake(({ RoleName = '' }: { RoleName?: string }) => ({
    Role: { RoleName, AssumeRolePolicyDocument: trustOf(RoleName) },
  }));
  iam.on(SimulatePrincipalPolicyCommand).resolves({
    EvaluationResults: ['ssm:PutParameter', 'ssm:DeleteParameter'].map((EvalActionName) => ({
      EvalActionName,
      EvalDecision: 'allowed' as const,
    })),
  });
  quotas.on(ListServiceQuotasCommand).resolves({
    Quotas: [
      { QuotaName: 'Build projects', Value: 5_000 },
      { QuotaName: 'Concurrently running builds for ARM/Small environment', Value: 20 },
    ],
  });
  quotas.on(GetServiceQuotaCommand).resolves({ Quota: { Value: 50_000 } });
  ec2.on(DescribeImagesCommand).resolves({ Images: [{}, {}] });
  ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{}, {}, {}] });
  kms.on(DescribeKeyCommand).resolves({
    KeyMetadata: { KeyId: 'k', Arn: 'arn:aws:kms:…:key/k', KeyState: 'Enabled', KeyUsage: 'ENCRYPT_DECRYPT' },
  });
}
