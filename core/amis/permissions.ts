/** What a release gives of its AMIs to other accounts, and takes back: docs/decisions/permissions.md. */
import {
  DescribeImageAttributeCommand,
  DescribeSnapshotAttributeCommand,
  type EC2Client,
  type LaunchPermission,
  ModifyImageAttributeCommand,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import { chunks } from '../aws/chunks.ts';
import type { TargetClients } from '../aws/clients.ts';
import { hasCode } from '../aws/errors.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import {
  type PermissionNote,
  type Permissions,
  permissionName,
  permissionNoteSchema,
} from '../contract/permissions.ts';
import { launchPermissionSchema } from '../contract/repoints.ts';
import { type Place, readJsonIfThere, writeJson } from '../releases/plan-store.ts';
import type { Markable } from './mark.ts';
import { NO_SUCH_AMI } from './usable.ts';

type EC2 = Pick<TargetClients, 'ec2'>;

/** What one call changes of a snapshot at most; of an AMI no limit is documented, but for 1,000 in all.
 *  @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html */
const CHANGES_PER_CALL = 500;

/** An AMI has few snapshots, and a target's bucket of calls is shared with everything else there. */
const SNAPSHOTS_AT_ONCE = 5;

/** Whom a release lets use an AMI. */
export interface Wanted {
  readonly launch: readonly LaunchPermission[];
  /** Account ids: each may make volumes of every snapshot. EC2 takes no organisations here. */
  readonly volumes: readonly string[];
}

/**
 * Lets others use an AMI. What was there, and what is given, is written down first. Safe to repeat, and to ask for more later: does only
 * what is missing.
 *  @param note where in the hub's bucket that is: one object for each AMI, which nobody else writes at the same time
 *  @throws PackleaderError NotReadyYet: EC2 does not show a permission yet. AwsCallFailed: EC2 refuses one, as of an account that
 *  does not exist, or of snapshots encrypted with alias/aws/ebs; nothing of that call is given then
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
 */
export async function grantPermissions(
  { ec2 }: EC2,
  note: Place,
  ami: Markable,
  wanted: Wanted,
): Promise<void> {
  const noted = await noteAt(note);
  // It is of an AMI that this release made before.
  if (noted && noted.imageId !== ami.imageId) await takeBackPermissions({ ec2 }, note);
  const asked = {
    launch: wanted.launch.map((one) => launchPermissionSchema.parse(one)),
    volumes: Object.fromEntries(ami.snapshotIds.map((id) => [id, [...wanted.volumes]])),
  };
  const has = await permissionsOf(ec2, ami.imageId, asked);
  const next = noteFor(ami.imageId, has, asked, noted?.imageId === ami.imageId ? noted : undefined);
  if (!isDeepStrictEqual(next, noted)) await writeJson(note, next);
  const missing = without(asked, has);
  if (isNothing(missing)) return;
  await change(ec2, ami.imageId, 'Add', missing);
  const still = without(missing, await permissionsOf(ec2, ami.imageId, missing));
  if (!isNothing(still)) throw notSeen(ami.imageId, still, 'not shared with');
}

/**
 * Takes back exactly what a release gave, and leaves what was there before. Does nothing where nothing was given. Of an AMI that is gone
 * or disabled EC2 keeps no permission, of its snapshots it does. Safe to repeat.
 *  @throws PackleaderError NotReadyYet: EC2 still shows a permission
 */
export async function takeBackPermissions({ ec2 }: EC2, note: Place): Promise<void> {
  const noted = await noteAt(note);
  if (!noted || isNothing(noted.given)) return;
  // A look before might show what was there a moment ago; to take away what is not there changes nothing.
  await change(ec2, noted.imageId, 'Remove', noted.given);
  const still = await stillGiven({ ec2 }, noted);
  if (!isNothing(still)) throw notSeen(noted.imageId, still, 'still shared with');
  await writeJson(note, { ...noted, given: NOTHING });
}

/** What an object of the bucket says of an AMI; undefined when the release has given nothing there so far. */
export async function noteAt(note: Place): Promise<PermissionNote | undefined> {
  const found = await readJsonIfThere(note);
  return found === undefined ? undefined : permissionNoteSchema.parse(found);
}

/** What a release gave, and EC2 shows. */
export async function stillGiven({ ec2 }: EC2, { imageId, given }: PermissionNote): Promise<Permissions> {
  const has = await permissionsOf(ec2, imageId, given);
  return without(given, without(given, has));
}

/** Whom it names, each once: for sentences. */
export const namesIn = ({ launch, volumes }: Permissions): string[] => [
  ...new Set([...launch.map(permissionName), ...Object.values(volumes).flat()]),
];

const NOTHING: Permissions = { launch: [], volumes: {} };

const isNothing = ({ launch, volumes }: Permissions): boolean =>
  launch.length === 0 && Object.values(volumes).every((accounts) => accounts.length === 0);

/** What is asked for adds to what was given before; what was there then, and the release did not give, it never will take away. */
function noteFor(
  imageId: string,
  has: Permissions,
  asked: Permissions,
  noted: PermissionNote | undefined,
): PermissionNote {
  const given = noted?.given ?? NOTHING;
  const before = without(has, given);
  const more = without(without(asked, before), given);
  return { imageId, before, given: together(given, more) };
}

/** Those of the one that are not in the other. */
function without(all: Permissions, others: Permissions): Permissions {
  const launched = new Set(others.launch.map(permissionName));
  return {
    launch: all.launch.filter((one) => !launched.has(permissionName(one))),
    volumes: Object.fromEntries(
      Object.entries(all.volumes).map(([id, accounts]) => {
        const known = new Set(others.volumes[id]);
        return [id, accounts.filter((account) => !known.has(account))];
      }),
    ),
  };
}

function together(one: Permissions, other: Permissions): Permissions {
  const ids = [...new Set([...Object.keys(one.volumes), ...Object.keys(other.volumes)])];
  return {
    launch: [...one.launch, ...other.launch],
    volumes: Object.fromEntries(
      ids.map((id) => [id, [...(one.volumes[id] ?? []), ...(other.volumes[id] ?? [])]]),
    ),
  };
}

/** Of an AMI, and of those of its snapshots that it is about: nobody is asked for what nobody wants to know. */
async function permissionsOf(ec2: EC2Client, ImageId: string, about: Permissions): Promise<Permissions> {
  const launch = about.launch.length === 0 ? [] : await launchPermissionsOf(ec2, ImageId);
  const ids = Object.entries(about.volumes).flatMap(([id, accounts]) => (accounts.length > 0 ? [id] : []));
  const volumes = await pMap(ids, async (id) => [id, await accountsThatMayCopy(ec2, id)] as const, {
    concurrency: SNAPSHOTS_AT_ONCE,
  });
  return { launch, volumes: Object.fromEntries(volumes) };
}

/** Nobody may launch an AMI that is gone. */
async function launchPermissionsOf(ec2: EC2Client, ImageId: string): Promise<Permissions['launch']> {
  try {
    const { LaunchPermissions = [] } = await ec2.send(
      new DescribeImageAttributeCommand({ ImageId, Attribute: 'launchPermission' }),
    );
    return LaunchPermissions.map((one) => launchPermissionSchema.parse(one));
  } catch (error) {
    if (hasCode(error, ...NO_SUCH_AMI)) return [];
    throw error;
  }
}

/** Of a snapshot that is gone nobody may make anything. */
async function accountsThatMayCopy(ec2: EC2Client, SnapshotId: string): Promise<string[]> {
  try {
    const { CreateVolumePermissions = [] } = await ec2.send(
      new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: 'createVolumePermission' }),
    );
    return CreateVolumePermissions.flatMap(({ UserId }) => UserId ?? []);
  } catch (error) {
    if (hasCode(error, 'InvalidSnapshot.NotFound')) return [];
    throw error;
  }
}

/** Snapshots come first when given, and last when taken back: who may launch an AMI may always read it as far as that was wanted. */
async function change(
  ec2: EC2Client,
  ImageId: string,
  how: 'Add' | 'Remove',
  { launch, volumes }: Permissions,
): Promise<void> {
  const unlessGone = async (effect: () => Promise<unknown>): Promise<void> => {
    try {
      await effect();
    } catch (error) {
      if (how === 'Add' || !hasCode(error, ...NO_SUCH_AMI, 'InvalidSnapshot.NotFound')) throw error;
    }
  };
  const ofSnapshots = async (): Promise<void> => {
    for (const [SnapshotId, accounts] of Object.entries(volumes))
      for (const some of chunks(accounts, CHANGES_PER_CALL))
        await unlessGone(async () =>
          ec2.send(
            new ModifySnapshotAttributeCommand({
              SnapshotId,
              CreateVolumePermission: { [how]: some.map((UserId) => ({ UserId })) },
            }),
          ),
        );
  };
  if (how === 'Add') await ofSnapshots();
  for (const some of chunks(launch, CHANGES_PER_CALL))
    await unlessGone(async () =>
      ec2.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { [how]: some } })),
    );
  if (how === 'Remove') await ofSnapshots();
}

const notSeen = (imageId: string, permissions: Permissions, what: string): PackleaderError =>
  new PackleaderError(
    ERRORS.notReadyYet,
    `EC2 shows ${imageId} as ${what} ${namesIn(permissions).slice(0, 5).join(', ')}`,
  );
