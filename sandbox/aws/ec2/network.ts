/** VPCs, subnets, route tables and endpoints: only looked at, because packleader makes none. */
import type {
  DescribeRouteTablesCommandInput,
  DescribeRouteTablesCommandOutput,
  DescribeSubnetsCommandInput,
  DescribeSubnetsCommandOutput,
  DescribeVpcEndpointsCommandInput,
  DescribeVpcEndpointsCommandOutput,
  DescribeVpcsCommandInput,
  DescribeVpcsCommandOutput,
} from '@aws-sdk/client-ec2';
import type { Context, Output } from '../context.ts';
import { applyFilters, byIds, ec2Error, ec2Page, tagList } from './requests.ts';
import { compare } from '../world.ts';

const next = (nextToken: string | undefined) => (nextToken === undefined ? {} : { NextToken: nextToken });

const sorted = <T>(things: ReadonlyMap<string, T>): T[] =>
  [...things].sort(([a], [b]) => compare(a, b)).map(([, thing]) => thing);

function describeVpcs(
  { place }: Context,
  input: DescribeVpcsCommandInput,
): Output<DescribeVpcsCommandOutput> {
  const missing = (id: string) => ec2Error('InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`);
  const candidates =
    input.VpcIds === undefined ? sorted(place.vpcs) : byIds(place.vpcs, input.VpcIds, missing);
  const matching = applyFilters(candidates, input.Filters, {
    'vpc-id': ({ vpcId }) => [vpcId],
    'is-default': ({ isDefault }) => [String(isDefault)],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    Vpcs: items.map(({ vpcId, cidr, isDefault, tags }) => ({
      VpcId: vpcId,
      CidrBlock: cidr,
      IsDefault: isDefault,
      State: 'available',
      OwnerId: place.accountId,
      Tags: tagList(tags),
    })),
    ...next(nextToken),
  };
}

function describeSubnets(
  { place }: Context,
  input: DescribeSubnetsCommandInput,
): Output<DescribeSubnetsCommandOutput> {
  const missing = (id: string) =>
    ec2Error('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`);
  const candidates =
    input.SubnetIds === undefined ? sorted(place.subnets) : byIds(place.subnets, input.SubnetIds, missing);
  const matching = applyFilters(candidates, input.Filters, {
    'vpc-id': ({ vpcId }) => [vpcId],
    'subnet-id': ({ subnetId }) => [subnetId],
    'default-for-az': ({ isDefault }) => [String(isDefault)],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    Subnets: items.map((subnet) => ({
      SubnetId: subnet.subnetId,
      VpcId: subnet.vpcId,
      AvailabilityZone: `${place.region}a`,
      AvailableIpAddressCount: subnet.freeAddresses,
      DefaultForAz: subnet.isDefault,
      MapPublicIpOnLaunch: subnet.givesPublicAddress,
      State: 'available',
      OwnerId: place.accountId,
      Tags: tagList(subnet.tags),
    })),
    ...next(nextToken),
  };
}

/** A subnet that is associated with no table is in no association: its VPC's main table is what it uses. */
function describeRouteTables(
  { place }: Context,
  input: DescribeRouteTablesCommandInput,
): Output<DescribeRouteTablesCommandOutput> {
  const missing = (id: string) =>
    ec2Error('InvalidRouteTableID.NotFound', `The routeTable ID '${id}' does not exist`);
  const candidates =
    input.RouteTableIds === undefined
      ? sorted(place.routeTables)
      : byIds(place.routeTables, input.RouteTableIds, missing);
  const matching = applyFilters(candidates, input.Filters, {
    'vpc-id': ({ vpcId }) => [vpcId],
    'association.subnet-id': ({ subnetIds }) => subnetIds,
    'association.main': ({ isMain }) => [String(isMain)],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    RouteTables: items.map(({ routeTableId, vpcId, isMain, subnetIds, routes, tags }) => ({
      RouteTableId: routeTableId,
      VpcId: vpcId,
      Associations: [
        ...(isMain ? [{ Main: true, RouteTableId: routeTableId }] : []),
        ...subnetIds.map((SubnetId) => ({ Main: false, RouteTableId: routeTableId, SubnetId })),
      ],
      Routes: [...routes],
      OwnerId: place.accountId,
      Tags: tagList(tags),
    })),
    ...next(nextToken),
  };
}

function describeVpcEndpoints(
  { place }: Context,
  input: DescribeVpcEndpointsCommandInput,
): Output<DescribeVpcEndpointsCommandOutput> {
  const missing = (id: string) =>
    ec2Error('InvalidVpcEndpointId.NotFound', `The Vpc Endpoint Id '${id}' does not exist`);
  const candidates =
    input.VpcEndpointIds === undefined
      ? sorted(place.vpcEndpoints)
      : byIds(place.vpcEndpoints, input.VpcEndpointIds, missing);
  const matching = applyFilters(candidates, input.Filters, {
    'vpc-id': ({ vpcId }) => [vpcId],
    'service-name': ({ serviceName }) => [serviceName],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    VpcEndpoints: items.map(({ vpcEndpointId, vpcId, serviceName, state, tags }) => ({
      VpcEndpointId: vpcEndpointId,
      VpcId: vpcId,
      ServiceName: serviceName,
      State: state,
      OwnerId: place.accountId,
      Tags: tagList(tags),
    })),
    ...next(nextToken),
  };
}

export const networkOperations = {
  DescribeRouteTables: describeRouteTables,
  DescribeSubnets: describeSubnets,
  DescribeVpcEndpoints: describeVpcEndpoints,
  DescribeVpcs: describeVpcs,
};
