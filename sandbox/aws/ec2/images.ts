import type {
  CopyImageCommandInput,
  CopyImageCommandOutput,
  CreateImageCommandInput,
  CreateImageCommandOutput,
  DeregisterImageCommandInput,
  DeregisterImageCommandOutput,
  DescribeImageReferencesCommandInput,
  DescribeImageReferencesCommandOutput,
  DescribeImagesCommandInput,
  DescribeImagesCommandOutput,
  DisableImageCommandInput,
  DisableImageCommandOutput,
  DisableImageDeprecationCommandInput,
  DisableImageDeprecationCommandOutput,
  EnableImageCommandInput,
  EnableImageCommandOutput,
  EnableImageDeprecationCommandInput,
  EnableImageDeprecationCommandOutput,
  EnableImageDeregistrationProtectionCommandInput,
  EnableImageDeregistrationProtectionCommandOutput,
  Image as ImageView,
  ImageReference,
  ImageReferenceOptionName,
  ImageReferenceResourceType,
} from '@aws-sdk/client-ec2';
import type { Context, Output } from '../context.ts';
import {
  addTags,
  applyFilters,
  ec2Error,
  ec2Page,
  iso,
  tagList,
  tagsFor,
  type FilterValues,
} from './requests.ts';
import { checkImageId, noSuchImage, ownImage } from './own-image.ts';
import { customerKey } from './permissions.ts';
import { removeSnapshot } from './snapshots.ts';
import { mayDestroy } from '../permissions.ts';
import { keepImage } from '../recycle-bin.ts';
import {
  compare,
  imageState,
  instanceState,
  type BlockDevice,
  type Image,
  type Region,
  type Snapshot,
  type Tags,
  type Volume,
} from '../world.ts';

const MINUTE = 60_000;

function describeImages(
  context: Context,
  input: DescribeImagesCommandInput,
): Output<DescribeImagesCommandOutput> {
  const { accountId, now } = context;
  const ids = input.ImageIds ?? [];
  if (ids.length > 0 && input.MaxResults !== undefined) {
    throw ec2Error(
      'InvalidParameterCombination',
      'The parameter imageIds cannot be used with the parameter maxResults',
    );
  }
  const candidates = ids.length > 0 ? imagesById(context, ids) : everythingLaunchable(context);
  const shown = candidates.filter(
    (image) =>
      (image.ownerId === accountId ||
        !isDeprecated(image, now) ||
        input.IncludeDeprecated === true ||
        ids.length > 0) &&
      (!image.disabled ||
        input.IncludeDisabled === true ||
        (ids.length > 0 && image.ownerId === accountId)) &&
      (input.Owners === undefined ||
        input.Owners.length === 0 ||
        input.Owners.some((owner) => isOwner(image, owner, accountId))) &&
      (input.ExecutableUsers === undefined ||
        input.ExecutableUsers.some((user) => isExecutableBy(image, user, accountId))),
  );
  const matching = applyFilters(
    shown.map((image) => (image.ownerId === accountId ? image : { ...image, tags: sharedTags(image.tags) })),
    input.Filters,
    imageFilters(accountId, now),
  );
  if (ids.length > 0) return { Images: matching.map((image) => imageView(image, accountId, now)) };
  const { items, nextToken } = ec2Page(
    matching.sort((a, b) => compare(a.imageId, b.imageId)),
    input,
  );
  return {
    Images: items.map((image) => imageView(image, accountId, now)),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function imagesById({ world, accountId, region }: Context, ids: readonly string[]): Image[] {
  for (const id of ids) checkImageId(id);
  const found = ids.map((id) => world.visibleImage(accountId, region, id));
  const missing = ids.filter((_id, index) => found[index] === undefined);
  if (missing.length > 0) {
    throw ec2Error(
      'InvalidAMIID.NotFound',
      missing.length === 1
        ? `The image id '[${missing.join()}]' does not exist`
        : `The image ids '[${missing.join(', ')}]' do not exist`,
    );
  }
  return found.filter((image) => image !== undefined);
}

function everythingLaunchable({ world, place, accountId, region }: Context): Image[] {
  const shared = [...(world.shared.get(region)?.values() ?? [])];
  return [
    ...place.images.values(),
    ...[...world.publicRegion(region).images.values()].filter((image) => image.public),
    ...shared.filter((image) => image.ownerId !== accountId && world.mayLaunch(image, accountId)),
  ];
}

const isDeprecated = (image: Image, now: number): boolean =>
  image.deprecatedAt !== undefined && image.deprecatedAt <= now;

const isOwner = (image: Image, owner: string, self: string): boolean =>
  owner === 'self' ? image.ownerId === self : image.ownerId === owner || image.ownerAlias === owner;

function isExecutableBy(image: Image, user: string, self: string): boolean {
  if (user === 'all') return image.public;
  return image.launchPermissions.users.has(user === 'self' ? self : user);
}

const imageFilters = (self: string, now: number): FilterValues<Image> => ({
  architecture: ({ architecture }) => [architecture],
  'creation-date': ({ createdAt }) => [iso(createdAt)],
  description: ({ description }) => [description],
  'image-id': ({ imageId }) => [imageId],
  'image-type': () => ['machine'],
  'is-public': (image) => [String(image.public)],
  name: ({ name }) => [name],
  'owner-alias': ({ ownerAlias }) => [ownerAlias],
  'owner-id': ({ ownerId }) => [ownerId],
  platform: ({ platform }) => [platform],
  'root-device-name': (image) => [rootDeviceOf(image)],
  'root-device-type': () => ['ebs'],
  'source-instance-id': (image) => [image.ownerId === self ? image.sourceInstanceId : undefined],
  'source-image-id': ({ sourceImageId }) => [sourceImageId],
  state: (image) => [imageState(image, now)],
  'virtualization-type': () => ['hvm'],
  'block-device-mapping.snapshot-id': ({ blockDevices }) => blockDevices.map(({ snapshotId }) => snapshotId),
  'block-device-mapping.encrypted': ({ blockDevices }) =>
    blockDevices.map(({ encrypted }) => String(encrypted)),
});

/** Of the tags of an AMI only these are seen by whom it is shared with.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html */
const sharedTags = (tags: Tags): Tags =>
  new Map([...tags].filter(([key]) => key.startsWith('ec2:SharedTag/')));

const rootDeviceOf = (image: Image): string => image.blockDevices[0]?.deviceName ?? '/dev/xvda';

function imageView(image: Image, self: string, now: number): ImageView {
  const windows = image.platform === 'windows';
  return {
    ImageId: image.imageId,
    ImageLocation: `${image.ownerAlias ?? image.ownerId}/${image.name}`,
    ImageType: 'machine',
    Name: image.name,
    Description: image.description,
    OwnerId: image.ownerId,
    ...(image.ownerAlias === undefined ? {} : { ImageOwnerAlias: image.ownerAlias }),
    Architecture: image.architecture,
    ...(windows ? { Platform: 'Windows' as const } : {}),
    PlatformDetails: windows ? 'Windows' : 'Linux/UNIX',
    UsageOperation: windows ? 'RunInstances:0002' : 'RunInstances',
    CreationDate: iso(image.createdAt),
    ...(image.deprecatedAt === undefined ? {} : { DeprecationTime: iso(image.deprecatedAt) }),
    State: imageState(image, now),
    Public: image.public,
    Hypervisor: 'xen',
    VirtualizationType: 'hvm',
    EnaSupport: true,
    SriovNetSupport: 'simple',
    RootDeviceType: 'ebs',
    RootDeviceName: rootDeviceOf(image),
    ...(image.imdsSupport === undefined ? {} : { ImdsSupport: image.imdsSupport }),
    DeregistrationProtection: image.deregistrationProtected ? 'enabled-without-cooldown' : 'disabled',
    BlockDeviceMappings: image.blockDevices.map((device) => ({
      DeviceName: device.deviceName,
      Ebs: {
        SnapshotId: device.snapshotId,
        VolumeSize: device.volumeSizeGiB,
        VolumeType: device.volumeType,
        Encrypted: device.encrypted,
        DeleteOnTermination: true,
      },
    })),
    Tags: tagList(image.ownerId === self ? image.tags : sharedTags(image.tags)),
    ...(image.ownerId === self && image.sourceInstanceId !== undefined
      ? { SourceInstanceId: image.sourceInstanceId }
      : {}),
    ...(image.sourceImageId === undefined ? {} : { SourceImageId: image.sourceImageId }),
    ...(image.sourceImageRegion === undefined ? {} : { SourceImageRegion: image.sourceImageRegion }),
    ...(image.failedBecause === undefined
      ? {}
      : { StateReason: { Code: 'Client.InternalError', Message: image.failedBecause } }),
    ...(image.productCode === undefined
      ? {}
      : { ProductCodes: [{ ProductCodeId: image.productCode, ProductCodeType: 'marketplace' as const }] }),
  };
}

/** An AMI takes a virtual minute to become available, and 20 seconds more for every 8 GiB. */
const availableAfterMs = (sizeGiB: number): number => MINUTE + (sizeGiB / 8) * 20_000;

function createImage(context: Context, input: CreateImageCommandInput): Output<CreateImageCommandOutput> {
  const { place, world, now } = context;
  const instance = place.instances.get(input.InstanceId ?? '');
  if (instance === undefined) {
    throw ec2Error(
      'InvalidInstanceID.NotFound',
      `The instance ID '${input.InstanceId ?? ''}' does not exist`,
    );
  }
  if (instance.asked === 'terminate') {
    throw ec2Error(
      'IncorrectState',
      `Instance '${instance.instanceId}' is not in state 'running' or 'stopped'.`,
    );
  }
  const name = input.Name ?? '';
  checkName(place, name);
  const imageTags = tagsFor(input.TagSpecifications, 'image');
  const snapshotTags = tagsFor(input.TagSpecifications, 'snapshot');
  const imageId = world.id(place, 'ami');
  const volumes = instance.volumeIds
    .map((volumeId) => place.volumes.get(volumeId))
    .filter((volume) => volume !== undefined);
  const ready = now + availableAfterMs(volumes.reduce((sum, volume) => sum + volume.sizeGiB, 0));
  const blockDevices = volumes.map((volume) =>
    snapshotOfVolume(
      context,
      volume,
      ready,
      `Created by CreateImage(${instance.instanceId}) for ${imageId}`,
      snapshotTags,
    ),
  );
  const source = world.visibleImage(context.accountId, context.region, instance.imageId);
  place.images.set(imageId, {
    imageId,
    ownerId: place.accountId,
    name,
    description: input.Description ?? '',
    architecture: instance.architecture,
    ...(instance.platform === undefined ? {} : { platform: instance.platform }),
    ...(source?.imdsSupport === undefined ? {} : { imdsSupport: source.imdsSupport }),
    createdAt: now,
    availableAt: ready,
    disabled: false,
    deregistrationProtected: false,
    public: false,
    launchPermissions: { users: new Set(), organizations: new Set(), units: new Set() },
    tags: imageTags,
    blockDevices,
    sourceInstanceId: instance.instanceId,
    sourceImageId: instance.imageId,
    ...(source?.productCode === undefined ? {} : { productCode: source.productCode }),
  });
  return { ImageId: imageId };
}

function checkName(place: Region, name: string): void {
  if (!/^[A-Za-z0-9()[\] ./\-'@_]{3,128}$/.test(name)) {
    throw ec2Error(
      'InvalidAMIName.Malformed',
      `AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'`,
    );
  }
  for (const image of place.images.values()) {
    if (image.name === name) {
      throw ec2Error(
        'InvalidAMIName.Duplicate',
        `AMI name ${name} is already in use by AMI ${image.imageId}`,
      );
    }
  }
}

function snapshotOfVolume(
  { place, world, now }: Context,
  volume: Pick<Volume, 'volumeId' | 'sizeGiB' | 'volumeType' | 'encrypted' | 'kmsKeyId' | 'deviceName'>,
  ready: number,
  description: string,
  tags: ReadonlyMap<string, string>,
): BlockDevice {
  const snapshotId = world.id(place, 'snap');
  const snapshot: Snapshot = {
    snapshotId,
    ownerId: place.accountId,
    volumeId: volume.volumeId,
    volumeSizeGiB: volume.sizeGiB,
    encrypted: volume.encrypted,
    ...(volume.kmsKeyId !== undefined && { kmsKeyId: volume.kmsKeyId }),
    startedAt: now,
    completedAt: ready,
    description,
    volumePermissions: new Set(),
    tags: new Map(tags),
  };
  place.snapshots.set(snapshotId, snapshot);
  return {
    deviceName: volume.deviceName,
    snapshotId,
    volumeSizeGiB: volume.sizeGiB,
    volumeType: volume.volumeType,
    encrypted: volume.encrypted,
  };
}

function copyImage(context: Context, input: CopyImageCommandInput): Output<CopyImageCommandOutput> {
  const { place, world, now, accountId } = context;
  const sourceId = input.SourceImageId ?? '';
  checkImageId(sourceId);
  if ((input.ClientToken ?? '').length > LONGEST_TOKEN)
    throw ec2Error(
      'InvalidParameterValue',
      `The client token has ${String(input.ClientToken?.length)} characters, and may have ${String(LONGEST_TOKEN)}.`,
    );
  const asked = JSON.stringify(input);
  const earlier = place.copies.get(input.ClientToken ?? '');
  if (earlier) {
    if (earlier.asked === asked) return { ImageId: earlier.imageId };
    throw ec2Error(
      'IdempotentParameterMismatch',
      'The client token was used before, and the parameters are others.',
    );
  }
  const from = input.SourceRegion ?? context.region;
  const source = world.visibleImage(accountId, from, sourceId);
  if (source === undefined) throw noSuchImage(sourceId);
  if (imageState(source, now) !== 'available')
    throw ec2Error('InvalidAMIID.Unavailable', `The image ID '${sourceId}' is not available`);
  if (source.productCode !== undefined && source.ownerId !== accountId)
    throw ec2Error('InvalidRequest', 'Images from AWS Marketplace cannot be copied to another AWS account.');
  if (input.KmsKeyId !== undefined && input.Encrypted !== true)
    throw ec2Error(
      'InvalidParameterDependency',
      'The parameter KmsKeyId requires the parameter Encrypted to be set.',
    );
  if (
    source.blockDevices.some(({ snapshotId }) => !world.mayReadSnapshot(source, snapshotId, from, accountId))
  )
    throw ec2Error('InvalidRequest', 'You do not have permission to access the storage of this ami');
  checkName(place, input.Name ?? '');
  const tags = tagsFor(input.TagSpecifications, 'image');
  if (input.CopyImageTags === true && source.ownerId === accountId) {
    addTags(
      tags,
      tagList(source.tags).filter(({ Key }) => !tags.has(Key ?? '')),
    );
  }
  const snapshotTags = tagsFor(input.TagSpecifications, 'snapshot');
  const inFlight = [...place.snapshots.values()].filter(
    ({ description, completedAt }) => description.startsWith(COPIED) && now < completedAt,
  );
  if (inFlight.length > 0 && inFlight.length + source.blockDevices.length > SNAPSHOTS_IN_FLIGHT)
    throw ec2Error(
      'ResourceLimitExceeded',
      `Too many snapshot copies in progress. The limit is ${String(SNAPSHOTS_IN_FLIGHT)} for this destination region.`,
    );
  const imageId = world.id(place, 'ami');
  const ready =
    now +
    2 * availableAfterMs(source.blockDevices.reduce((sum, { volumeSizeGiB }) => sum + volumeSizeGiB, 0));
  const {
    ownerAlias: _ownerAlias,
    deprecatedAt: _deprecatedAt,
    sourceInstanceId: _sourceInstanceId,
    ...copied
  } = source;
  place.images.set(imageId, {
    ...copied,
    imageId,
    ownerId: accountId,
    name: input.Name ?? '',
    description: input.Description ?? '',
    createdAt: now,
    availableAt: ready,
    disabled: false,
    deregistrationProtected: false,
    public: false,
    launchPermissions: { users: new Set(), organizations: new Set(), units: new Set() },
    tags,
    blockDevices: source.blockDevices.map((device) =>
      snapshotOfVolume(
        context,
        {
          volumeId: 'vol-ffffffff',
          sizeGiB: device.volumeSizeGiB,
          volumeType: device.volumeType,
          ...copiedEncryption(context, source, device, input),
          deviceName: device.deviceName,
        },
        ready,
        `${COPIED} ${imageId} from SourceAmi ${sourceId}`,
        snapshotTags,
      ),
    ),
    sourceImageId: sourceId,
    sourceImageRegion: from,
    ...(isUnderClosedKey(context, source, from) && {
      failed: true,
      failedBecause: `Copy ${sourceId}->${imageId} failed with error: Given key ID is not accessible`,
    }),
  });
  if (input.ClientToken !== undefined) place.copies.set(input.ClientToken, { asked, imageId });
  return { ImageId: imageId };
}

/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Run_Instance_Idempotency.html */
const LONGEST_TOKEN = 64;

/** What every snapshot of a copy says first of itself. */
const COPIED = 'Copied for DestinationAmi';

/** How many snapshots are copied into a region of an account at the same time, unless AWS raises it.
 *  @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html */
const SNAPSHOTS_IN_FLIGHT = 20;

/** EC2 says so only after it has made the AMI. */
const isUnderClosedKey = (
  { world, accountId }: Context,
  { ownerId, blockDevices }: Image,
  from: string,
): boolean =>
  ownerId !== accountId &&
  blockDevices.some(({ snapshotId }) =>
    world.closedKeys.has(world.regions.get(`${ownerId}/${from}`)?.snapshots.get(snapshotId)?.kmsKeyId ?? ''),
  );

/** What says no key lands under AWS's own, but for a copy of one's own snapshot in its region, which keeps its key. */
function copiedEncryption(
  { place, accountId, region }: Context,
  { ownerId }: Image,
  { snapshotId, encrypted }: BlockDevice,
  { Encrypted = encrypted, KmsKeyId, SourceRegion = region }: CopyImageCommandInput,
): Pick<Volume, 'encrypted' | 'kmsKeyId'> {
  if (encrypted && !Encrypted)
    throw ec2Error(
      'InvalidRequest',
      `Snapshot ${snapshotId} is encrypted. Creating an unencrypted copy from an encrypted snapshot is not supported.`,
    );
  const own =
    ownerId === accountId && SourceRegion === region ? place.snapshots.get(snapshotId)?.kmsKeyId : undefined;
  const kmsKeyId = KmsKeyId === undefined ? own : customerKey(place, KmsKeyId);
  return { encrypted: Encrypted, ...(Encrypted && kmsKeyId !== undefined && { kmsKeyId }) };
}

function deregisterImage(
  context: Context,
  input: DeregisterImageCommandInput,
): Output<DeregisterImageCommandOutput> {
  const { place, world, now } = context;
  const image = ownImage(context, input.ImageId);
  if (image.deregistrationProtected) {
    throw ec2Error(
      'OperationNotPermitted',
      `The image '${image.imageId}' may not be deregistered. Disable deregistration protection and try again.`,
    );
  }
  keepImage(place, image, now);
  place.images.delete(image.imageId);
  place.deregistered.add(image.imageId);
  world.shared.get(place.region)?.delete(image.imageId);
  if (input.DeleteAssociatedSnapshots !== true) return { Return: true };
  return {
    Return: true,
    DeleteSnapshotResults: image.blockDevices.map(({ snapshotId }) => ({
      SnapshotId: snapshotId,
      ReturnCode: deleteAssociated(context, snapshotId),
    })),
  };
}

function deleteAssociated(
  context: Context,
  snapshotId: string,
): 'success' | 'skipped' | 'missing-permissions' | 'client-error' {
  const snapshot = context.place.snapshots.get(snapshotId);
  if (snapshot === undefined) return 'client-error';
  if (!mayDestroy(context, snapshot.tags)) return 'missing-permissions';
  return removeSnapshot(context.place, snapshotId, context.now) === undefined ? 'success' : 'skipped';
}

function disableImage(context: Context, input: DisableImageCommandInput): Output<DisableImageCommandOutput> {
  const image = ownImage(context, input.ImageId);
  const { users, organizations, units } = image.launchPermissions;
  for (const permissions of [users, organizations, units]) permissions.clear();
  image.public = false;
  image.disabled = true;
  context.world.shared.get(context.region)?.delete(image.imageId);
  return { Return: true };
}

function enableImage(context: Context, input: EnableImageCommandInput): Output<EnableImageCommandOutput> {
  ownImage(context, input.ImageId).disabled = false;
  return { Return: true };
}

function enableImageDeprecation(
  context: Context,
  input: EnableImageDeprecationCommandInput,
): Output<EnableImageDeprecationCommandOutput> {
  const image = ownImage(context, input.ImageId);
  // EC2 rounds to the minute.
  const at = Math.floor((input.DeprecateAt?.getTime() ?? Number.NaN) / MINUTE) * MINUTE;
  if (!(at > context.now) || at > context.now + 10 * 366 * 24 * 60 * MINUTE) {
    throw ec2Error(
      'InvalidParameterValue',
      `Value ( ${String(input.DeprecateAt?.toISOString())} ) for parameter DeprecateAt is invalid. It must be in the future, and at most 10 years ahead.`,
    );
  }
  image.deprecatedAt = Math.round(at / MINUTE) * MINUTE;
  return { Return: true };
}

function disableImageDeprecation(
  context: Context,
  input: DisableImageDeprecationCommandInput,
): Output<DisableImageDeprecationCommandOutput> {
  delete ownImage(context, input.ImageId).deprecatedAt;
  return { Return: true };
}

function enableImageDeregistrationProtection(
  context: Context,
  input: EnableImageDeregistrationProtectionCommandInput,
): Output<EnableImageDeregistrationProtectionCommandOutput> {
  ownImage(context, input.ImageId).deregistrationProtected = true;
  return { Return: 'true' };
}

function disableImageDeregistrationProtection(
  context: Context,
  input: EnableImageDeregistrationProtectionCommandInput,
): Output<EnableImageDeregistrationProtectionCommandOutput> {
  ownImage(context, input.ImageId).deregistrationProtected = false;
  return { Return: 'true' };
}

/** The newest versions of a launch template that are looked at when the caller does not say how many. */
const DEFAULT_VERSION_DEPTH = 10;

function describeImageReferences(
  context: Context,
  input: DescribeImageReferencesCommandInput,
): Output<DescribeImageReferencesCommandOutput> {
  const ids = input.ImageIds ?? [];
  if (ids.length === 0 || ids.length > 10) {
    throw ec2Error(
      'InvalidParameterValue',
      `Between 1 and 10 image ids are expected, ${String(ids.length)} were given`,
    );
  }
  if (input.IncludeAllResourceTypes !== true && (input.ResourceTypes ?? []).length === 0) {
    throw ec2Error('MissingParameter', 'Either IncludeAllResourceTypes or ResourceTypes must be specified');
  }
  for (const id of ids) checkImageId(id);
  const references = ids.flatMap((id) => referencesTo(context, id, input));
  const { items, nextToken } = ec2Page(references, input);
  return { ImageReferences: items, ...(nextToken === undefined ? {} : { NextToken: nextToken }) };
}

function referencesTo(
  { place, now }: Context,
  imageId: string,
  { IncludeAllResourceTypes: all, ResourceTypes: types = [] }: DescribeImageReferencesCommandInput,
): ImageReference[] {
  const wanted = (type: ImageReferenceResourceType): boolean =>
    all === true || types.some(({ ResourceType }) => ResourceType === type);
  const option = (type: ImageReferenceResourceType, name: ImageReferenceOptionName): string[] | undefined =>
    types
      .find(({ ResourceType }) => ResourceType === type)
      ?.ResourceTypeOptions?.find(({ OptionName }) => OptionName === name)?.OptionValues;
  const reference = (ResourceType: ImageReferenceResourceType, Arn: string): ImageReference => ({
    ImageId: imageId,
    ResourceType,
    Arn,
  });
  const states = option('ec2:Instance', 'state-name');
  const depth = Number(option('ec2:LaunchTemplate', 'version-depth')?.at(0) ?? DEFAULT_VERSION_DEPTH);
  const arn = (service: string, resource: string): string =>
    `arn:aws:${service}:${place.region}:${place.accountId}:${resource}`;
  const instances = [...place.instances.values()]
    .filter((instance) => instance.imageId === imageId)
    .filter((instance) => states === undefined || states.includes(instanceState(instance, now)))
    .map(({ instanceId }) => reference('ec2:Instance', arn('ec2', `instance/${instanceId}`)));
  const templates = [...place.launchTemplates.values()]
    .filter(({ versions }) => versions.slice(-depth).some((version) => version.imageId === imageId))
    .map(({ launchTemplateId: id }) => reference('ec2:LaunchTemplate', arn('ec2', `launch-template/${id}`)));
  const parameters = [...place.parameters.values()]
    .filter(({ dataType, versions }) => dataType === 'aws:ec2:image' && versions.at(-1)?.value === imageId)
    .map(({ name }) => reference('ssm:Parameter', arn('ssm', `parameter${name}`)));
  return [
    ...(wanted('ec2:Instance') ? instances : []),
    ...(wanted('ec2:LaunchTemplate') ? templates : []),
    ...(wanted('ssm:Parameter') ? parameters : []),
  ];
}

export const imageOperations = {
  CopyImage: copyImage,
  CreateImage: createImage,
  DeregisterImage: deregisterImage,
  DescribeImageReferences: describeImageReferences,
  DescribeImages: describeImages,
  DisableImage: disableImage,
  DisableImageDeprecation: disableImageDeprecation,
  DisableImageDeregistrationProtection: disableImageDeregistrationProtection,
  EnableImage: enableImage,
  EnableImageDeprecation: enableImageDeprecation,
  EnableImageDeregistrationProtection: enableImageDeregistrationProtection,
};
