/** Whether a builder in a subnet gets out of it, and Packer to the builder. */
import {
  DescribeRouteTablesCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
  type Route,
  type RouteTable,
  type Subnet,
} from '@aws-sdk/client-ec2';
import { type Verdict, failed, notChecked, ok } from '../finding.ts';
import { type PlannedBake, imagesOf } from './planned-bakes.ts';

export interface Subnets {
  readonly ec2: EC2Client;
  readonly region: string;
  /** The target, as findings name it. */
  readonly place: string;
}

/**
 * The default route of the subnet, and what that asks of its builders: an internet gateway serves only who has a public address,
 * and an address that Packer connects to from outside is served by nothing else.
 *  @see https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
 */
export async function wayOut(
  where: Subnets,
  subnet: Subnet,
  bakes: readonly PlannedBake[],
): Promise<Verdict> {
  const { ec2, place } = where;
  const { SubnetId: subnetId = '', VpcId: vpcId = '' } = subnet;
  const table = await routeTableOf(ec2, subnetId, vpcId);
  if (!table) return notChecked(`EC2 names no route table of ${subnetId} in ${place}`, 'run it again');
  const route = table.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === '0.0.0.0/0');
  const add = `give ${table.RouteTableId} a route for 0.0.0.0/0 to a NAT gateway or an internet gateway`;
  if (!route) {
    const endpoints = bakes.every(({ reachedBy }) => reachedBy === 'session_manager')
      ? await endpointsOf(where, vpcId)
      : undefined;
    return endpoints === undefined
      ? failed(`${subnetId} in ${place} has no way out: ${table.RouteTableId} has no default route`, add)
      : ok(`no default route; ${endpoints}`);
  }
  const through = nextHop(route);
  if (route.State !== 'active')
    return failed(
      `the default route of ${subnetId} in ${place}, to ${through}, is ${route.State ?? 'in no state'}, not active`,
      `replace it: ${add}`,
    );
  if (through.startsWith('pcx-'))
    return failed(
      `the default route of ${subnetId} in ${place} leads to ${through}, and peering goes no further than its VPC`,
      `replace it: ${add}`,
    );
  return addressVerdict(place, subnet, bakes, through);
}

function addressVerdict(
  place: string,
  { SubnetId: subnetId = '', MapPublicIpOnLaunch: getsAddress = false }: Subnet,
  bakes: readonly PlannedBake[],
  through: string,
): Verdict {
  const fromOutside = bakes.filter(({ reachedBy }) => reachedBy === 'public_ip');
  const others = bakes.filter(({ reachedBy }) => reachedBy !== 'public_ip');
  if (through.startsWith('igw-')) {
    if (getsAddress || others.length === 0) return ok(`${subnetId}, out through ${through}`);
    return failed(
      `${subnetId} in ${place} goes out through ${through}, but gives the builders of ${imagesOf(others)} no public address`,
      'turn on its MapPublicIpOnLaunch, or take a subnet behind a NAT gateway',
    );
  }
  if (fromOutside.length === 0) return ok(`${subnetId}, out through ${through}`);
  return failed(
    `Packer reaches the builders of ${imagesOf(fromOutside)} at a public address, but ${subnetId} in ${place} goes out through ${through}`,
    'take a subnet behind an internet gateway, or another sshInterface',
  );
}

/** The table that the subnet is associated with, else the main one of its VPC. */
async function routeTableOf(
  ec2: EC2Client,
  subnetId: string,
  vpcId: string,
): Promise<RouteTable | undefined> {
  const own = new DescribeRouteTablesCommand({
    Filters: [{ Name: 'association.subnet-id', Values: [subnetId] }],
  });
  const { RouteTables: [associated] = [] } = await ec2.send(own);
  if (associated) return associated;
  const main = new DescribeRouteTablesCommand({
    Filters: [
      { Name: 'vpc-id', Values: [vpcId] },
      { Name: 'association.main', Values: ['true'] },
    ],
  });
  return (await ec2.send(main)).RouteTables?.[0];
}

/** The id of what a route leads to. */
const nextHop = (route: Route): string =>
  route.GatewayId ??
  route.NatGatewayId ??
  route.TransitGatewayId ??
  route.VpcPeeringConnectionId ??
  route.InstanceId ??
  route.NetworkInterfaceId ??
  route.LocalGatewayId ??
  route.CarrierGatewayId ??
  route.CoreNetworkArn ??
  'nothing that is known';

/**
 * What Session Manager needs where there is no way out; undefined when it is not there.
 *  @see https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
 */
async function endpointsOf({ ec2, region }: Subnets, vpcId: string): Promise<string | undefined> {
  const services = ['ssm', 'ssmmessages'].map((service) => `com.amazonaws.${region}.${service}`);
  const { VpcEndpoints = [] } = await ec2.send(
    new DescribeVpcEndpointsCommand({
      Filters: [
        { Name: 'vpc-id', Values: [vpcId] },
        { Name: 'service-name', Values: services },
      ],
    }),
  );
  const available = VpcEndpoints.filter(({ State }) => State?.toLowerCase() === 'available');
  return services.every((service) => available.some(({ ServiceName }) => ServiceName === service))
    ? 'Session Manager through VPC endpoints'
    : undefined;
}
