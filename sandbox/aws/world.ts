/**
 * What exists: accounts x regions with what EC2, Systems Manager and CodeBuild keep there, and what an account keeps
 * everywhere. Plain data; the services change it.
 */
import type { KnownVulnerability } from './inspector-scan.ts';
import { type Bin, emptyBin } from './recycle-bin.ts';
import { createHash } from 'node:crypto';
import type {
  _InstanceType as InstanceType,
  RequestLaunchTemplateData,
  Route,
  State,
  VolumeType,
} from '@aws-sdk/client-ec2';
import type { Project, Build } from './builds.ts';
import type { Clock } from './clock.ts';

export type Tags = Map<string, string>;

export interface BlockDevice {
  readonly deviceName: string;
  readonly snapshotId: string;
  readonly volumeSizeGiB: number;
  readonly volumeType: VolumeType;
  readonly encrypted: boolean;
}

export interface Image {
  readonly imageId: string;
  readonly ownerId: string;
  readonly ownerAlias?: 'amazon' | 'aws-marketplace';
  readonly name: string;
  description: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly platform?: 'windows';
  imdsSupport?: 'v2.0';
  /** Virtual milliseconds. Pending before `availableAt`. */
  readonly createdAt: number;
  availableAt: number;
  failed?: boolean;
  /** Why, as EC2 says it. */
  readonly failedBecause?: string;
  disabled: boolean;
  deprecatedAt?: number;
  deregistrationProtected: boolean;
  public: boolean;
  /** Account ids, organisation ARNs and organisational unit ARNs that may launch it. */
  readonly launchPermissions: { users: Set<string>; organizations: Set<string>; units: Set<string> };
  readonly tags: Tags;
  readonly blockDevices: BlockDevice[];
  readonly sourceInstanceId?: string;
  readonly sourceImageId?: string;
  /** Where that is. */
  readonly sourceImageRegion?: string;
  /** Of a product of AWS Marketplace, which an account must be subscribed to before it launches the AMI. */
  readonly productCode?: string;
}

export interface Snapshot {
  readonly snapshotId: string;
  readonly ownerId: string;
  readonly volumeId: string;
  readonly volumeSizeGiB: number;
  readonly encrypted: boolean;
  /** The ARN of the key it is encrypted with; missing where that is AWS's own for EBS, and where there is none. */
  readonly kmsKeyId?: string;
  readonly startedAt: number;
  readonly completedAt: number;
  readonly description: string;
  /** Who may make volumes of it: account ids, or `all`. */
  readonly volumePermissions: Set<string>;
  readonly tags: Tags;
}

export interface Volume {
  readonly volumeId: string;
  readonly sizeGiB: number;
  readonly volumeType: VolumeType;
  readonly encrypted: boolean;
  /** As of a snapshot. */
  readonly kmsKeyId?: string;
  readonly createdAt: number;
  readonly deviceName: string;
  readonly deleteOnTermination: boolean;
  attachedTo?: string;
  readonly tags: Tags;
}

/** The states of an instance it has been asked into; which one it is in, the time tells. */
export interface Instance {
  readonly instanceId: string;
  readonly imageId: string;
  readonly instanceType: InstanceType;
  readonly architecture: 'x86_64' | 'arm64';
  readonly platform?: 'windows';
  readonly keyName?: string;
  /** The name of its profile; without one no agent may report. */
  readonly profile?: string;
  /** By which EC2 knows that it is asked for the same instance again. */
  readonly clientToken?: string;
  /** Whether its agent never reports. */
  silent?: boolean;
  readonly securityGroupIds: string[];
  readonly volumeIds: string[];
  readonly launchedAt: number;
  asked: 'run' | 'stop' | 'terminate';
  askedAt: number;
  /** Missing on demand. */
  lifecycle?: 'spot';
  /** What becomes of it when it is shut down from the inside; it stops unless it says otherwise. */
  shutdownBehavior?: 'stop' | 'terminate';
  /** Whether EC2 took it back. */
  interrupted?: true;
  readonly httpTokens: 'required' | 'optional';
  readonly tags: Tags;
}

/** What Run Command was asked to run on one instance. */
export interface Command {
  readonly commandId: string;
  readonly instanceId: string;
  readonly documentName: string;
  readonly sentAt: number;
  /** What comes of it, if the instance lives as long. */
  readonly endsAt: number;
  readonly status: 'Success' | 'Failed';
  readonly printed: string;
}

export interface NetworkInterface {
  readonly networkInterfaceId: string;
  readonly securityGroupIds: readonly string[];
  /** EC2 deletes it with its instance; one that is attached to none stays. */
  attachedTo?: string;
  readonly tags: Tags;
}

export interface KeyPair {
  readonly keyName: string;
  readonly keyPairId: string;
  readonly createdAt: number;
  readonly tags: Tags;
}

export interface SecurityGroup {
  readonly groupId: string;
  readonly groupName: string;
  readonly description: string;
  readonly vpcId: string;
  readonly tags: Tags;
}

export interface Vpc {
  readonly vpcId: string;
  readonly cidr: string;
  readonly isDefault: boolean;
  readonly tags: Tags;
}

export interface Subnet {
  readonly subnetId: string;
  readonly vpcId: string;
  /** The one that EC2 takes in its Availability Zone for who names none. */
  readonly isDefault: boolean;
  readonly givesPublicAddress: boolean;
  readonly freeAddresses: number;
  readonly tags: Tags;
}

export interface RouteTable {
  readonly routeTableId: string;
  readonly vpcId: string;
  /** That of every subnet of the VPC which no other table names. */
  readonly isMain: boolean;
  readonly subnetIds: readonly string[];
  readonly routes: readonly Route[];
  readonly tags: Tags;
}

export interface VpcEndpoint {
  readonly vpcEndpointId: string;
  readonly vpcId: string;
  readonly serviceName: string;
  readonly state: State;
  readonly tags: Tags;
}

export interface Secret {
  readonly name: string;
  readonly hasValue: boolean;
  readonly deletedAt?: number;
}

/** Of an account, in no region. */
export interface InstanceProfile {
  readonly name: string;
  /** At most one. */
  readonly roleNames: readonly string[];
  /** The service that its role lets in. */
  readonly trusts: string;
}

export interface LaunchTemplate {
  readonly launchTemplateId: string;
  readonly name: string;
  readonly createdAt: number;
  readonly createdBy: string;
  defaultVersion: number;
  readonly versions: {
    number: number;
    createdAt: number;
    imageId?: string;
    instanceType?: InstanceType;
    /** What a fleet launches. */
    data?: RequestLaunchTemplateData;
  }[];
  readonly tags: Tags;
}

export interface LaunchConfiguration {
  readonly name: string;
  readonly imageId: string;
  readonly instanceType: InstanceType;
}

export interface AutoScalingGroup {
  readonly name: string;
  readonly launchConfigurationName?: string;
  readonly launchTemplateId?: string;
  /** AMIs that the overrides of its mixed instances name. */
  readonly overrides: readonly { readonly imageId?: string; readonly instanceType?: InstanceType }[];
}

export interface ParameterVersion {
  readonly version: number;
  readonly value: string;
  readonly at: number;
  readonly by: string;
  readonly labels: Set<string>;
}

export interface Parameter {
  readonly name: string;
  readonly type: 'String' | 'StringList' | 'SecureString';
  readonly dataType: string;
  readonly description?: string;
  readonly tags: Tags;
  /** The newest is last. */
  readonly versions: ParameterVersion[];
  /** The newest version number that was given out, stored or not. */
  issued: number;
}

export interface Region {
  readonly accountId: string;
  readonly region: string;
  readonly images: Map<string, Image>;
  /** AMIs that were here once: EC2 tells them from ids that never were. */
  readonly deregistered: Set<string>;
  readonly snapshots: Map<string, Snapshot>;
  readonly bin: Bin;
  readonly volumes: Map<string, Volume>;
  readonly instances: Map<string, Instance>;
  readonly networkInterfaces: Map<string, NetworkInterface>;
  readonly keyPairs: Map<string, KeyPair>;
  readonly securityGroups: Map<string, SecurityGroup>;
  readonly vpcs: Map<string, Vpc>;
  readonly subnets: Map<string, Subnet>;
  readonly routeTables: Map<string, RouteTable>;
  readonly vpcEndpoints: Map<string, VpcEndpoint>;
  readonly secrets: Map<string, Secret>;
  readonly launchTemplates: Map<string, LaunchTemplate>;
  readonly launchConfigurations: Map<string, LaunchConfiguration>;
  readonly autoScalingGroups: Map<string, AutoScalingGroup>;
  readonly parameters: Map<string, Parameter>;
  /** New parameters of type `aws:ec2:image` that Parameter Store has not validated yet. */
  readonly unvalidated: Map<string, Parameter>;
  readonly commands: Map<string, Command>;
  readonly projects: Map<string, Project>;
  readonly builds: Map<string, Build>;
  /** The quota of builds that run at the same time, as a young account has one: what is more is refused. By default there is none. */
  buildsAtOnce?: number;
  /** What CopyImage was asked for by each client token, as JSON, and the AMI that it made. */
  readonly copies: Map<string, { readonly asked: string; readonly imageId: string }>;
  /** How many ids of each kind were given out. */
  readonly counters: Map<string, number>;
}

/** What publishers offer to everybody in one region. */
export interface PublicRegion {
  readonly images: Map<string, Image>;
  readonly parameters: Map<string, Parameter>;
}

export interface Role {
  readonly accountId: string;
  readonly name: string;
  /** Who may assume it: an account, or one role as `<accountId>/<role>`. */
  readonly trusts: readonly string[];
  /** Any of these must be given; undefined: none is asked for. */
  readonly externalIds?: readonly string[];
  /** Which `service:Operation` it may use. */
  readonly allows: RegExp;
  /** True: it may destroy only what carries the tag `packleader:release`. */
  readonly destroysTaggedOnly: boolean;
  /** What it may change of an AMI, where that is not everything. */
  readonly imageAttributes?: 'launch permissions' | 'all but launch permissions';
}

export interface StoredObject {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly at: number;
  readonly contentType?: string;
  readonly metadata: Record<string, string>;
}

export interface Bucket {
  readonly name: string;
  readonly ownerId: string;
  readonly region: string;
  /** Accounts besides the owner whose roles may use it. */
  readonly guests: Set<string>;
  readonly objects: Map<string, StoredObject>;
}

export interface WorldEvent {
  readonly at: string;
  readonly id: string;
  readonly accountId: string;
  readonly region: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
  readonly eventBusName: string;
  readonly resources: readonly string[];
}

export class World {
  readonly clock: Clock;
  readonly regions = new Map<string, Region>();
  readonly roles = new Map<string, Role>();
  /** By `<accountId>/<name>`, as roles are. */
  readonly instanceProfiles = new Map<string, InstanceProfile>();
  readonly buckets = new Map<string, Bucket>();
  /** Product codes of AWS Marketplace, by the account that is subscribed, as `<accountId>/<code>`. */
  readonly subscriptions = new Set<string>();
  readonly events: WorldEvent[] = [];
  /** What Amazon Inspector knows of. */
  readonly vulnerabilities: KnownVulnerability[] = [];
  /** Per region, the AMIs that some account shares with others. */
  readonly shared = new Map<string, Map<string, Image>>();
  /** Of an account the ARNs of its organisation, and of every organisational unit that it is in. */
  readonly memberships = new Map<string, ReadonlySet<string>>();
  /** Accounts that there are no more: nothing can be shared with them. */
  readonly closedAccounts = new Set<string>();
  /** ARNs of keys whose policies admit no other account. */
  readonly closedKeys = new Set<string>();
  readonly #seed: string;
  readonly #publicRegions = new Map<string, PublicRegion>();
  readonly #seedPublicRegion: (world: World, region: string) => PublicRegion;

  constructor(clock: Clock, seed: string, seedPublicRegion: (world: World, region: string) => PublicRegion) {
    this.clock = clock;
    this.#seed = seed;
    this.#seedPublicRegion = seedPublicRegion;
  }

  region(accountId: string, region: string): Region {
    const key = `${accountId}/${region}`;
    const found = this.regions.get(key);
    if (found !== undefined) return found;
    const created: Region = {
      accountId,
      region,
      images: new Map(),
      deregistered: new Set(),
      snapshots: new Map(),
      bin: emptyBin(),
      volumes: new Map(),
      instances: new Map(),
      networkInterfaces: new Map(),
      keyPairs: new Map(),
      securityGroups: new Map(),
      vpcs: new Map(),
      subnets: new Map(),
      routeTables: new Map(),
      vpcEndpoints: new Map(),
      secrets: new Map(),
      launchTemplates: new Map(),
      launchConfigurations: new Map(),
      autoScalingGroups: new Map(),
      parameters: new Map(),
      unvalidated: new Map(),
      commands: new Map(),
      projects: new Map(),
      builds: new Map(),
      copies: new Map(),
      counters: new Map(),
    };
    this.regions.set(key, created);
    return created;
  }

  /** Seeded when it is first looked at. */
  publicRegion(region: string): PublicRegion {
    const found = this.#publicRegions.get(region);
    if (found !== undefined) return found;
    const seeded = this.#seedPublicRegion(this, region);
    this.#publicRegions.set(region, seeded);
    return seeded;
  }

  /** The next id of a kind in one account and region; the same world gives the same ids again. */
  id(place: Pick<Region, 'accountId' | 'region' | 'counters'>, prefix: string): string {
    const count = (place.counters.get(prefix) ?? 0) + 1;
    place.counters.set(prefix, count);
    return `${prefix}-0${this.hex(`${place.accountId}/${place.region}/${prefix}/${String(count)}`, 16)}`;
  }

  /** Hex digits that look random and are the same for the same text and seed. */
  hex(text: string, digits: number): string {
    return createHash('sha256').update(`${this.#seed}/${text}`).digest('hex').slice(0, digits);
  }

  /** An AMI as `accountId` may see it in `region`: its own, a public one, or one shared with it. */
  visibleImage(accountId: string, region: string, imageId: string): Image | undefined {
    const own = this.regions.get(`${accountId}/${region}`)?.images.get(imageId);
    if (own !== undefined) return own;
    const offered = this.publicRegion(region).images.get(imageId);
    if (offered !== undefined) return offered.public ? offered : undefined;
    const shared = this.shared.get(region)?.get(imageId);
    return shared !== undefined && this.mayLaunch(shared, accountId) ? shared : undefined;
  }

  /** Whether an account owns an AMI, or was let launch it: by itself, with everybody, or with those it is organised with. */
  mayLaunch({ ownerId, public: offered, launchPermissions }: Image, accountId: string): boolean {
    const { users, organizations, units } = launchPermissions;
    const memberships = [...(this.memberships.get(accountId) ?? [])];
    return (
      ownerId === accountId ||
      offered ||
      users.has(accountId) ||
      memberships.some((arn) => organizations.has(arn) || units.has(arn))
    );
  }

  /** Whether an account may make volumes of a snapshot, as copying an AMI needs it. Of what publishers offer nothing is kept. */
  mayReadSnapshot({ ownerId }: Image, snapshotId: string, region: string, accountId: string): boolean {
    const found = this.regions.get(`${ownerId}/${region}`)?.snapshots.get(snapshotId);
    return (
      found === undefined ||
      ownerId === accountId ||
      found.volumePermissions.has(accountId) ||
      found.volumePermissions.has('all')
    );
  }
}

export function imageState(image: Image, now: number): 'pending' | 'available' | 'failed' | 'disabled' {
  if (image.failed === true) return 'failed';
  if (now < image.availableAt) return 'pending';
  return image.disabled ? 'disabled' : 'available';
}

/** Virtual time an instance takes from what it was asked for to being it. */
const INSTANCE_CHANGE_MS = { run: 15_000, stop: 30_000, terminate: 30_000 } as const;
const INSTANCE_STATES = {
  run: ['pending', 'running'],
  stop: ['stopping', 'stopped'],
  terminate: ['shutting-down', 'terminated'],
} as const;

export function instanceState(
  instance: Instance,
  now: number,
): (typeof INSTANCE_STATES)[keyof typeof INSTANCE_STATES][number] {
  const [changing, changed] = INSTANCE_STATES[instance.asked];
  return now < instance.askedAt + INSTANCE_CHANGE_MS[instance.asked] ? changing : changed;
}

/** Where a change of state, which only time completes, has its consequences. */
export const INSTANCE_TERMINATES_MS = INSTANCE_CHANGE_MS.terminate;

export interface WorldSnapshot {
  images: {
    imageId: string;
    name: string;
    state: string;
    tags: Record<string, string>;
    snapshotIds: string[];
    launchPermissions: string[];
  }[];
  snapshots: { snapshotId: string; tags: Record<string, string>; volumePermissions: string[] }[];
  instances: { instanceId: string; state: string; imageId: string; tags: Record<string, string> }[];
  keyPairs: { keyName: string; keyPairId: string; tags: Record<string, string> }[];
  securityGroups: { groupId: string; groupName: string; tags: Record<string, string> }[];
  parameters: Record<string, string>;
}

/**
 * What every account itself owns now, by `<accountId>/<region>`, in a stable order and without anything that changes
 * by itself with time. Places that own nothing are left out.
 */
export function snapshotOf(world: World): Record<string, WorldSnapshot> {
  const now = world.clock.milliseconds();
  const places = [...world.regions.entries()].sort(([a], [b]) => compare(a, b));
  const result: Record<string, WorldSnapshot> = {};
  for (const [key, region] of places) {
    const place = snapshotOfRegion(region, now);
    const { parameters, ...lists } = place;
    if (Object.keys(parameters).length > 0 || Object.values(lists).some((list) => list.length > 0)) {
      result[key] = place;
    }
  }
  return result;
}

function snapshotOfRegion(region: Region, now: number): WorldSnapshot {
  return {
    images: sorted(region.images, (image) => ({
      imageId: image.imageId,
      name: image.name,
      state: imageState(image, now),
      tags: plain(image.tags),
      snapshotIds: image.blockDevices.map((device) => device.snapshotId),
      launchPermissions: launchPermissionsOf(image),
    })),
    snapshots: sorted(region.snapshots, ({ snapshotId, tags, volumePermissions }) => ({
      snapshotId,
      tags: plain(tags),
      volumePermissions: [...volumePermissions].sort(compare),
    })),
    instances: sorted(region.instances, (instance) => ({
      instanceId: instance.instanceId,
      state: instanceState(instance, now),
      imageId: instance.imageId,
      tags: plain(instance.tags),
    })).filter(({ state }) => state !== 'terminated'),
    keyPairs: sorted(region.keyPairs, ({ keyName, keyPairId, tags }) => ({
      keyName,
      keyPairId,
      tags: plain(tags),
    })),
    securityGroups: sorted(region.securityGroups, ({ groupId, groupName, tags }) => ({
      groupId,
      groupName,
      tags: plain(tags),
    })),
    parameters: Object.fromEntries(
      sorted(region.parameters, ({ name, versions }) => [name, versions.at(-1)?.value ?? ''] as const),
    ),
  };
}

export const launchPermissionsOf = (image: Image): string[] => [
  ...(image.public ? ['all'] : []),
  ...[...image.launchPermissions.users].sort(compare),
  ...[...image.launchPermissions.organizations].sort(compare),
  ...[...image.launchPermissions.units].sort(compare),
];

/** By code point: `localeCompare` depends on the machine. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const sorted = <T, R>(things: Map<string, T>, view: (thing: T) => R): R[] =>
  [...things.entries()].sort(([a], [b]) => compare(a, b)).map(([, thing]) => view(thing));

const plain = (tags: Tags): Record<string, string> =>
  Object.fromEntries([...tags.entries()].sort(([a], [b]) => compare(a, b)));
