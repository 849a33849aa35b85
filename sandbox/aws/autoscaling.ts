/** As much of EC2 Auto Scaling as names an AMI: launch configurations, and the overrides of groups. */
import type {
  AutoScalingGroup as GroupView,
  CreateAutoScalingGroupCommandInput,
  CreateLaunchConfigurationCommandInput,
  DescribeAutoScalingGroupsCommandInput,
  DescribeAutoScalingGroupsCommandOutput,
  DescribeLaunchConfigurationsCommandInput,
  DescribeLaunchConfigurationsCommandOutput,
} from '@aws-sdk/client-auto-scaling';
import type { _InstanceType as InstanceType } from '@aws-sdk/client-ec2';
import type { Context, Done, Output } from './context.ts';
import { awsError } from './errors.ts';
import { page } from './page.ts';
import { compare, type AutoScalingGroup } from './world.ts';

const refused = (name: string, message: string): Error => awsError('autoscaling', name, message);

/** AWS returns 50 a page; here a page is smaller, so that whoever reads the first one only is found out by a small test. */
const DEFAULT_PAGE_SIZE = 5;

interface PagedRequest {
  readonly MaxRecords?: number | undefined;
  readonly NextToken?: string | undefined;
}

function pageOf<T extends { readonly name: string }>(
  things: ReadonlyMap<string, T>,
  names: readonly string[] | undefined,
  { MaxRecords: size = DEFAULT_PAGE_SIZE, NextToken: token, ...rest }: PagedRequest,
) {
  const asked = [...things.values()].filter(({ name }) => names === undefined || names.includes(name));
  const sorted = asked.sort((a, b) => compare(a.name, b.name));
  return page(sorted, size, token, rest, () => refused('InvalidNextToken', 'The token is not valid.'));
}

function createLaunchConfiguration({ place }: Context, input: CreateLaunchConfigurationCommandInput): Done {
  const { LaunchConfigurationName: name = '', ImageId: imageId = '', InstanceType: instanceType } = input;
  if (place.launchConfigurations.has(name))
    throw refused('AlreadyExists', `Launch Configuration by this name already exists: ${name}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Auto Scaling takes any text, EC2 judges it.
  place.launchConfigurations.set(name, { name, imageId, instanceType: instanceType as InstanceType });
  return {};
}

function createAutoScalingGroup({ place }: Context, input: CreateAutoScalingGroupCommandInput): Done {
  const { AutoScalingGroupName: name = '', LaunchConfigurationName: launchConfigurationName } = input;
  const mixed = input.MixedInstancesPolicy?.LaunchTemplate;
  const template = mixed?.LaunchTemplateSpecification ?? input.LaunchTemplate;
  if (launchConfigurationName !== undefined && !place.launchConfigurations.has(launchConfigurationName))
    throw refused('ValidationError', `Launch configuration name not found: ${launchConfigurationName}`);
  place.autoScalingGroups.set(name, {
    name,
    ...(launchConfigurationName === undefined ? {} : { launchConfigurationName }),
    ...(template?.LaunchTemplateId === undefined ? {} : { launchTemplateId: template.LaunchTemplateId }),
    overrides: (mixed?.Overrides ?? []).map(({ ImageId, InstanceType: type }) => ({
      ...(ImageId === undefined ? {} : { imageId: ImageId }),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Auto Scaling takes any text, EC2 judges it.
      ...(type === undefined ? {} : { instanceType: type as InstanceType }),
    })),
  });
  return {};
}

function describeLaunchConfigurations(
  { place }: Context,
  { LaunchConfigurationNames: names, ...rest }: DescribeLaunchConfigurationsCommandInput,
): Output<DescribeLaunchConfigurationsCommandOutput> {
  const { items, nextToken } = pageOf(place.launchConfigurations, names, rest);
  return {
    LaunchConfigurations: items.map(({ name, imageId, instanceType }) => ({
      LaunchConfigurationName: name,
      LaunchConfigurationARN: arnOf(place, `launchConfiguration:${name}:launchConfigurationName/${name}`),
      ImageId: imageId,
      InstanceType: instanceType,
      CreatedTime: new Date(0),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function describeAutoScalingGroups(
  { place }: Context,
  { AutoScalingGroupNames: names, ...rest }: DescribeAutoScalingGroupsCommandInput,
): Output<DescribeAutoScalingGroupsCommandOutput> {
  const { items, nextToken } = pageOf(place.autoScalingGroups, names, rest);
  return {
    AutoScalingGroups: items.map((group) => groupView(place, group)),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function groupView(
  place: Parameters<typeof arnOf>[0],
  { name, launchConfigurationName, launchTemplateId, overrides }: AutoScalingGroup,
): GroupView {
  const template = launchTemplateId === undefined ? {} : { LaunchTemplateId: launchTemplateId };
  const Overrides = overrides.map(({ imageId, instanceType }) => ({
    ...(imageId === undefined ? {} : { ImageId: imageId }),
    ...(instanceType === undefined ? {} : { InstanceType: instanceType }),
  }));
  return {
    AutoScalingGroupName: name,
    AutoScalingGroupARN: arnOf(place, `autoScalingGroup:${name}:autoScalingGroupName/${name}`),
    ...(launchConfigurationName === undefined ? {} : { LaunchConfigurationName: launchConfigurationName }),
    ...(overrides.length > 0
      ? { MixedInstancesPolicy: { LaunchTemplate: { LaunchTemplateSpecification: template, Overrides } } }
      : launchTemplateId === undefined
        ? {}
        : { LaunchTemplate: template }),
    MinSize: 0,
    MaxSize: 1,
    DesiredCapacity: 0,
    DefaultCooldown: 300,
    AvailabilityZones: [],
    HealthCheckType: 'EC2',
    CreatedTime: new Date(0),
  };
}

const arnOf = (
  { region, accountId }: { readonly region: string; readonly accountId: string },
  resource: string,
): string => `arn:aws:autoscaling:${region}:${accountId}:${resource}`;

export const autoscaling = {
  CreateAutoScalingGroup: createAutoScalingGroup,
  CreateLaunchConfiguration: createLaunchConfiguration,
  DescribeAutoScalingGroups: describeAutoScalingGroups,
  DescribeLaunchConfigurations: describeLaunchConfigurations,
};
