import {
  type AutoScalingClient,
  paginateDescribeAutoScalingGroups,
  paginateDescribeLaunchConfigurations,
} from '@aws-sdk/client-auto-scaling';
import {
  DescribeImageAttributeCommand,
  type EC2Client,
  type Image,
  paginateDescribeImageReferences,
  paginateDescribeImages,
} from '@aws-sdk/client-ec2';
import { chunks } from '../aws/chunks.ts';
import type { TargetClients } from '../aws/clients.ts';
import { hasCode } from '../aws/errors.ts';
import { permissionName } from '../contract/permissions.ts';
import { TAGS } from '../contract/tags.ts';
import { isGone } from './usable.ts';

/** What DescribeImageReferences takes in one call.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html */
const IDS_PER_CALL = 10;

/** All versions of a launch template are looked at, not only the newest ten that are the default. */
const TEMPLATE_VERSIONS = 10_000;

/** Every state but terminated: an instance that is gone for good launches nothing any more. */
const ALIVE = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

export type User = readonly [imageId: string, by: string];

/**
 * Who uses these AMIs of one account, by AMI: instances that are not terminated, launch templates in any version, Auto
 * Scaling groups and launch configurations, SSM parameters, AMIs of the factory that were built on it, and whoever it was
 * shared with. An AMI that nothing uses is absent from the map. A refused look-up throws: unknown must never be taken for
 * unused.
 *  @param known Who uses AMIs, as a census just saw it: only who shares them and what is built on them is asked for then
 *  @param given Whom the release itself shares them with, and is about to take that back from: no use of somebody else
 */
export async function usersOfImages(
  { ec2, autoScaling }: Pick<TargetClients, 'ec2' | 'autoScaling'>,
  images: readonly Image[],
  known?: readonly User[],
  given: ReadonlySet<string> = new Set(),
): Promise<Map<string, string[]>> {
  const imageIds = images.map(({ ImageId = '' }) => ImageId);
  if (imageIds.length === 0) return new Map();
  const found = await Promise.all([
    ...(known
      ? [known]
      : [references(ec2, imageIds), launchConfigurations(autoScaling), groupOverrides(autoScaling)]),
    builtOnThem(ec2, imageIds),
    ...images.map(async (image) => sharedWith(ec2, image, given)),
  ]);
  const users = new Map<string, string[]>();
  for (const [imageId, by] of found.flat()) {
    if (imageIds.includes(imageId)) users.set(imageId, [...(users.get(imageId) ?? []), by]);
  }
  return users;
}

async function references(ec2: EC2Client, imageIds: readonly string[]): Promise<User[]> {
  const users: User[] = [];
  for (const ImageIds of chunks(imageIds, IDS_PER_CALL)) {
    const pages = paginateDescribeImageReferences(
      { client: ec2 },
      {
        ImageIds,
        ResourceTypes: [
          {
            ResourceType: 'ec2:Instance',
            ResourceTypeOptions: [{ OptionName: 'state-name', OptionValues: ALIVE }],
          },
          {
            ResourceType: 'ec2:LaunchTemplate',
            ResourceTypeOptions: [{ OptionName: 'version-depth', OptionValues: [String(TEMPLATE_VERSIONS)] }],
          },
          { ResourceType: 'ssm:Parameter' },
        ],
      },
    );
    for await (const { ImageReferences = [] } of pages)
      users.push(...ImageReferences.map(({ ImageId = '', Arn = '' }): User => [ImageId, Arn]));
  }
  return users;
}

/**
 * Another image of the factory goes on referring to its base: by tag, and in the ancestry that EC2 keeps. One that is disabled
 * may be enabled again; one that failed, or is being deregistered, holds nothing.
 */
async function builtOnThem(ec2: EC2Client, imageIds: readonly string[]): Promise<User[]> {
  const pages = await Array.fromAsync(
    paginateDescribeImages(
      { client: ec2 },
      {
        Owners: ['self'],
        Filters: [{ Name: `tag:${TAGS.sourceAmi}`, Values: [...imageIds] }],
        IncludeDeprecated: true,
        IncludeDisabled: true,
      },
    ),
  );
  return pages
    .flatMap((page) => page.Images ?? [])
    .filter((image) => !isGone(image))
    .map(({ ImageId = '', Tags = [] }): User => [
      Tags.find(({ Key }) => Key === TAGS.sourceAmi)?.Value ?? '',
      `${ImageId}, which was built on it`,
    ]);
}

/**
 * Whom a release itself did not share a candidate with, somebody else did, who may launch it in an account that we cannot look into. EC2 refuses
 * to speak of the attributes of an AMI that never came to be.
 */
async function sharedWith(ec2: EC2Client, image: Image, given: ReadonlySet<string>): Promise<User[]> {
  const { ImageId, OwnerId } = image;
  // Nobody can launch one that is disabled, and EC2 keeps none of its permissions.
  if (ImageId === undefined || isGone(image) || image.State === 'disabled') return [];
  try {
    const { LaunchPermissions = [] } = await ec2.send(
      new DescribeImageAttributeCommand({ ImageId, Attribute: 'launchPermission' }),
    );
    const others = LaunchPermissions.map(permissionName).filter(
      (name) => name !== OwnerId && !given.has(name),
    );
    return others.map((name): User => [ImageId, `${name}, which it is shared with`]);
  } catch (error) {
    if (hasCode(error, 'InvalidAMIID.NotFound')) return [];
    throw error;
  }
}

export async function launchConfigurations(autoScaling: AutoScalingClient): Promise<User[]> {
  const pages = await Array.fromAsync(paginateDescribeLaunchConfigurations({ client: autoScaling }, {}));
  return pages
    .flatMap((page) => page.LaunchConfigurations ?? [])
    .map(({ ImageId = '', LaunchConfigurationARN = '' }): User => [ImageId, LaunchConfigurationARN]);
}

/** A group's launch template is found with the launch templates; its overrides may name AMIs of their own. */
export async function groupOverrides(autoScaling: AutoScalingClient): Promise<User[]> {
  const pages = await Array.fromAsync(paginateDescribeAutoScalingGroups({ client: autoScaling }, {}));
  return pages
    .flatMap((page) => page.AutoScalingGroups ?? [])
    .flatMap(({ AutoScalingGroupARN = '', MixedInstancesPolicy }) =>
      (MixedInstancesPolicy?.LaunchTemplate?.Overrides ?? []).map(({ ImageId = '' }): User => [
        ImageId,
        AutoScalingGroupARN,
      ]),
    );
}
