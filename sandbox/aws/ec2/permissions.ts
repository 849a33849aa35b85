/** Who may launch AMIs and make volumes of snapshots, and with which keys that cannot be given to anybody. */
import { createHash } from 'node:crypto';
import type {
  CreateVolumePermission,
  DescribeImageAttributeCommandInput,
  DescribeImageAttributeCommandOutput,
  DescribeSnapshotAttributeCommandInput,
  DescribeSnapshotAttributeCommandOutput,
  LaunchPermission,
  ModifyImageAttributeCommandInput,
  ModifySnapshotAttributeCommandInput,
} from '@aws-sdk/client-ec2';
import type { Context, Done, Output } from '../context.ts';
import {
  type Image,
  imageState,
  launchPermissionsOf,
  type Region,
  type Snapshot,
  type World,
} from '../world.ts';
import { ownImage } from './own-image.ts';
import { ec2Error } from './requests.ts';

/** AWS's own key of an account for EBS. */
export const EBS_KEY = 'alias/aws/ebs';

/** How many accounts, organisations and organisational units one AMI can be shared with, unless AWS raises it.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-quotas.html */
const ENTITIES = 1_000;

/** How many accounts one call adds to a snapshot, or takes from it.
 *  @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html */
const MODIFICATIONS = 500;

/** The ARN of a key, as EC2 shows it whatever it was asked for by: an id, an alias, or an ARN of either. */
export function keyArn({ accountId, region }: Pick<Region, 'accountId' | 'region'>, keyId: string): string {
  const of = `arn:aws:kms:${region}:${accountId}:`;
  const name = keyId.startsWith('arn:') ? keyId.split(':').slice(5).join(':') : keyId;
  if (name.startsWith('alias/')) {
    const hex = createHash('sha256').update(`${of}${name}`).digest('hex');
    const id = [0, 8, 12, 16, 20].map((from, index) => hex.slice(from, [8, 12, 16, 20, 32][index])).join('-');
    return `${of}key/${id}`;
  }
  return keyId.startsWith('arn:') ? keyId : `${of}key/${name.replace(/^key\//, '')}`;
}

/** The same, of a key that things are encrypted with; undefined for AWS's own. */
export function customerKey(place: Pick<Region, 'accountId' | 'region'>, keyId: string): string | undefined {
  const arn = keyArn(place, keyId);
  return arn === keyArn(place, EBS_KEY) ? undefined : arn;
}

const isUnderEbsKey = ({ encrypted, kmsKeyId }: Snapshot): boolean => encrypted && kmsKeyId === undefined;

const invalidItem = (value: string, type: string): Error =>
  ec2Error('InvalidAMIAttributeItemValue', `Invalid attribute item value "${value}" for ${type} item type.`);

function checkAccount({ closedAccounts }: World, accountId: string): void {
  if (!/^\d{12}$/.test(accountId) || closedAccounts.has(accountId)) throw invalidItem(accountId, 'userId');
}

/** They name the management account; the id alone is an error.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html */
const ORGANIZATION = /^arn:aws[a-z-]*:organizations::\d{12}:organization\/o-[a-z0-9]{10,32}$/;
const UNIT = /^arn:aws[a-z-]*:organizations::\d{12}:ou\/o-[a-z0-9]{10,32}\/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$/;

function checkPermission(world: World, permission: LaunchPermission): void {
  const { UserId, OrganizationArn, OrganizationalUnitArn, Group } = permission;
  if (UserId !== undefined) checkAccount(world, UserId);
  if (OrganizationArn !== undefined && !ORGANIZATION.test(OrganizationArn))
    throw invalidItem(OrganizationArn, 'organizationArn');
  if (OrganizationalUnitArn !== undefined && !UNIT.test(OrganizationalUnitArn))
    throw invalidItem(OrganizationalUnitArn, 'organizationalUnitArn');
  if (Group !== undefined && (Group as string) !== 'all') throw invalidItem(Group, 'group');
  const named = [UserId, OrganizationArn, OrganizationalUnitArn, Group].filter((one) => one !== undefined);
  if (named.length !== 1)
    throw ec2Error('InvalidParameterCombination', 'A launch permission names exactly one of whom it is for.');
}

/** One attribute a call: whoever asks for two gets neither. */
function modifyImageAttribute(context: Context, input: ModifyImageAttributeCommandInput): Done {
  const { world } = context;
  const image = ownImage(context, input.ImageId);
  const add = input.LaunchPermission?.Add ?? (input.OperationType === 'add' ? listed(input) : []);
  const remove = input.LaunchPermission?.Remove ?? (input.OperationType === 'remove' ? listed(input) : []);
  const attributes = [
    input.Description?.Value ?? (input.Attribute === 'description' ? input.Value : undefined),
    input.ImdsSupport?.Value ?? (input.Attribute === 'imdsSupport' ? input.Value : undefined),
    add.length + remove.length > 0 ? 'launchPermission' : undefined,
  ];
  if (attributes.filter((one) => one !== undefined).length !== 1)
    throw ec2Error('InvalidParameterCombination', 'Exactly one attribute must be specified.');
  const [description, imds] = attributes;
  if (description !== undefined) image.description = description;
  if (imds !== undefined) {
    if (imds !== 'v2.0') throw ec2Error('InvalidParameterValue', `imdsSupport cannot be ${imds}`);
    image.imdsSupport = imds;
  }
  if (description !== undefined || imds !== undefined) return {};
  if (add.length > 0 && remove.length > 0)
    throw ec2Error('InvalidParameterCombination', 'Either add or remove launch permissions.');
  for (const permission of [...add, ...remove]) checkPermission(world, permission);
  if (add.length > 0) checkShareable(context, image);
  const { users, organizations, units } = image.launchPermissions;
  const next = { users: new Set(users), organizations: new Set(organizations), units: new Set(units) };
  const method = add.length > 0 ? 'add' : 'delete';
  for (const permission of [...add, ...remove]) {
    if (permission.UserId !== undefined) next.users[method](permission.UserId);
    if (permission.OrganizationArn !== undefined) next.organizations[method](permission.OrganizationArn);
    if (permission.OrganizationalUnitArn !== undefined) next.units[method](permission.OrganizationalUnitArn);
  }
  if (next.users.size + next.organizations.size + next.units.size > ENTITIES)
    throw ec2Error(
      'ResourceLimitExceeded',
      `The AMI ${image.imageId} cannot be shared with more than ${String(ENTITIES)} entities.`,
    );
  if ([...add, ...remove].some(({ Group }) => Group === 'all')) image.public = method === 'add';
  replace(users, next.users);
  replace(organizations, next.organizations);
  replace(units, next.units);
  const offered = world.shared.get(context.region) ?? new Map<string, Image>();
  world.shared.set(context.region, offered);
  if (image.public || launchPermissionsOf(image).length > 0) offered.set(image.imageId, image);
  else offered.delete(image.imageId);
  return {};
}

function replace(all: Set<string>, by: ReadonlySet<string>): void {
  all.clear();
  for (const one of by) all.add(one);
}

function checkShareable({ place, now }: Context, image: Image): void {
  const state = imageState(image, now);
  if (state !== 'available')
    throw ec2Error('InvalidAMIID.Unavailable', `The image ID '${image.imageId}' is ${state}`);
  const snapshots = image.blockDevices.map(({ snapshotId }) => place.snapshots.get(snapshotId));
  if (snapshots.some((snapshot) => snapshot !== undefined && isUnderEbsKey(snapshot)))
    throw ec2Error(
      'InvalidParameter',
      "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.",
    );
}

const listed = (input: ModifyImageAttributeCommandInput): LaunchPermission[] => [
  ...(input.UserIds ?? []).map((UserId) => ({ UserId })),
  ...(input.OrganizationArns ?? []).map((OrganizationArn) => ({ OrganizationArn })),
  ...(input.OrganizationalUnitArns ?? []).map((OrganizationalUnitArn) => ({ OrganizationalUnitArn })),
  ...(input.UserGroups ?? []).map(() => ({ Group: 'all' as const })),
];

function describeImageAttribute(
  context: Context,
  input: DescribeImageAttributeCommandInput,
): Output<DescribeImageAttributeCommandOutput> {
  const image = ownImage(context, input.ImageId);
  const { users, organizations, units } = image.launchPermissions;
  switch (input.Attribute) {
    case 'launchPermission':
      return {
        ImageId: image.imageId,
        LaunchPermissions: [
          ...(image.public ? [{ Group: 'all' as const }] : []),
          ...[...users].map((UserId) => ({ UserId })),
          ...[...organizations].map((OrganizationArn) => ({ OrganizationArn })),
          ...[...units].map((OrganizationalUnitArn) => ({ OrganizationalUnitArn })),
        ],
      };
    case 'description':
      return { ImageId: image.imageId, Description: { Value: image.description } };
    default:
      throw ec2Error(
        'InvalidParameterValue',
        `The sandbox does not know the attribute ${String(input.Attribute)}`,
      );
  }
}

/** A snapshot of the caller's own; of one that others have shared with it, only the owner says who else may use it. */
function ownSnapshot({ place, world, accountId, region }: Context, id = ''): Snapshot {
  const own = place.snapshots.get(id);
  if (own !== undefined) return own;
  const others = [...world.regions.values()].filter((one) => one.region === region);
  const found = others.map(({ snapshots }) => snapshots.get(id)).find((one) => one !== undefined);
  if (found?.volumePermissions.has(accountId) === true)
    throw ec2Error('AuthFailure', `Not authorized for snapshot:${id}`);
  throw ec2Error('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
}

/** Accounts only: no organisation can be let make volumes. */
function modifySnapshotAttribute(context: Context, input: ModifySnapshotAttributeCommandInput): Done {
  const snapshot = ownSnapshot(context, input.SnapshotId);
  const { UserIds = [], GroupNames = [], OperationType: operation, CreateVolumePermission: asked } = input;
  const flat: CreateVolumePermission[] = [
    ...UserIds.map((UserId) => ({ UserId })),
    ...GroupNames.map(() => ({ Group: 'all' as const })),
  ];
  const add = asked?.Add ?? (operation === 'add' ? flat : []);
  const remove = asked?.Remove ?? (operation === 'remove' ? flat : []);
  if (add.length > 0 === remove.length > 0)
    throw ec2Error('InvalidParameterCombination', 'Either add or remove permissions of a snapshot.');
  if (add.length + remove.length > MODIFICATIONS)
    throw ec2Error(
      'InvalidParameterValue',
      `At most ${String(MODIFICATIONS)} permissions of a snapshot can be changed in one call`,
    );
  for (const { UserId, Group } of [...add, ...remove]) {
    if ((UserId === undefined) === (Group === undefined))
      throw ec2Error('InvalidParameterCombination', 'A permission names either an account or a group.');
    if (UserId !== undefined) checkAccount(context.world, UserId);
  }
  if (add.length > 0 && isUnderEbsKey(snapshot))
    throw ec2Error('OperationNotPermitted', 'Encrypted snapshots with EBS default key cannot be shared');
  if (add.some(({ Group }) => Group !== undefined) && snapshot.encrypted)
    throw ec2Error('OperationNotPermitted', 'Encrypted snapshots cannot be made public');
  for (const { UserId, Group } of add) snapshot.volumePermissions.add(UserId ?? Group ?? '');
  for (const { UserId, Group } of remove) snapshot.volumePermissions.delete(UserId ?? Group ?? '');
  return {};
}

function describeSnapshotAttribute(
  context: Context,
  input: DescribeSnapshotAttributeCommandInput,
): Output<DescribeSnapshotAttributeCommandOutput> {
  const { snapshotId, volumePermissions } = ownSnapshot(context, input.SnapshotId);
  if (input.Attribute !== 'createVolumePermission')
    throw ec2Error(
      'InvalidParameterValue',
      `The sandbox does not know the attribute ${String(input.Attribute)}`,
    );
  return {
    SnapshotId: snapshotId,
    CreateVolumePermissions: [...volumePermissions].map((one) =>
      one === 'all' ? { Group: 'all' as const } : { UserId: one },
    ),
  };
}

export const permissionOperations = {
  DescribeImageAttribute: describeImageAttribute,
  DescribeSnapshotAttribute: describeSnapshotAttribute,
  ModifyImageAttribute: modifyImageAttribute,
  ModifySnapshotAttribute: modifySnapshotAttribute,
};
