import { type EC2Client, paginateDescribeImageReferences } from '@aws-sdk/client-ec2';

/** What DescribeImageReferences takes in one call.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html */
const IDS_PER_CALL = 10;

/** All versions of a launch template are looked at, not only the newest ten that are the default. */
const TEMPLATE_VERSIONS = 10_000;

const ALIVE = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

/**
 * Who uses these AMIs in their own account: ARNs of instances that are not terminated, launch templates in any version,
 * SSM parameters. An AMI that nothing uses is absent from the map. A refused look-up throws: unknown must never be
 * taken for unused.
 */
export async function usersOfImages(
  ec2: EC2Client,
  imageIds: readonly string[],
): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>();
  for (let start = 0; start < imageIds.length; start += IDS_PER_CALL) {
    const pages = paginateDescribeImageReferences(
      { client: ec2 },
      {
        ImageIds: imageIds.slice(start, start + IDS_PER_CALL),
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
    for await (const { ImageReferences = [] } of pages) {
      for (const { ImageId = '', Arn = '' } of ImageReferences)
        users.set(ImageId, [...(users.get(ImageId) ?? []), Arn]);
    }
  }
  return users;
}
