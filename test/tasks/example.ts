/** One release of one image, as the tests of tasks know it. */
import { DescribeImagesCommand, type Image } from '@aws-sdk/client-ec2';
import type { Batch, Release } from '../../core/contract/releases.ts';
import { TAGS } from '../../core/contract/tags.ts';
import type { Ami, Target } from '../../core/contract/targets.ts';

export const RELEASE: Release = {
  releaseId: 'web@1.4.20261121093000',
  image: 'web',
  version: '1.4.20261121093000',
  commit: '4f2c1d9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e',
  repository: 'https://github.com/example/images',
  prerelease: false,
};
export const PRERELEASE: Release = {
  ...RELEASE,
  releaseId: 'web@1.4.20261121093000-topic',
  version: '1.4.20261121093000-topic',
  prerelease: true,
};
export const AMI_NAME = 'web-1.4.20261121093000-g4f2c1d9';
export const SOURCE_AMI = 'ami-source';

export const releaseFilter = [{ Name: 'tag:packleader:release', Values: [RELEASE.releaseId] }];
const everyState = { Owners: ['self'], IncludeDeprecated: true, IncludeDisabled: true };

/** How a release's AMIs are looked for: by tag, and by name in case the tag is missing. */
export const imagesByTag = new DescribeImagesCommand({ ...everyState, Filters: releaseFilter });
export const imagesByTagSecondPage = new DescribeImagesCommand({ ...imagesByTag.input, NextToken: 'more' });
export const imagesByName = new DescribeImagesCommand({
  ...everyState,
  Filters: [{ Name: 'name', Values: [AMI_NAME] }],
});

/** A sound candidate, as EC2 describes it. */
export function candidate(
  imageId: string,
  tags: Record<string, string> = {},
  changes: Partial<Image> = {},
): Image {
  return {
    ImageId: imageId,
    Name: AMI_NAME,
    State: 'available',
    BlockDeviceMappings: [
      { DeviceName: '/dev/xvda', Ebs: { SnapshotId: imageId.replace('ami', 'snap'), Encrypted: true } },
      { DeviceName: '/dev/sdb', VirtualName: 'ephemeral0' },
    ],
    Tags: tagList({
      [TAGS.release]: RELEASE.releaseId,
      [TAGS.image]: RELEASE.image,
      [TAGS.version]: RELEASE.version,
      [TAGS.commit]: RELEASE.commit,
      [TAGS.repository]: RELEASE.repository,
      [TAGS.stage]: 'dev',
      [TAGS.sourceAmi]: SOURCE_AMI,
      [TAGS.state]: 'candidate',
      ...tags,
    }),
    ...changes,
  };
}

export function tagList(tags: Record<string, string>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export const batchOf = (...targets: readonly Target[]): Batch => ({
  number: 1,
  targets: targets.map((target) => ({ ...target, sourceImageId: SOURCE_AMI, timeoutMinutes: 60 })),
});

export const amiIn = (target: Target, imageId: string): Ami => ({ ...target, imageId });
