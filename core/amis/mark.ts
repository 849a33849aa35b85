import {
  CreateTagsCommand,
  DescribeImageAttributeCommand,
  DescribeSnapshotsCommand,
  DisableImageCommand,
  EnableImageCommand,
  type LaunchPermission,
  ModifyImageAttributeCommand,
} from '@aws-sdk/client-ec2';
import type { TargetClients } from '../aws/clients.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { permissionName } from '../contract/permissions.ts';
import { TAGS } from '../contract/tags.ts';
import { tagsOf } from './release-images.ts';
import { describeAmi } from './usable.ts';

type EC2 = Pick<TargetClients, 'ec2'>;

/** An AMI with what it is made of. */
export interface Markable {
  readonly imageId: string;
  readonly snapshotIds: readonly string[];
}

/**
 * Sets `packleader:state` of an AMI and its snapshots, where it is another one. An AMI that is gone needs none.
 *  @throws PackleaderError NotReadyYet: EC2 does not show the tags yet
 */
export async function markAmi({ ec2 }: EC2, ami: Markable, state: string): Promise<void> {
  const others = async (): Promise<string[]> =>
    [...(await marksOf({ ec2 }, ami))].flatMap(([id, mark]) => (mark === state ? [] : [id]));
  const Resources = await others();
  if (Resources.length === 0) return;
  await ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: TAGS.state, Value: state }] }));
  const still = await others();
  if (still.length > 0)
    throw new PackleaderError(ERRORS.notReadyYet, `${still.join(', ')} do not show their tags yet`);
}

/**
 * The `packleader:state` of an AMI and of its snapshots, by id; undefined where there is none, or where an answer leaves it out. An AMI
 * that is gone has none, and neither have its snapshots.
 */
export async function marksOf(
  { ec2 }: EC2,
  { imageId, snapshotIds }: Markable,
): Promise<Map<string, string | undefined>> {
  const image = await describeAmi(ec2, imageId);
  if (image === undefined) return new Map();
  // An empty list of ids would ask for every snapshot there is.
  const { Snapshots = [] } =
    snapshotIds.length === 0
      ? {}
      : await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [...snapshotIds] }));
  const seen = new Map(Snapshots.map((snapshot) => [snapshot.SnapshotId, snapshot]));
  return new Map([
    [imageId, tagsOf(image).get(TAGS.state)] as const,
    ...snapshotIds.map((id) => [id, tagsOf(seen.get(id) ?? {}).get(TAGS.state)] as const),
  ]);
}

/**
 * Lets nobody launch anything from an AMI; EC2 takes its launch permissions away for good.
 *  @throws PackleaderError NotReadyYet: EC2 still shows it as it was
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html
 */
export async function disableAmi({ ec2 }: EC2, imageId: string): Promise<void> {
  if (!(await isIn(ec2, imageId, 'available'))) return;
  await ec2.send(new DisableImageCommand({ ImageId: imageId }));
  if (await isIn(ec2, imageId, 'available')) throw notSeen(imageId, 'disabled');
}

/**
 * Lets an AMI be launched again, by those who could before.
 *  @throws PackleaderError NotReadyYet: EC2 still shows it as it was
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImage.html
 */
export async function enableAmi(
  { ec2 }: EC2,
  imageId: string,
  sharedWith: readonly LaunchPermission[],
): Promise<void> {
  if (await isIn(ec2, imageId, 'disabled')) {
    await ec2.send(new EnableImageCommand({ ImageId: imageId }));
    if (await isIn(ec2, imageId, 'disabled')) throw notSeen(imageId, 'enabled');
  }
  const missing = await missingPermissions({ ec2 }, imageId, sharedWith);
  if (missing.length > 0)
    await ec2.send(
      new ModifyImageAttributeCommand({ ImageId: imageId, LaunchPermission: { Add: [...missing] } }),
    );
}

/** Of launch permissions those that an AMI has not; an AMI that is gone misses none. */
export async function missingPermissions(
  { ec2 }: EC2,
  imageId: string,
  sharedWith: readonly LaunchPermission[],
): Promise<LaunchPermission[]> {
  if (sharedWith.length === 0 || (await describeAmi(ec2, imageId)) === undefined) return [];
  const { LaunchPermissions = [] } = await ec2.send(
    new DescribeImageAttributeCommand({ ImageId: imageId, Attribute: 'launchPermission' }),
  );
  const has = new Set(LaunchPermissions.map(permissionName));
  return sharedWith.filter((permission) => !has.has(permissionName(permission)));
}

const isIn = async (ec2: EC2['ec2'], imageId: string, state: string): Promise<boolean> =>
  (await describeAmi(ec2, imageId))?.State === state;

const notSeen = (imageId: string, what: string): PackleaderError =>
  new PackleaderError(ERRORS.notReadyYet, `${imageId} is not ${what} yet`);
