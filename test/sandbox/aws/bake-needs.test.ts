import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2';
import {
  GetInstanceProfileCommand,
  IAMClient,
  NoSuchEntityException,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { expect, test } from 'vitest';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import { DEV, HUB } from '../../fixtures/accounts.ts';
import { bound, clientsOf, ownerOf } from '../fixture.ts';

test('EC2 says by its own errors which VPC, subnet, table or endpoint does not exist', async () => {
  const ec2 = ownerOf(bound(), DEV);
  await expect(ec2.send(new DescribeVpcsCommand({ VpcIds: ['vpc-1'] }))).rejects.toMatchObject({
    name: 'InvalidVpcID.NotFound',
    message: "The vpc ID 'vpc-1' does not exist",
  });
  await expect(ec2.send(new DescribeSubnetsCommand({ SubnetIds: ['subnet-1'] }))).rejects.toMatchObject({
    name: 'InvalidSubnetID.NotFound',
  });
  await expect(ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: ['rtb-1'] }))).rejects.toMatchObject({
    name: 'InvalidRouteTableID.NotFound',
  });
  const endpoints = new DescribeVpcEndpointsCommand({ VpcEndpointIds: ['vpce-1'] });
  await expect(ec2.send(endpoints)).rejects.toMatchObject({ name: 'InvalidVpcEndpointId.NotFound' });
});

test('a subnet without a table of its own is in no association', async () => {
  const sandbox = bound();
  const place = sandbox.world.region(DEV.accountId, DEV.region);
  const tags = new Map<string, string>();
  place.routeTables.set('rtb-1', {
    routeTableId: 'rtb-1',
    vpcId: 'vpc-1',
    isMain: true,
    subnetIds: ['subnet-1'],
    routes: [],
    tags,
  });
  const tablesOf = async (Name: string, value: string) => {
    const command = new DescribeRouteTablesCommand({ Filters: [{ Name, Values: [value] }] });
    return (await ownerOf(sandbox, DEV).send(command)).RouteTables?.map(({ RouteTableId }) => RouteTableId);
  };
  expect(await tablesOf('association.subnet-id', 'subnet-1')).toEqual(['rtb-1']);
  expect(await tablesOf('association.subnet-id', 'subnet-2')).toEqual([]);
  expect(await tablesOf('association.main', 'true')).toEqual(['rtb-1']);
});

test('IAM and Secrets Manager say what does not exist', async () => {
  bound();
  const iam = new IAMClient({});
  const profile = new GetInstanceProfileCommand({ InstanceProfileName: 'none' });
  await expect(iam.send(profile)).rejects.toBeInstanceOf(NoSuchEntityException);
  const nobody = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: roleArn(HUB.accountId, 'nobody'),
    ActionNames: ['s3:GetObject'],
  });
  await expect(iam.send(nobody)).rejects.toBeInstanceOf(NoSuchEntityException);
  const secret = new SecretsManagerClient({}).send(new DescribeSecretCommand({ SecretId: 'none' }));
  await expect(secret).rejects.toBeInstanceOf(ResourceNotFoundException);
});

test('a simulation tells what a role may use', async () => {
  bound();
  const { EvaluationResults } = await new IAMClient({}).send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: roleArn(DEV.accountId, NAMES.bakeRole),
      ActionNames: ['secretsmanager:GetSecretValue', 'iam:CreateUser'],
    }),
  );
  expect(EvaluationResults?.map(({ EvalDecision }) => EvalDecision)).toEqual(['allowed', 'implicitDeny']);
});

test('fails for a role that may not look', async () => {
  bound();
  const { ec2 } = await clientsOf(DEV, NAMES.orchestratorRole);
  await expect(ec2.send(new DescribeVpcsCommand({}))).rejects.toMatchObject({
    name: 'UnauthorizedOperation',
  });
});
