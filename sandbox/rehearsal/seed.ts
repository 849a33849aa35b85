import { keys } from '../../core/contract/keys.ts';
import { NAMES } from '../../core/contract/names.ts';
import type { Target } from '../../core/contract/targets.ts';
import { Clock } from '../aws/clock.ts';
import { faultyBuild } from './faults.ts';
import { fetchSource, type CheckOut } from './fetch-source.ts';
import { scanSboms } from './scan-sboms.ts';
import { validateTemplates } from './validate-templates.ts';
import { addImage, addParameter } from './own-things.ts';
import { packerBuild } from '../packer/packer-build.ts';
import { publicRegion } from './public-images.ts';
import { HUB_ROLES } from '../aws/hub-roles.ts';
import { type Hub, Sandbox } from '../sandbox.ts';
import { World, type PublicRegion, type Role } from '../aws/world.ts';

export interface SandboxOptions {
  /** Where the factory itself lives. The bucket is `packleader-<accountId>` by default. */
  readonly hub: Omit<Hub, 'bucket'> & { readonly bucket?: string };
  readonly targets: readonly Target[];
  /** Virtual time begins here; 2026-11-21T09:30:00Z by default. */
  readonly startAt?: Date;
  /** Other seeds give other ids. */
  readonly seed?: string;
  /** External ids the orchestrator roles accept: by default the ARNs of the factory's state machines. */
  readonly stateMachineArns?: readonly string[];
  /** What the fetch-source project checks out; by default it fails. */
  readonly checkOut?: CheckOut;
  /** Whether the targets hold things that are not ours; by default they do. */
  readonly background?: boolean;
  /** What publishers offer in each region; sandboxes that only look at it may share it. */
  readonly offers?: Map<string, PublicRegion>;
}

const DAY = 86_400_000;
const EVERYTHING = /./;

/** A hub and its target accounts, as the factory's stacks leave them, each with something in it that is not ours. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { startAt = new Date('2026-11-21T09:30:00Z'), seed = 'packleader', targets } = options;
  const hub: Hub = { ...options.hub, bucket: options.hub.bucket ?? `packleader-${options.hub.accountId}` };
  const clock = new Clock(startAt);
  const { offers = new Map<string, PublicRegion>() } = options;
  const world = new World(clock, seed, (w, region) => {
    const offered = offers.get(region) ?? publicRegion(w, region, startAt.getTime());
    offers.set(region, offered);
    return offered;
  });
  const sandbox = new Sandbox(clock, world, hub);
  const checkOut = options.checkOut ?? noCheckOut;
  addHub(sandbox, checkOut);
  const { background = true, stateMachineArns } = options;
  for (const target of targets) addTarget(sandbox, target, { background, stateMachineArns });
  return sandbox;
}

function noCheckOut(): never {
  throw new Error('This sandbox was created without `checkOut`, so it has no source to fetch.');
}

function addHub({ world, hub }: Sandbox, checkOut: CheckOut): void {
  for (const name of Object.values(HUB_ROLES)) {
    addRole(world, {
      accountId: hub.accountId,
      name,
      trusts: [],
      allows: EVERYTHING,
      destroysTaggedOnly: false,
    });
  }
  world.buckets.set(hub.bucket, {
    name: hub.bucket,
    ownerId: hub.accountId,
    region: hub.region,
    guests: new Set(),
    objects: new Map(),
  });
  world.region(hub.accountId, hub.region).projects.set(NAMES.fetchSourceProject, {
    name: NAMES.fetchSourceProject,
    role: HUB_ROLES.fetchSource,
    timeoutMinutes: 30,
    environment: {},
    run: faultyBuild(fetchSource(checkOut)),
  });
  world.region(hub.accountId, hub.region).projects.set(NAMES.validateProject, {
    name: NAMES.validateProject,
    role: HUB_ROLES.validate,
    timeoutMinutes: 30,
    environment: {},
    run: faultyBuild(validateTemplates),
  });
  world.region(hub.accountId, hub.region).projects.set(NAMES.scanProject, {
    name: NAMES.scanProject,
    role: HUB_ROLES.scan,
    timeoutMinutes: 30,
    environment: {},
    run: faultyBuild(scanSboms(world)),
  });
}

function addRole(world: World, role: Role): void {
  world.roles.set(`${role.accountId}/${role.name}`, role);
}

/** Registers a target: its roles and bake project in the hub's region, and a background in its own. Safe to repeat. */
function addTarget(
  sandbox: Sandbox,
  target: Target,
  {
    background = true,
    stateMachineArns,
  }: { readonly background?: boolean; readonly stateMachineArns?: readonly string[] | undefined } = {},
): void {
  const { world, hub } = sandbox;
  const { accountId } = target;
  if (!world.roles.has(`${accountId}/${NAMES.bakeRole}`)) addAccount(sandbox, accountId, stateMachineArns);
  if (background) addBackground(world, target);
  world.buckets.get(hub.bucket)?.guests.add(accountId);
}

function addAccount(sandbox: Sandbox, accountId: string, stateMachineArns?: readonly string[]): void {
  const { world, hub } = sandbox;
  addRole(world, {
    accountId,
    name: NAMES.orchestratorRole,
    trusts: [hub.accountId],
    externalIds: stateMachineArns ?? machineArns(hub),
    allows: /^codebuild:(StartBuild|StopBuild|BatchGetBuilds)$/,
    destroysTaggedOnly: false,
  });
  addRole(world, {
    accountId,
    name: NAMES.stewardRole,
    trusts: [hub.accountId],
    allows:
      /^(autoscaling:Describe|ec2:(?!RunInstances$|CreateImage$|CopyImage$)|ssm:|codebuild:(?!StartBuild$)|rbin:(Get|List)|s3:|sts:GetCallerIdentity$)/,
    destroysTaggedOnly: true,
    imageAttributes: 'launch permissions',
  });
  addRole(world, {
    accountId,
    name: NAMES.testerRole,
    trusts: [hub.accountId],
    allows:
      /^(ec2:(DescribeInstance(s|Status)|DescribeSecurityGroups|DescribeSubnets|RunInstances|TerminateInstances|(Create|Delete)SecurityGroup)|ssm:(DescribeInstanceInformation|SendCommand|GetCommandInvocation|ListCommandInvocations))$/,
    destroysTaggedOnly: true,
  });
  addRole(world, {
    accountId,
    name: NAMES.copierRole,
    trusts: [hub.accountId],
    allows:
      /^ec2:(CopyImage|Describe(Images|ImageAttribute|Snapshots|SnapshotAttribute)|Modify(Image|Snapshot)Attribute)$/,
    destroysTaggedOnly: true,
    imageAttributes: 'launch permissions',
  });
  addRole(world, {
    accountId,
    name: NAMES.bakeRole,
    trusts: [],
    allows: /^(ec2:|s3:GetObject$|secretsmanager:GetSecretValue$|ssm:GetParameters?$|sts:GetCallerIdentity$)/,
    destroysTaggedOnly: true,
    imageAttributes: 'all but launch permissions',
  });
  world.region(accountId, hub.region).projects.set(NAMES.bakeProject, {
    name: NAMES.bakeProject,
    role: NAMES.bakeRole,
    timeoutMinutes: 60,
    environment: {},
    artifacts: { bucket: hub.bucket, path: keys.bakes(accountId) },
    run: packerBuild(sandbox.builds, (work) => sandbox.clock.hold(work)),
  });
}

const machineArns = ({ accountId, region }: Hub): string[] =>
  [
    NAMES.releaseMachine,
    NAMES.releaseImageMachine,
    NAMES.bakeBatchMachine,
    NAMES.sweepMachine,
    NAMES.repointMachine,
  ].map((name) => `arn:aws:states:${region}:${accountId}:stateMachine:${name}`);

const billingTags = (): Map<string, string> => new Map([['Team', 'billing']]);

/** Somebody else's AMI, with an instance, a launch template and a parameter that use it: none of our business. */
function addBackground(world: World, { accountId, region }: Target): void {
  const place = world.region(accountId, region);
  if (place.images.size > 0) return;
  const at = world.clock.milliseconds() - 40 * DAY;
  const volumeId = world.id(place, 'vol');
  const instanceId = world.id(place, 'i');
  const launchTemplateId = world.id(place, 'lt');
  const groupId = world.id(place, 'sg');
  const by = `arn:aws:sts::${accountId}:assumed-role/billing/jenkins`;
  const disk = { sizeGiB: 16, volumeType: 'gp3', encrypted: true, deviceName: '/dev/xvda' } as const;
  const target = { accountId, region };
  const imageId = addImage(world, target, { name: 'billing-worker-41', tags: billingTags(), createdAt: at });
  place.volumes.set(volumeId, {
    ...disk,
    volumeId,
    createdAt: at,
    deleteOnTermination: true,
    attachedTo: instanceId,
    tags: billingTags(),
  });
  place.securityGroups.set(groupId, {
    groupId,
    groupName: 'billing-worker',
    description: 'The billing workers',
    vpcId: `vpc-0${world.hex(`${accountId}/${region}/vpc`, 16)}`,
    tags: billingTags(),
  });
  place.instances.set(instanceId, {
    instanceId,
    imageId,
    instanceType: 'm7i.large',
    architecture: 'x86_64',
    securityGroupIds: [groupId],
    volumeIds: [volumeId],
    launchedAt: at,
    asked: 'run',
    askedAt: at,
    httpTokens: 'required',
    tags: billingTags(),
  });
  place.launchTemplates.set(launchTemplateId, {
    launchTemplateId,
    name: 'billing-worker',
    createdAt: at,
    createdBy: by,
    defaultVersion: 1,
    versions: [{ number: 1, createdAt: at, imageId, instanceType: 'm7i.large' }],
    tags: billingTags(),
  });
  addParameter(world, target, '/billing/worker/ami', imageId);
}
