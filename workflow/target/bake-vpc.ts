import { CfnProject, type Project } from 'aws-cdk-lib/aws-codebuild';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { NAMES } from '../../core/contract/names.ts';
import type { Target } from '../../core/contract/targets.ts';
import type { FixedRole } from '../constructs/fixed-role.ts';
import { type Wildcards, justify } from '../constructs/wildcards.ts';

/** Where the builds of one account run, in the hub's region: what reaches a builder at its private address. */
export interface BakeVpc {
  readonly vpcId: string;
  /** Private ones, with a way to the internet or to the endpoints of all the services that a bake uses. */
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** Runs the builds of a project in a VPC. */
export function runInVpc(project: Project, role: FixedRole, vpc: BakeVpc, place: Target): void {
  const resource = project.node.defaultChild;
  if (!(resource instanceof CfnProject)) throw new Error(`${project.node.path} has no resource`);
  const { vpcId, subnetIds, securityGroupIds } = vpc;
  // CDK's own property would look the VPC up in the account, and widen the role.
  resource.vpcConfig = { vpcId, subnets: [...subnetIds], securityGroupIds: [...securityGroupIds] };
  // A policy of its own: with the most subnets that CodeBuild takes, a role's inline policies would be too long.
  const policy = new ManagedPolicy(role, 'Vpc', {
    managedPolicyName: `${NAMES.bakeRole}-vpc`,
    description: 'Lets CodeBuild run bakes in the VPC.',
    statements: vpcPolicy(vpc, place),
    roles: [role],
  });
  justify(policy, vpcWildcards(place));
  // CodeBuild tries the role's permissions when the project is made.
  project.node.addDependency(role);
}

/**
 * What CodeBuild does with a project's role to put a build into a VPC: in these subnets and with these security groups alone. That it may
 * describe subnets, groups and VPCs is in the bake's policy already.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html#customer-managed-policies-example-create-vpc-network-interface
 */
function vpcPolicy(
  { subnetIds, securityGroupIds }: BakeVpc,
  { accountId, region }: Target,
): PolicyStatement[] {
  const arn = (kind: string, id: string) => `arn:aws:ec2:${region}:${accountId}:${kind}/${id}`;
  const interfaces = arn('network-interface', '*');
  const subnets = subnetIds.map((id) => arn('subnet', id));
  return [
    new PolicyStatement({
      sid: 'LookAtNetwork',
      actions: ['ec2:DescribeDhcpOptions', 'ec2:DescribeNetworkInterfaces'],
      resources: ['*'], // EC2's Describe actions take no resource.
    }),
    new PolicyStatement({
      sid: 'JoinVpc',
      actions: ['ec2:CreateNetworkInterface'],
      resources: [interfaces, ...subnets, ...securityGroupIds.map((id) => arn('security-group', id))],
    }),
    new PolicyStatement({
      sid: 'LeaveVpc',
      actions: ['ec2:DeleteNetworkInterface'],
      resources: [interfaces],
      conditions: { StringEquals: { 'ec2:Subnet': subnets } },
    }),
    new PolicyStatement({
      sid: 'LetCodeBuildAttach',
      actions: ['ec2:CreateNetworkInterfacePermission'],
      resources: [interfaces],
      conditions: {
        StringEquals: { 'ec2:Subnet': subnets, 'ec2:AuthorizedService': 'codebuild.amazonaws.com' },
      },
    }),
  ];
}

const vpcWildcards = ({ accountId, region }: Target): Wildcards => ({
  '*': "EC2's Describe actions take no resource.",
  [`:${region}:${accountId}:network-interface/*`]:
    'EC2 makes the ids; the interface of a build is made and removed in the named subnets only, and given to CodeBuild only.',
});
