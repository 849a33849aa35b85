import type {
  CreateFleetCommandInput,
  CreateFleetCommandOutput,
  DescribeInstanceStatusCommandInput,
  DescribeInstanceStatusCommandOutput,
  DescribeInstancesCommandInput,
  DescribeInstancesCommandOutput,
  ModifyInstanceAttributeCommandInput,
  Instance as InstanceView,
  InstanceStateChange,
  RunInstancesCommandInput,
  RunInstancesCommandOutput,
  StopInstancesCommandInput,
  StopInstancesCommandOutput,
  TerminateInstancesCommandInput,
  TerminateInstancesCommandOutput,
} from '@aws-sdk/client-ec2';
import type { Clock } from '../clock.ts';
import type { Context, Done, Output } from '../context.ts';
import { customerKey } from './permissions.ts';
import { find } from './templates.ts';
import { applyFilters, byIds, ec2Error, ec2Page, iso, tagList, tagsFor } from './requests.ts';
import {
  compare,
  imageState,
  INSTANCE_TERMINATES_MS,
  instanceState,
  type BlockDevice,
  type Image,
  type Instance,
  type Region,
  type Volume,
} from '../world.ts';

/** Instances stay visible for about an hour after they were terminated. */
const GONE_AFTER_MS = 3_600_000;
const STATE_CODES = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html */
const INTERRUPTION = {
  Code: 'Server.SpotInstanceTermination',
  Message: 'Server.SpotInstanceTermination: Instance terminated due to Spot interruption',
} as const;

const noSuchInstance = (id: string): Error =>
  ec2Error('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);

function runInstances(context: Context, input: RunInstancesCommandInput): Output<RunInstancesCommandOutput> {
  const { world, place, accountId, region, now } = context;
  const imageId = input.ImageId ?? '';
  const before = askedBefore(context, input.ClientToken);
  if (before) return before;
  const image = world.visibleImage(accountId, region, imageId);
  if (image === undefined) {
    throw ec2Error('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
  }
  const state = imageState(image, now);
  if (state !== 'available') {
    throw ec2Error('InvalidAMIID.Unavailable', `The image ID '${imageId}' is not available: it is ${state}`);
  }
  const { productCode } = image;
  if (productCode !== undefined && !world.subscriptions.has(`${accountId}/${productCode}`)) {
    throw ec2Error(
      'OptInRequired',
      `In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=${productCode}`,
    );
  }
  if (input.KeyName !== undefined && !place.keyPairs.has(input.KeyName)) {
    throw ec2Error('InvalidKeyPair.NotFound', `The key pair '${input.KeyName}' does not exist`);
  }
  for (const groupId of input.SecurityGroupIds ?? []) {
    if (!place.securityGroups.has(groupId)) {
      throw ec2Error('InvalidGroup.NotFound', `The security group '${groupId}' does not exist`);
    }
  }
  const instanceType = input.InstanceType ?? 'm1.small';
  checkArchitecture(instanceType, image);
  const tags = tagsFor(input.TagSpecifications, 'instance');
  const instanceId = world.id(place, 'i');
  const instance: Instance = {
    instanceId,
    imageId,
    instanceType,
    architecture: image.architecture,
    ...(image.platform === undefined ? {} : { platform: image.platform }),
    ...(input.KeyName === undefined ? {} : { keyName: input.KeyName }),
    ...(input.IamInstanceProfile?.Name === undefined ? {} : { profile: input.IamInstanceProfile.Name }),
    ...(input.ClientToken === undefined ? {} : { clientToken: input.ClientToken }),
    securityGroupIds: [...(input.SecurityGroupIds ?? [])],
    volumeIds: attachVolumes(context, instanceId, image.blockDevices, input),
    launchedAt: now,
    asked: 'run',
    askedAt: now,
    httpTokens: input.MetadataOptions?.HttpTokens ?? 'optional',
    ...(input.InstanceInitiatedShutdownBehavior && {
      shutdownBehavior: input.InstanceInitiatedShutdownBehavior,
    }),
    tags,
  };
  place.instances.set(instanceId, instance);
  const networkInterfaceId = world.id(place, 'eni');
  place.networkInterfaces.set(networkInterfaceId, {
    networkInterfaceId,
    securityGroupIds: instance.securityGroupIds,
    attachedTo: instanceId,
    tags: tagsFor(input.TagSpecifications, 'network-interface'),
  });
  return {
    ReservationId: world.id(place, 'r'),
    OwnerId: accountId,
    Instances: [instanceView(place, instance, now)],
  };
}

/** What the same token launched before; EC2 forgets it when the instance is gone, and then says so. */
function askedBefore(
  { place, accountId, now }: Context,
  token: string | undefined,
): Output<RunInstancesCommandOutput> | undefined {
  const instance = [...place.instances.values()].find(({ clientToken }) => clientToken === token);
  if (token === undefined || instance === undefined) return undefined;
  if (instance.asked === 'terminate')
    throw ec2Error(
      'IdempotentInstanceTerminated',
      `The instance ${instance.instanceId}, launched by the client token ${token}, was terminated.`,
    );
  return {
    ReservationId: `r-0${instance.instanceId.slice(3)}`,
    OwnerId: accountId,
    Instances: [instanceView(place, instance, now)],
  };
}

/** How long status checks are being made for the first time. */
const FIRST_CHECKS_MS = 120_000;

/** Of instances that run, and of no others. */
function describeInstanceStatus(
  { place, now }: Context,
  input: DescribeInstanceStatusCommandInput,
): Output<DescribeInstanceStatusCommandOutput> {
  const instances = byIds(place.instances, input.InstanceIds ?? [], noSuchInstance);
  return {
    InstanceStatuses: instances
      .filter((instance) => instanceState(instance, now) === 'running')
      .map(({ instanceId, launchedAt }) => {
        const Status = now < launchedAt + FIRST_CHECKS_MS ? ('initializing' as const) : ('ok' as const);
        return {
          InstanceId: instanceId,
          InstanceState: { Name: 'running' as const, Code: STATE_CODES.running },
          InstanceStatus: { Status },
          SystemStatus: { Status },
        };
      }),
  };
}

/** Graviton families have a `g` behind their generation: m7g, c8gd, t4g. */
function checkArchitecture(instanceType: string, image: Image): void {
  const architecture = /^[a-z]+\d+g/.test(instanceType) ? 'arm64' : 'x86_64';
  if (architecture === image.architecture) return;
  throw ec2Error(
    'InvalidParameterValue',
    `The architecture '${architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
  );
}

/** With the key that is asked for, the one of the snapshot where it is the account's own, or AWS's own for EBS. */
function encryptionOf(
  place: Region,
  asked: { readonly Encrypted?: boolean | undefined; readonly KmsKeyId?: string | undefined } | undefined,
  inherited: BlockDevice | undefined,
): Pick<Volume, 'encrypted' | 'kmsKeyId'> {
  const { Encrypted: encrypted = inherited?.encrypted ?? false, KmsKeyId: keyId } = asked ?? {};
  if (keyId !== undefined && asked?.Encrypted !== true)
    throw ec2Error(
      'InvalidParameterDependency',
      'The parameter KmsKeyId requires the parameter Encrypted to be set.',
    );
  const own = place.snapshots.get(inherited?.snapshotId ?? '')?.kmsKeyId;
  const kmsKeyId = keyId === undefined ? own : customerKey(place, keyId);
  return { encrypted, ...(encrypted && kmsKeyId !== undefined && { kmsKeyId }) };
}

/** The AMI's volumes, as the request changes them, and those the request adds. */
function attachVolumes(
  { place, world, now }: Context,
  instanceId: string,
  devices: readonly BlockDevice[],
  input: RunInstancesCommandInput,
): string[] {
  const mappings = new Map(input.BlockDeviceMappings?.map((mapping) => [mapping.DeviceName, mapping.Ebs]));
  const names = new Set([...devices.map(({ deviceName }) => deviceName), ...mappings.keys()]);
  for (const { DeviceName, NoDevice } of input.BlockDeviceMappings ?? [])
    if (NoDevice !== undefined) names.delete(DeviceName);
  return [...names].map((deviceName = '') => {
    const inherited = devices.find((device) => device.deviceName === deviceName);
    const asked = mappings.get(deviceName);
    if (inherited !== undefined && (asked?.VolumeSize ?? Infinity) < inherited.volumeSizeGiB) {
      throw ec2Error(
        'InvalidBlockDeviceMapping',
        `Volume of size ${String(asked?.VolumeSize)}GB is smaller than snapshot '${inherited.snapshotId}', expect size >= ${String(inherited.volumeSizeGiB)}GB`,
      );
    }
    const volumeId = world.id(place, 'vol');
    place.volumes.set(volumeId, {
      volumeId,
      sizeGiB: asked?.VolumeSize ?? inherited?.volumeSizeGiB ?? 8,
      volumeType: asked?.VolumeType ?? inherited?.volumeType ?? 'gp2',
      ...encryptionOf(place, asked, inherited),
      createdAt: now,
      deviceName,
      deleteOnTermination: asked?.DeleteOnTermination ?? true,
      attachedTo: instanceId,
      tags: tagsFor(input.TagSpecifications, 'volume'),
    });
    return volumeId;
  });
}

function describeInstances(
  { place, now }: Context,
  input: DescribeInstancesCommandInput,
): Output<DescribeInstancesCommandOutput> {
  const isGone = (instance: Instance): boolean =>
    instance.asked === 'terminate' && now > instance.askedAt + GONE_AFTER_MS;
  const visible = new Map([...place.instances].filter(([, instance]) => !isGone(instance)));
  const candidates =
    input.InstanceIds === undefined
      ? [...visible.values()].sort((a, b) => compare(a.instanceId, b.instanceId))
      : byIds(visible, input.InstanceIds, noSuchInstance);
  const matching = applyFilters(candidates, input.Filters, {
    'image-id': ({ imageId }) => [imageId],
    'instance-id': ({ instanceId }) => [instanceId],
    'instance-state-name': (instance) => [instanceState(instance, now)],
    'instance-state-code': (instance) => [String(STATE_CODES[instanceState(instance, now)])],
    'instance-type': ({ instanceType }) => [instanceType],
    'instance.group-id': ({ securityGroupIds }) => securityGroupIds,
    'key-name': ({ keyName }) => [keyName],
    'instance-lifecycle': ({ lifecycle }) => [lifecycle],
    'launch-time': ({ launchedAt }) => [iso(launchedAt)],
    'state-reason-code': ({ interrupted }) => [interrupted && INTERRUPTION.Code],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    Reservations: items.map((instance) => ({
      ReservationId: `r-0${instance.instanceId.slice(3)}`,
      OwnerId: place.accountId,
      Instances: [instanceView(place, instance, now)],
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function instanceView(place: Region, instance: Instance, now: number): InstanceView {
  const state = instanceState(instance, now);
  return {
    InstanceId: instance.instanceId,
    ImageId: instance.imageId,
    InstanceType: instance.instanceType,
    Architecture: instance.architecture,
    ...(instance.platform === undefined ? {} : { Platform: 'Windows' as const }),
    ...(instance.keyName === undefined ? {} : { KeyName: instance.keyName }),
    LaunchTime: new Date(instance.launchedAt),
    State: { Name: state, Code: STATE_CODES[state] },
    SecurityGroups: instance.securityGroupIds.map((groupId) => ({
      GroupId: groupId,
      GroupName: place.securityGroups.get(groupId)?.groupName,
    })),
    BlockDeviceMappings:
      state === 'terminated'
        ? []
        : instance.volumeIds.map((volumeId) => ({
            DeviceName: place.volumes.get(volumeId)?.deviceName,
            Ebs: { VolumeId: volumeId, Status: 'attached' as const },
          })),
    MetadataOptions: { HttpTokens: instance.httpTokens, State: 'applied' },
    RootDeviceType: 'ebs',
    ...(instance.lifecycle === undefined ? {} : { InstanceLifecycle: instance.lifecycle }),
    ...(instance.interrupted && { StateReason: INTERRUPTION }),
    Tags: tagList(instance.tags),
  };
}

function change(
  { place, now, clock }: Pick<Context, 'place' | 'now' | 'clock'>,
  ids: readonly string[],
  asked: 'stop' | 'terminate',
): InstanceStateChange[] {
  const instances = byIds(place.instances, ids, noSuchInstance);
  for (const instance of instances) {
    if (asked === 'stop' && instance.lifecycle === 'spot') {
      throw ec2Error(
        'UnsupportedOperation',
        `You can't stop the Spot Instance '${instance.instanceId}' because it is associated with a one-time Spot Instance request.`,
      );
    }
    if (asked === 'stop' && instance.asked === 'terminate') {
      throw ec2Error(
        'IncorrectInstanceState',
        `This instance '${instance.instanceId}' is not in a state from which it can be stopped.`,
      );
    }
  }
  return instances.map((instance) => {
    const before = instanceState(instance, now);
    if (asked === 'terminate') terminate({ place, now, clock }, instance);
    else if (instance.asked !== asked) Object.assign(instance, { asked, askedAt: now });
    const after = instanceState(instance, now);
    return {
      InstanceId: instance.instanceId,
      PreviousState: { Name: before, Code: STATE_CODES[before] },
      CurrentState: { Name: after, Code: STATE_CODES[after] },
    };
  });
}

function terminate(
  { place, now, clock }: Pick<Context, 'place' | 'now' | 'clock'>,
  instance: Instance,
): void {
  if (instance.asked === 'terminate') return;
  Object.assign(instance, { asked: 'terminate', askedAt: now });
  clock.after(INSTANCE_TERMINATES_MS, () => {
    releaseVolumes(place, instance);
    deleteInterfaces(place, instance);
  });
}

/** EC2 takes Spot Instances back, and an AMI that it begins to make of one at this moment comes to nothing. */
export function takeBack(clock: Clock, place: Region, ids: readonly string[]): void {
  const now = clock.milliseconds();
  for (const instance of byIds(place.instances, ids, noSuchInstance)) {
    if (instance.lifecycle !== 'spot' || instance.asked === 'terminate') continue;
    terminate({ place, now, clock }, instance);
    instance.interrupted = true;
    for (const image of place.images.values())
      if (image.sourceInstanceId === instance.instanceId && image.createdAt === now) image.failed = true;
  }
}

function releaseVolumes(place: Region, instance: Instance): void {
  for (const volumeId of instance.volumeIds) {
    const volume = place.volumes.get(volumeId);
    if (volume === undefined) continue;
    if (volume.deleteOnTermination) place.volumes.delete(volumeId);
    else delete volume.attachedTo;
  }
}

function deleteInterfaces({ networkInterfaces }: Region, { instanceId }: Instance): void {
  for (const { networkInterfaceId, attachedTo } of networkInterfaces.values())
    if (attachedTo === instanceId) networkInterfaces.delete(networkInterfaceId);
}

const stopInstances = (
  context: Context,
  input: StopInstancesCommandInput,
): Output<StopInstancesCommandOutput> => ({
  StoppingInstances: change(context, input.InstanceIds ?? [], 'stop'),
});

const terminateInstances = (
  context: Context,
  input: TerminateInstancesCommandInput,
): Output<TerminateInstancesCommandOutput> => ({
  TerminatingInstances: change(context, input.InstanceIds ?? [], 'terminate'),
});

function modifyInstanceAttribute(
  { place }: Context,
  { InstanceId: id = '', InstanceInitiatedShutdownBehavior: asked }: ModifyInstanceAttributeCommandInput,
): Done {
  const [instance] = byIds(place.instances, [id], noSuchInstance);
  if (asked?.Value !== 'stop' && asked?.Value !== 'terminate')
    throw ec2Error('InvalidParameterValue', 'The sandbox changes what a shutdown of an instance does to it.');
  if (instance) instance.shutdownBehavior = asked.Value;
  return {};
}

/** What `shutdown` in the instance does; nothing to one that does not run any more. */
export function shutDownInstance(
  context: Pick<Context, 'place' | 'now' | 'clock'>,
  instanceId: string,
): void {
  const instance = context.place.instances.get(instanceId);
  if (instance?.asked === 'run') change(context, [instanceId], instance.shutdownBehavior ?? 'stop');
}

/** Of the type `instant`, for one Spot Instance: what Packer asks for. It has the tags that its launch template tells. */
function createFleet(context: Context, input: CreateFleetCommandInput): Output<CreateFleetCommandOutput> {
  const [config] = input.LaunchTemplateConfigs ?? [];
  const asked = config?.LaunchTemplateSpecification ?? {};
  const template = find(context, asked);
  const version = template.versions.find(({ number }) => number === Number(asked.Version));
  const data = version?.data;
  if (input.Type !== 'instant' || data?.InstanceMarketOptions?.MarketType !== 'spot')
    throw ec2Error('InvalidParameterValue', 'The sandbox has fleets of one Spot Instance, of type instant.');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- A launch template holds what RunInstances takes.
  const request = data as Omit<RunInstancesCommandInput, 'MinCount' | 'MaxCount'>;
  const { Instances: [instance] = [] } = runInstances(context, { ...request, MinCount: 1, MaxCount: 1 });
  const launched = context.place.instances.get(instance?.InstanceId ?? '');
  if (launched) launched.lifecycle = 'spot';
  return {
    FleetId: `fleet-${template.launchTemplateId}`,
    Errors: [],
    Instances: [{ InstanceIds: [instance?.InstanceId ?? ''], InstanceType: instance?.InstanceType }],
  };
}

export const instanceOperations = {
  CreateFleet: createFleet,
  DescribeInstances: describeInstances,
  DescribeInstanceStatus: describeInstanceStatus,
  ModifyInstanceAttribute: modifyInstanceAttribute,
  RunInstances: runInstances,
  StopInstances: stopInstances,
  TerminateInstances: terminateInstances,
};
