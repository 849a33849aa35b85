import { type EC2Client, type Image, paginateDescribeImages } from '@aws-sdk/client-ec2';
import { clientsFor } from '../../core/aws/clients.ts';
import type { SourceAmi, SourcedTarget } from '../../core/contract/source-amis.ts';
import { STATES, TAGS } from '../../core/contract/tags.ts';
import { targetName } from '../../core/contract/targets.ts';
import { inEveryTarget } from '../../core/aws/every-target.ts';
import { tagsOf } from '../../core/amis/release-images.ts';
import { resolveSources } from '../../core/amis/source-amis.ts';
import { whyDeprecated, whyUnusable } from '../../core/amis/usable.ts';
import type { LatestRelease } from './latest-release.ts';

/**
 * Why an image should be rebuilt, in one sentence, or undefined: in some target its bake would start from a newer AMI now
 * than the one that its latest release was baked from, by that release's own configuration. Where that cannot be
 * told any more, because an AMI is gone, it should: a rebuild too many does no harm.
 *  @throws PackleaderError as `Resolve source AMIs` does: that the source is refused now is worth an alarm
 */
export async function newerSource(
  image: string,
  latest: LatestRelease | undefined,
  now: string,
): Promise<string | undefined> {
  if (latest === undefined) return `${image} was never released`;
  const targets = releasedTargets(latest);
  if (targets.length < latest.images.length || targets.length === 0)
    return `the record of ${latest.version} does not say what it was made from`;
  const sources = await resolveSources(targets, now, image);
  const reasons = await inEveryTarget(targets, async (target) => {
    const { ec2 } = clientsFor(target);
    const released = await find(ec2, target.imageId);
    if (released === undefined) return `${target.imageId} is gone from ${targetName(target)}`;
    // What was revoked was so on purpose: a rebuild of the same commit would bring it back.
    const isRevoked = tagsOf(released).get(TAGS.state) === STATES.revoked;
    const fault = isRevoked ? undefined : (whyUnusable(released) ?? whyDeprecated(released, now));
    if (fault !== undefined) return `${target.imageId} cannot be used in ${targetName(target)}: ${fault}`;
    const usedId = tagsOf(released).get(TAGS.sourceAmi) ?? '';
    const source = sources.get(target);
    if (usedId === source?.ImageId) return '';
    const used = await find(ec2, usedId);
    const newer = used === undefined || (source?.CreationDate ?? '') > (used.CreationDate ?? '');
    return newer ? `${source?.ImageId} (${source?.Name}) is newer than ${usedId}` : '';
  });
  return reasons.find((reason) => reason !== '');
}

interface ReleasedTarget extends SourcedTarget {
  /** The AMI of the latest release. */
  readonly imageId: string;
}

/** The targets that the release has an AMI in, and whose source AMI can be found again. */
function releasedTargets({ images }: LatestRelease): ReleasedTarget[] {
  return images.flatMap(({ accountId, region, imageId, sourceAmi, architecture }) =>
    sourceAmi === undefined || architecture === undefined
      ? []
      : [{ accountId, region, imageId, sourceAmi: configured(sourceAmi), architecture }],
  );
}

/** What the configuration says, without the version that its base had in that execution. */
function configured(source: SourceAmi): SourceAmi {
  if (!('image' in source) || source.sameExecution === undefined) return source;
  const { version: _, sameExecution: __, ...rest } = source;
  return rest;
}

/** An AMI that may be gone; asked for by a filter, because an id that does not exist is an error. */
async function find(ec2: EC2Client, imageId: string): Promise<Image | undefined> {
  if (imageId === '') return undefined;
  const Filters = [{ Name: 'image-id', Values: [imageId] }];
  const pages = paginateDescribeImages(
    { client: ec2 },
    { Filters, IncludeDeprecated: true, IncludeDisabled: true },
  );
  return (await Array.fromAsync(pages)).flatMap(({ Images = [] }) => Images)[0];
}
