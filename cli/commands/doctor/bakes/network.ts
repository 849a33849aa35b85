/** The VPC, the subnet and the security groups that builders of a target are launched in. */
import {
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  type Filter,
  type Subnet,
  paginateDescribeSubnets,
} from '@aws-sdk/client-ec2';
import { namedSubnets } from '../../../../core/configuration/packer-variables.ts';
import { type Check, type Verdict, failed, ok, unlessAbsent } from '../finding.ts';
import { type PlannedBake, imagesOf } from './planned-bakes.ts';
import { type Subnets, wayOut } from './routes.ts';

/** One check for each VPC, subnet and group, however many images name it. */
export function networkChecks(where: Subnets, bakes: readonly PlannedBake[]): Check[] {
  const configured = bakes.flatMap((bake) => (bake.network ? [{ ...bake.network, bake }] : []));
  const subnets = configured.flatMap((network) =>
    namedSubnets(network).map((subnetId) => ({ vpcId: network.vpcId, subnetId, bake: network.bake })),
  );
  const byTags = configured.flatMap(({ vpcId, subnetTags, bake }) =>
    subnetTags === undefined ? [] : [{ vpcId, subnetTags, bake }],
  );
  const byDefault = bakes.filter(({ network }) => network === undefined);
  const groups = configured.flatMap(({ vpcId, securityGroupIds }) =>
    securityGroupIds.map((groupId) => ({ vpcId, groupId })),
  );
  return [
    ...(byDefault.length === 0 ? [] : [defaultVpcCheck(where, byDefault)]),
    ...[...new Set(configured.map(({ vpcId }) => vpcId))].map((vpcId): Check => [
      `VPC ${vpcId}`,
      'ec2:DescribeVpcs',
      async () => vpcExists(where, vpcId),
    ]),
    ...[...Map.groupBy(subnets, ({ vpcId, subnetId }) => `${vpcId} ${subnetId}`).values()].flatMap((users) =>
      users.slice(0, 1).map((user) =>
        subnetCheck(
          where,
          user,
          users.map(({ bake }) => bake),
        ),
      ),
    ),
    ...[
      ...Map.groupBy(byTags, ({ vpcId, subnetTags }) => JSON.stringify([vpcId, subnetTags])).values(),
    ].flatMap((users) =>
      users.slice(0, 1).map((user) =>
        taggedSubnetsCheck(
          where,
          user,
          users.map(({ bake }) => bake),
        ),
      ),
    ),
    ...[...Map.groupBy(groups, ({ vpcId, groupId }) => `${vpcId} ${groupId}`).values()].flatMap((same) =>
      same
        .slice(0, 1)
        .map(({ vpcId, groupId }): Check => [
          `security group ${groupId}`,
          'ec2:DescribeSecurityGroups',
          async () => groupExists(where, groupId, vpcId),
        ]),
    ),
  ];
}

const LOOK_AT_ROUTES = 'ec2:DescribeSubnets, ec2:DescribeRouteTables and ec2:DescribeVpcEndpoints';

async function vpcExists({ ec2, place }: Subnets, vpcId: string): Promise<Verdict> {
  const command = new DescribeVpcsCommand({ VpcIds: [vpcId] });
  const found = await unlessAbsent(ec2.send(command), 'InvalidVpcID.NotFound');
  const vpc = found?.Vpcs?.find(({ VpcId }) => VpcId === vpcId);
  return vpc
    ? ok(vpc.CidrBlock ?? vpcId)
    : failed(`there is no VPC ${vpcId} in ${place}`, 'set network.vpcId to one that the target has');
}

function subnetCheck(
  where: Subnets,
  { vpcId, subnetId }: { readonly vpcId: string; readonly subnetId: string },
  bakes: readonly PlannedBake[],
): Check {
  return [`subnet ${subnetId}`, LOOK_AT_ROUTES, async () => subnetWorks()];

  async function subnetWorks(): Promise<Verdict> {
    const { ec2, place } = where;
    const command = new DescribeSubnetsCommand({ SubnetIds: [subnetId] });
    const found = await unlessAbsent(ec2.send(command), 'InvalidSubnetID.NotFound');
    const subnet = found?.Subnets?.find(({ SubnetId }) => SubnetId === subnetId);
    if (!subnet)
      return failed(
        `there is no subnet ${subnetId} in ${place}`,
        `set network.subnetId, or the one among network.subnetIds, to a subnet of ${vpcId}`,
      );
    if (subnet.VpcId !== vpcId)
      return failed(
        `${subnetId} in ${place} is in ${subnet.VpcId}, not in ${vpcId}`,
        'set network.vpcId and its subnets to a VPC and subnets of it',
      );
    if (subnet.AvailableIpAddressCount === 0)
      return failed(`${subnetId} in ${place} has no free address`, 'free some, or take another subnet');
    return wayOut(where, subnet, bakes);
  }
}

/** A bake takes any of them that EC2 has room in, so each of them must do. */
function taggedSubnetsCheck(
  where: Subnets,
  { vpcId, subnetTags }: { readonly vpcId: string; readonly subnetTags: Readonly<Record<string, string>> },
  bakes: readonly PlannedBake[],
): Check {
  const tags = Object.entries(subnetTags);
  const said = tags.map(([key, value]) => `${key}=${value}`).join(', ');
  return [
    `subnets of ${vpcId} with ${said}`,
    LOOK_AT_ROUTES,
    async () => {
      const filters = tags.map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
      const subnets = await subnetsOf(where, [{ Name: 'vpc-id', Values: [vpcId] }, ...filters]);
      return subnets.length === 0
        ? failed(
            `no subnet of ${vpcId} in ${where.place} has the tags ${said}`,
            'tag one, or set network.subnetTags to tags that some have',
          )
        : everyWayOut(where, subnets, bakes, vpcId);
    },
  ];
}

async function subnetsOf({ ec2 }: Subnets, Filters: Filter[]): Promise<Subnet[]> {
  const pages = await Array.fromAsync(paginateDescribeSubnets({ client: ec2 }, { Filters }));
  return pages.flatMap((page) => page.Subnets ?? []);
}

/** The worst of what is found. */
async function everyWayOut(
  where: Subnets,
  subnets: readonly Subnet[],
  bakes: readonly PlannedBake[],
  vpcId: string,
): Promise<Verdict> {
  const verdicts = await Promise.all(subnets.map(async (subnet) => wayOut(where, subnet, bakes)));
  const bad = verdicts.filter(({ outcome }) => outcome !== 'ok');
  return (
    bad.find(({ outcome }) => outcome === 'failed') ??
    bad[0] ??
    ok(`${vpcId}, ${subnets.map(({ SubnetId }) => SubnetId).join(', ')}`)
  );
}

async function groupExists({ ec2, place }: Subnets, groupId: string, vpcId: string): Promise<Verdict> {
  const command = new DescribeSecurityGroupsCommand({ GroupIds: [groupId] });
  const found = await unlessAbsent(ec2.send(command), 'InvalidGroup.NotFound', 'InvalidGroupId.NotFound');
  const group = found?.SecurityGroups?.find(({ GroupId }) => GroupId === groupId);
  const change = `set network.securityGroupIds to groups of ${vpcId}`;
  if (!group) return failed(`there is no security group ${groupId} in ${place}`, change);
  return group.VpcId === vpcId
    ? ok(group.GroupName ?? groupId)
    : failed(`the security group ${groupId} in ${place} is of ${group.VpcId}, not of ${vpcId}`, change);
}

/** Without a subnet EC2 takes the default one of any Availability Zone, so each of them must do. */
function defaultVpcCheck(where: Subnets, bakes: readonly PlannedBake[]): Check {
  return ['default VPC', `ec2:DescribeVpcs, ${LOOK_AT_ROUTES}`, async () => defaultVpcWorks()];

  async function defaultVpcWorks(): Promise<Verdict> {
    const { ec2, place } = where;
    const isDefault = [{ Name: 'is-default', Values: ['true'] }];
    const { Vpcs: [vpc] = [] } = await ec2.send(new DescribeVpcsCommand({ Filters: isDefault }));
    if (vpc?.VpcId === undefined)
      return failed(
        `${place} has no default VPC, and the configuration names no network for ${imagesOf(bakes)}`,
        'set network, or run "aws ec2 create-default-vpc" there',
      );
    const subnets = await subnetsOf(where, [
      { Name: 'vpc-id', Values: [vpc.VpcId] },
      { Name: 'default-for-az', Values: ['true'] },
    ]);
    if (subnets.length === 0)
      return failed(
        `the default VPC ${vpc.VpcId} of ${place} has no default subnet`,
        'set network, or run "aws ec2 create-default-subnet" there',
      );
    return everyWayOut(where, subnets, bakes, vpc.VpcId);
  }
}
