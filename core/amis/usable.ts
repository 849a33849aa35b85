import { DescribeImagesCommand, type EC2Client, type Image } from '@aws-sdk/client-ec2';
import { hasCode } from '../aws/errors.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { STATES, TAGS } from '../contract/tags.ts';
import { tagsOf } from './release-images.ts';

/** EC2's ways to say that there is no AMI of an id. */
export const NO_SUCH_AMI = ['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable', 'InvalidAMIID.Malformed'];

/**
 * States that no AMI comes back from: it never came to be, or EC2 is only slow to forget it.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html
 */
const GONE: readonly string[] = ['deregistered', 'error', 'failed', 'invalid'];

/** Whether nothing can be launched from an AMI any more, whatever anybody does. */
export const isGone = ({ State }: Image): boolean => GONE.includes(State ?? '');

/** EC2 goes on showing an AMI for a while after it was deregistered. */
export const isDeregistered = ({ State }: Image): boolean => State === 'deregistered';

/** What keeps an AMI from being launched or built on, as `it is disabled`; undefined when nothing does. */
export function whyUnusable(image: Image): string | undefined {
  const tags = tagsOf(image);
  const state = tags.get(TAGS.state);
  // Why it was disabled says more than that it is.
  if (state === STATES.revoked) return `its release ${tags.get(TAGS.release) ?? ''} is revoked`;
  if (image.State === 'disabled') return 'it is disabled';
  if (image.State !== 'available') return `it is ${image.State}, not available`;
  if (state === STATES.quarantined) return `its release is ${state}`;
  return undefined;
}

/** Since when an AMI is deprecated, in words; undefined when it is not.
 *  @param at ISO 8601 */
export function whyDeprecated({ DeprecationTime }: Image, at: string): string | undefined {
  const isPast = DeprecationTime !== undefined && Date.parse(DeprecationTime) <= Date.parse(at);
  return isPast ? `it is deprecated since ${DeprecationTime}` : undefined;
}

/**
 * An AMI that may be in any state; undefined when EC2 says that there is none.
 *  @throws PackleaderError NotReadyYet where an answer leaves it out, which says nothing
 */
export async function describeAmi(ec2: EC2Client, imageId: string): Promise<Image | undefined> {
  try {
    const { Images: [image] = [] } = await ec2.send(
      new DescribeImagesCommand({ ImageIds: [imageId], IncludeDeprecated: true, IncludeDisabled: true }),
    );
    if (image === undefined)
      throw new PackleaderError(ERRORS.notReadyYet, `${imageId} is not to be seen now`);
    return image;
  } catch (error) {
    if (hasCode(error, ...NO_SUCH_AMI)) return undefined;
    throw error;
  }
}

/** Whether an AMI exists and can be launched; a deprecated one can. */
export async function isUsable(ec2: EC2Client, imageId: string): Promise<boolean> {
  const image = await describeAmi(ec2, imageId);
  return image !== undefined && whyUnusable(image) === undefined;
}
