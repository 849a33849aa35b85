/** The look-ups that decide whether something uses an AMI. */
import {
  DescribeAutoScalingGroupsCommand,
  DescribeLaunchConfigurationsCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  DescribeImageAttributeCommand,
  DescribeImageReferencesCommand,
  type DescribeImageReferencesCommandOutput,
  DescribeImagesCommand,
} from '@aws-sdk/client-ec2';
import type { Target } from '../../core/contract/targets.ts';
import { type Aws, type Call, call } from './aws.ts';

export const references = (...ImageIds: string[]) =>
  new DescribeImageReferencesCommand({
    ImageIds,
    ResourceTypes: [
      {
        ResourceType: 'ec2:Instance',
        ResourceTypeOptions: [
          {
            OptionName: 'state-name',
            OptionValues: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
          },
        ],
      },
      {
        ResourceType: 'ec2:LaunchTemplate',
        ResourceTypeOptions: [{ OptionName: 'version-depth', OptionValues: ['10000'] }],
      },
      { ResourceType: 'ssm:Parameter' },
    ],
  });
export const builtOn = (...Values: string[]) =>
  new DescribeImagesCommand({
    Owners: ['self'],
    Filters: [{ Name: 'tag:packleader:source-ami', Values }],
    IncludeDeprecated: true,
    IncludeDisabled: true,
  });
export const sharedWith = (ImageId: string) =>
  new DescribeImageAttributeCommand({ ImageId, Attribute: 'launchPermission' });
export const launchConfigurations = new DescribeLaunchConfigurationsCommand({});
export const groups = new DescribeAutoScalingGroupsCommand({});

/** Expects every look-up for these AMIs; nothing but these references is found. */
export function usersAre(
  aws: Aws,
  target: Target,
  imageIds: readonly string[],
  found: Omit<DescribeImageReferencesCommandOutput, '$metadata'> = { ImageReferences: [] },
): void {
  aws.on(target, references(...imageIds), found);
  aws.accepts(target, builtOn(...imageIds), ...imageIds.map(sharedWith), launchConfigurations, groups);
}

/** The calls that the look-ups are made of, in order. */
export const lookUps = (target: Target, ...imageIds: string[]): Call[] =>
  [
    references(...imageIds),
    builtOn(...imageIds),
    ...imageIds.map(sharedWith),
    launchConfigurations,
    groups,
  ].map((command) => call(target, command));
