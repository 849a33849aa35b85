/** What `packleader doctor` looks at, as it should be; a test breaks one thing of it. */
import { createHash } from 'node:crypto';
import { CodeBuildClient, BatchGetProjectsCommand } from '@aws-sdk/client-codebuild';
import {
  DescribeImagesCommand,
  DescribeRouteTablesCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
  type Image,
} from '@aws-sdk/client-ec2';
import { DescribeEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  GetInstanceProfileCommand,
  GetRoleCommand,
  IAMClient,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  GetServiceQuotaCommand,
  ListServiceQuotasCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { vi } from 'vitest';
import { type MadeUpFactory } from '../../fixtures/factories.ts';
import { DEV, HUB, PROD } from '../../fixtures/accounts.ts';
import { targetName } from '../../../core/contract/targets.ts';

/** In a region with a longer name than that of {@link DEV}, for which the columns make room. */
export const FAR = { ...PROD, region: 'eu-central-1' };
export const FACTORY: MadeUpFactory = { stages: { dev: [DEV], prod: [FAR] } };
export const PLACES = [targetName(DEV), targetName(FAR)];

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
    'packleader-builder': {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Service: 'ec2.amazonaws.com' },
    },
    'packleader-bake': {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Service: 'codebuild.amazonaws.com' },
    },
  };
  return encodeURIComponent(JSON.stringify({ Version: '2012-10-17', Statement: [statements[role]] }));
}

const PROGRAM = 'a program';
export const SHA256 = createHash('sha256').update(PROGRAM).digest('hex');

/** A body of S3's. */
export const whatIsPinned = (content = PROGRAM) => ({
  transformToWebStream: () => new Blob([content]).stream(),
});

/** What the project pins, by the name of its variable. */
export const PINNED = {
  PACKLEADER_PACKER_VERSION: '1.14.2',
  PACKLEADER_PACKER_SHA256: SHA256,
  PACKLEADER_SESSION_MANAGER_PLUGIN_VERSION: '1.2.707.0',
  PACKLEADER_SESSION_MANAGER_PLUGIN_SHA256: SHA256,
};

/** @param pinned what its variables say */
export const projectNamed = (name: string, pinned: Readonly<Record<string, string>> = PINNED) => ({
  name,
  arn: `arn:aws:codebuild:eu-west-1:111111111111:project/${name}`,
  environment: {
    type: 'ARM_CONTAINER' as const,
    computeType: 'BUILD_GENERAL1_SMALL' as const,
    image: 'aws/codebuild/amazonlinux2-aarch64-standard:3.0',
    environmentVariables: Object.entries(pinned).map(([variable, value]) => ({ name: variable, value })),
  },
});

/** Stands in for the servers that programs are fetched from; returns what they were asked. */
export function servers(answer: () => Response = () => new Response(PROGRAM)): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url);
    return Promise.resolve(answer());
  });
  return asked;
}

/** AWS as it should be, seen from an account of the hub, with a role in each target. */
/** The source AMI of every image, as the template wants it. */
const AL2023: Image = {
  Name: 'al2023',
  State: 'available',
  Architecture: 'x86_64',
  RootDeviceType: 'ebs',
  RootDeviceName: '/dev/xvda',
  BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 8 } }],
};

export function everythingIsWell(): void {
  const { sts, sfn, s3, events, codebuild, iam, quotas, ec2, kms, ssm } = aws;
  servers();
  sts.on(GetCallerIdentityCommand).resolves({ Account: HUB.accountId });
  sts.on(AssumeRoleCommand).resolves({
    Credentials: { AccessKeyId: 'a', SecretAccessKey: 'b', SessionToken: 'c', Expiration: new Date() },
  });
  sfn.on(DescribeStateMachineCommand).resolves({ status: 'ACTIVE' });
  s3.on(HeadBucketCommand).resolves({});
  events.on(DescribeEventBusCommand).resolves({ Name: 'default', Arn: 'arn:aws:events:…:event-bus/default' });
  codebuild.on(BatchGetProjectsCommand).callsFake(({ names: [name] = [''] }: { names?: string[] }) => ({
    projects: [projectNamed(name ?? '')],
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
  ec2.on(DescribeImagesCommand).callsFake(({ ImageIds }: { ImageIds?: string[] }) => ({
    Images: ImageIds?.map((ImageId) => ({ ...AL2023, ImageId })) ?? [{}, {}],
  }));
  ssm.on(GetParameterCommand).resolves({ Parameter: { Value: 'ami-0123456789abcdef0' } });
  ec2
    .on(DescribeVpcsCommand)
    .callsFake(({ VpcIds: [VpcId] = [''] }: { VpcIds?: string[] }) => ({ Vpcs: [{ VpcId }] }));
  ec2.on(DescribeSubnetsCommand).callsFake(({ SubnetIds: [SubnetId] = [''] }: { SubnetIds?: string[] }) => ({
    Subnets: [{ SubnetId, VpcId: SubnetId?.replace('subnet', 'vpc'), AvailableIpAddressCount: 200 }],
  }));
  ec2.on(DescribeRouteTablesCommand).resolves({
    RouteTables: [
      {
        RouteTableId: 'rtb-0123456789abcdef0',
        Routes: [
          {
            DestinationCidrBlock: '0.0.0.0/0',
            NatGatewayId: 'nat-0123456789abcdef0',
            State: 'active',
          },
        ],
      },
    ],
  });
  iam.on(GetInstanceProfileCommand).callsFake(({ InstanceProfileName = '' }) => ({
    InstanceProfile: {
      Arn: `arn:aws:iam::111111111111:instance-profile/${InstanceProfileName}`,
      Roles: [
        {
          Arn: `arn:aws:iam::111111111111:role/${InstanceProfileName}`,
          RoleName: InstanceProfileName,
          AssumeRolePolicyDocument: trustOf(InstanceProfileName),
        },
      ],
    },
  }));
  ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{}, {}, {}] });
  kms.on(DescribeKeyCommand).resolves({
    KeyMetadata: { KeyId: 'k', Arn: 'arn:aws:kms:…:key/k', KeyState: 'Enabled', KeyUsage: 'ENCRYPT_DECRYPT' },
  });
}
