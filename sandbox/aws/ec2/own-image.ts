import type { Context } from '../context.ts';
import type { Image } from '../world.ts';
import { ec2Error } from './requests.ts';

export const noSuchImage = (imageId: string): Error =>
  ec2Error('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);

export function checkImageId(imageId: string): void {
  if (!/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(imageId)) {
    throw ec2Error('InvalidAMIID.Malformed', `Invalid id: "${imageId}" (expecting "ami-...")`);
  }
}

/** An AMI of the caller's own, as operations that change one need it. */
export function ownImage({ place, world, accountId, region }: Context, imageId = ''): Image {
  checkImageId(imageId);
  const own = place.images.get(imageId);
  if (own !== undefined) return own;
  if (place.deregistered.has(imageId)) {
    throw ec2Error('InvalidAMIID.Unavailable', `The image ID '${imageId}' is no longer available`);
  }
  const others = world.visibleImage(accountId, region, imageId);
  if (others !== undefined && others.ownerId !== accountId) {
    throw ec2Error('AuthFailure', `Not authorized for image:${imageId}`);
  }
  throw noSuchImage(imageId);
}
