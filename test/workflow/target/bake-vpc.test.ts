import { App } from 'aws-cdk-lib';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../core/contract/names.ts';
import { deploymentOf } from '../../../workflow/context.ts';
import { ownFactory } from '../../fixtures/factories.ts';
import { inWords, target } from '../../fixtures/synthesised.ts';

const factory = ownFactory();
const accountId = '111111111111';
const bakeVpc = {
  vpcId: 'vpc-0d0e0f00000000001',
  subnetIds: ['subnet-0a000001', 'subnet-0b000001'],
  securityGroupIds: ['sg-0a000001'],
};
const projectOf = (stack: ReturnType<typeof target>) => stack.ofType('AWS::CodeBuild::Project')[0]?.is;
const bakeOf = (stack: ReturnType<typeof target>) =>
  stack
    .roles()
    .filter(({ name }) => name === NAMES.bakeRole)
    .flatMap(({ statements }) => statements);

describe('a project in a VPC', () => {
  const inVpc = target({ factory, accountId, bakeVpc });
  const without = target({ factory, accountId });

  it('runs its builds in the subnets and with the security groups that are named', () => {
    expect(projectOf(inVpc)?.['VpcConfig']).toEqual({
      VpcId: 'vpc-0d0e0f00000000001',
      Subnets: ['subnet-0a000001', 'subnet-0b000001'],
      SecurityGroupIds: ['sg-0a000001'],
    });
    expect(projectOf(without)).not.toHaveProperty('VpcConfig');
  });

  it('gives its role what CodeBuild needs for that, in these subnets alone, and nothing else', () => {
    const before = bakeOf(without).map(inWords);
    const more = bakeOf(inVpc)
      .map(inWords)
      .filter((statement) => !before.includes(statement));
    expect(more.join('\n')).toMatchInlineSnapshot(`
      "LookAtNetwork: Allow ec2:DescribeDhcpOptions ec2:DescribeNetworkInterfaces on *
      JoinVpc: Allow ec2:CreateNetworkInterface on arn:aws:ec2:eu-west-1:111111111111:network-interface/* arn:aws:ec2:eu-west-1:111111111111:security-group/sg-0a000001 arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-0a000001 arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-0b000001
      LeaveVpc: Allow ec2:DeleteNetworkInterface on arn:aws:ec2:eu-west-1:111111111111:network-interface/* if {"StringEquals":{"ec2:Subnet":["arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-0a000001","arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-0b000001"]}}
      LetCodeBuildAttach: Allow ec2:CreateNetworkInterfacePermission on arn:aws:ec2:eu-west-1:111111111111:network-interface/* if {"StringEquals":{"ec2:Subnet":["arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-0a000001","arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-0b000001"],"ec2:AuthorizedService":"codebuild.amazonaws.com"}}"
    `);
  });

  it('may have its builds in the hub’s region though no target is there, and nowhere else', () => {
    const elsewhere = { ...factory, hub: { ...factory.hub, region: 'eu-central-1' } };
    const denial = bakeOf(target({ factory: elsewhere, accountId, bakeVpc }))
      .filter(({ Sid }) => Sid === 'StayInRegionsOfTargets')
      .map(({ Condition }) => Condition);
    expect(denial).toEqual([{ StringNotEquals: { 'aws:RequestedRegion': ['eu-west-1', 'eu-central-1'] } }]);
  });

  it('keeps every policy within its limit, with as many regions, subnets and groups as can be', () => {
    const many = (count: number, prefix: string) =>
      Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(17, '0')}`);
    const regions = Array.from({ length: 30 }, (_, index) => ({ accountId, region: `eu-west-${index}` }));
    const wide = target({
      factory: { ...factory, stages: [{ name: 'dev', targets: regions }] },
      accountId,
      customerKey: true,
      bakeVpc: { ...bakeVpc, subnetIds: many(16, 'subnet'), securityGroupIds: many(5, 'sg') },
    });
    const sizes = (type: string) =>
      wide.ofType(type).map(({ is }) => JSON.stringify(is['PolicyDocument']).length);
    expect(Math.max(...sizes('AWS::IAM::Policy'))).toBeLessThan(10_240);
    expect(Math.max(...sizes('AWS::IAM::ManagedPolicy'))).toBeLessThan(6_144);
  });
});

describe('packleader:bakeVpcs', () => {
  const read = (bakeVpcs: unknown) =>
    deploymentOf(new App({ context: { 'packleader:bakeVpcs': bakeVpcs } })).settings.bakeVpcs;

  it('names the VPC of each account that needs one', () => {
    expect(read({ [accountId]: bakeVpc })).toEqual({ [accountId]: bakeVpc });
  });

  it.each<[string, unknown]>([
    ['must be an account id of 12 digits', { dev: bakeVpc }],
    ['must look like vpc-', { [accountId]: { ...bakeVpc, vpcId: 'main' } }],
    ['must look like subnet-', { [accountId]: { ...bakeVpc, subnetIds: ['private'] } }],
    ['must name at least one subnet', { [accountId]: { ...bakeVpc, subnetIds: [] } }],
    ['must look like sg-', { [accountId]: { ...bakeVpc, securityGroupIds: ['default'] } }],
  ])('fails where a value %s', (message, bakeVpcs) => {
    expect(() => read(bakeVpcs)).toThrow(message);
  });

  it('fails for an account that has no target', () => {
    const synthesise = () =>
      execFileSync(process.execPath, ['workflow/app.ts'], {
        stdio: 'pipe',
        env: {
          ...process.env,
          CDK_CONTEXT_JSON: JSON.stringify({ 'packleader:bakeVpcs': { '333333333333': bakeVpc } }),
        },
      });
    expect(synthesise).toThrow('names the account 333333333333, which has no target');
  });
});
