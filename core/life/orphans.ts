/** What versions that were released have left and nothing belongs to any more: what a builder was made of, snapshots whose AMI is gone, and
 *  parameters that name no AMI. What comes of releases that failed is the sweep's. */
import {
  DeleteKeyPairCommand,
  DeleteLaunchTemplateCommand,
  DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  type EC2Client,
  TerminateInstancesCommand,
  paginateDescribeImages,
} from '@aws-sdk/client-ec2';
import { GetParametersCommand } from '@aws-sdk/client-ssm';
import { snapshotIdsOf } from '../amis/release-images.ts';
import { type Sighting, resourcesIn } from '../amis/sightings.ts';
import { ABSENT } from '../amis/undo-bake.ts';
import { chunks } from '../aws/chunks.ts';
import { type TargetClients, clientsFor } from '../aws/clients.ts';
import { asFact, hasCode } from '../aws/errors.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { ERRORS } from '../contract/errors.ts';
import type { Leftover } from '../contract/leftovers.ts';
import { STATES } from '../contract/tags.ts';
import { type Target, groupedByTarget, targetName } from '../contract/targets.ts';
import { deleteParameter } from '../publication/publication.ts';
import { readReleaseId } from '../releases/release-status.ts';
import type { SeenAmi } from './seen.ts';

/** Something in a target that goes, with the reason. */
export type Orphan = Leftover;

export interface OrphanSearch {
  /** ISO 8601. */
  readonly now: string;
  /** Of which anything ever goes: those with a retention. */
  readonly images: readonly string[];
  /** Every AMI of the factory, in all targets. */
  readonly amis: readonly SeenAmi[];
  /** Whether what may pass is thrown, and not told. */
  readonly mayRetry: boolean;
}

/** Whatever still runs for a release has ended by then. */
const OLD_MS = 86_400_000;
/** Of a filter of EC2, and of an answer of Parameter Store. */
const VALUES_PER_CALL = { filter: 200, parameters: 10 };

/** Every orphan, and where none could be looked for. @throws PackleaderError Throttled or ConnectionLost, as long as a repetition may mend it */
export async function findOrphans(
  targets: readonly Target[],
  search: OrphanSearch,
): Promise<{ readonly orphans: readonly Orphan[]; readonly unread: readonly Leftover[] }> {
  const unread: Leftover[] = [];
  const found = await inEveryTarget(targets, async (target) => {
    try {
      return await orphansIn(clientsFor(target), target, search);
    } catch (error) {
      const { name, message } = asFact(error);
      if (search.mayRetry && (name === ERRORS.throttled || name === ERRORS.connectionLost)) throw error;
      unread.push({ ...placeOf(target), resourceId: 'orphans', why: message });
      return [];
    }
  });
  return { orphans: found.flat(), unread };
}

const placeOf = ({ accountId, region }: Target): Target => ({ accountId, region });

async function orphansIn(
  clients: TargetClients,
  target: Target,
  { now, images, amis }: OrphanSearch,
): Promise<Orphan[]> {
  const seen = await resourcesIn(clients);
  const own = amis.filter((ami) => targetName(ami) === targetName(target));
  const settled = new Set(own.filter((ami) => isSettled(ami, now)).map(({ releaseId }) => releaseId));
  const withAmi = new Set(own.map(({ releaseId }) => releaseId));
  const isOfGone = ({ releaseId }: Sighting): boolean =>
    !withAmi.has(releaseId) && images.includes(readReleaseId(releaseId)?.image ?? '');
  // Whoever tags what is theirs with the version they run does not call it a candidate.
  const builders = seen.filter(
    ({ releaseId, resourceId, state, kept }) =>
      OF_BUILDERS.test(resourceId) &&
      state === STATES.candidate &&
      kept === undefined &&
      settled.has(releaseId),
  );
  const snapshots = seen.filter(
    (one) =>
      one.resourceId.startsWith('snap-') &&
      (one.state === STATES.released || one.state === STATES.revoked) &&
      one.autoCleanup === 'true' &&
      isOfGone(one),
  );
  const published = seen.filter((one) => one.published === true && isOfGone(one));
  const orphan = (why: string) => (one: Sighting) => ({
    ...placeOf(target),
    resourceId: one.resourceId,
    why,
  });
  return [
    ...builders.map((one) =>
      orphan(`it is left of the builder of ${one.releaseId}, which was released`)(one),
    ),
    ...(await unused(clients.ec2, snapshots)).map(orphan('the AMI that it was made for is gone')),
    ...(await naming(clients, published)).map(orphan('the AMI that it names is gone')),
  ];
}

const OF_BUILDERS = /^(i|key|lt|vol|eni|sg)-/;

const isSettled = ({ releaseState, createdAt }: SeenAmi, now: string): boolean =>
  (releaseState === STATES.released || releaseState === STATES.revoked) &&
  Date.parse(now) - Date.parse(createdAt) > OLD_MS;

/** The snapshots that no AMI of the account is made of: somebody may have registered one, or have taken its tags away. */
async function unused(ec2: EC2Client, snapshots: readonly Sighting[]): Promise<Sighting[]> {
  const used = new Set<string>();
  for (const some of chunks(snapshots, VALUES_PER_CALL.filter)) {
    const Values = some.map(({ resourceId }) => resourceId);
    const found = await imagesWhere(ec2, 'block-device-mapping.snapshot-id', Values);
    for (const image of found) for (const id of snapshotIdsOf(image)) used.add(id);
  }
  return snapshots.filter(({ resourceId }) => !used.has(resourceId));
}

/** The parameters whose AMI nobody can see any more. */
async function naming({ ec2, ssm }: TargetClients, published: readonly Sighting[]): Promise<Sighting[]> {
  const orphans: Sighting[] = [];
  for (const some of chunks(published, VALUES_PER_CALL.parameters)) {
    const Names = some.map(({ resourceId }) => resourceId);
    const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names }));
    const ids = new Map(Parameters.map(({ Name = '', Value = '' }) => [Name, Value]));
    const found = await imagesWhere(ec2, 'image-id', [...new Set(ids.values())]);
    const there = new Set(found.map(({ ImageId }) => ImageId));
    orphans.push(...some.filter(({ resourceId }) => ids.has(resourceId) && !there.has(ids.get(resourceId))));
  }
  return orphans;
}

async function imagesWhere(ec2: EC2Client, Name: string, Values: string[]) {
  if (Values.length === 0) return [];
  const input = { Filters: [{ Name, Values }], IncludeDeprecated: true, IncludeDisabled: true };
  const pages = await Array.fromAsync(paginateDescribeImages({ client: ec2 }, input));
  return pages.flatMap((page) => page.Images ?? []);
}

/** By what its id begins with, in the order in which they can go. */
const REMOVALS: Readonly<Record<string, (clients: TargetClients, id: string) => Promise<unknown>>> = {
  'i-': async ({ ec2 }, id) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })),
  'key-': async ({ ec2 }, id) => ec2.send(new DeleteKeyPairCommand({ KeyPairId: id })),
  'lt-': async ({ ec2 }, id) => ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId: id })),
  'vol-': async ({ ec2 }, id) => ec2.send(new DeleteVolumeCommand({ VolumeId: id })),
  'eni-': async ({ ec2 }, id) => ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id })),
  'sg-': async ({ ec2 }, id) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })),
  'snap-': async ({ ec2 }, id) => ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })),
  '/': async ({ ssm }, name) => deleteParameter(ssm, name),
};

/** Something uses it: a builder that shuts down needs its own until tomorrow. */
const IN_USE = [
  'VolumeInUse',
  'InvalidNetworkInterface.InUse',
  'DependencyViolation',
  'InvalidSnapshot.InUse',
];

/**
 * Removes them, and returns what was refused. Safe to repeat.
 *  @throws PackleaderError Throttled or ConnectionLost: a repetition finds what is left
 */
export async function removeOrphans(orphans: readonly Orphan[]): Promise<Leftover[]> {
  const refused = await inEveryTarget(groupedByTarget(orphans), async ({ all, ...target }) => {
    const clients = clientsFor(target);
    const left: Leftover[] = [];
    for (const [begins, remove] of Object.entries(REMOVALS)) {
      for (const orphan of all.filter(({ resourceId }) => resourceId.startsWith(begins))) {
        try {
          await remove(clients, orphan.resourceId);
        } catch (error) {
          const { name, message } = asFact(error);
          if (name === ERRORS.throttled || name === ERRORS.connectionLost) throw error;
          if (!hasCode(error, ...ABSENT, ...IN_USE)) left.push({ ...orphan, why: message });
        }
      }
    }
    return left;
  });
  return refused.flat();
}
