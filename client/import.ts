/** Tags AMIs that were there before packleader, so that retiring looks after them. */
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  EC2Client,
  type Filter,
  type Image,
  type Snapshot,
  paginateDescribeImages,
  paginateDescribeSnapshots,
} from '@aws-sdk/client-ec2';
import { STSClient } from '@aws-sdk/client-sts';
import { snapshotIdsOf } from '../core/amis/release-images.ts';
import { chunks } from '../core/aws/chunks.ts';
import { hasCode } from '../core/aws/errors.ts';
import { targetName } from '../core/contract/targets.ts';
import {
  type FoundForImport,
  type PlannedImport,
  UNDONE,
  planImport,
  planUndo,
} from '../core/life/import-plan.ts';
import { type SessionCredentials, assumeRole, callerAccount } from './accounts.ts';
import { ImportFailed, ReleaseRefused, asClientError } from './errors.ts';
import { type HubOptions, hubOf } from './hub.ts';
import type { StagedTarget } from './seeing/where.ts';

export interface ImportOptions extends HubOptions {
  /** The image of the factory that the AMIs become versions of. */
  readonly image: string;
  /** As EC2’s DescribeImages takes them; all must match. At least one. */
  readonly filters: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly targets: readonly StagedTarget[];
  /** A role of every account to look and tag with; by default the caller’s own account only can be looked at. */
  readonly role?: string;
  /** Takes the tags of an import away again. */
  readonly undo?: boolean;
  /** Whether it is done; by default it is only planned. */
  readonly apply?: boolean;
  /** By default the real time. */
  readonly now?: () => Date;
}

export interface ImportResult {
  /** Whether it was done, or would be. */
  readonly applied: boolean;
  /** One for each AMI; without `resourceIds` it is as it should be already. */
  readonly amis: readonly PlannedImport[];
}

const DENIED = ['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException'];

/** Of a filter of EC2. */
const VALUES_PER_CALL = 200;

/**
 * Plans an import, or what takes one back, and does it where `apply` says so. Safe to repeat. Where an account refuses, what this
 * call has tagged is untagged again.
 *  @throws ReleaseRefused (no filter, nothing matched, AMIs that may not be imported), ImportFailed (an account could not be looked at
 *    or tagged), NoCredentials, HubUnknown
 */
export async function importImages(options: ImportOptions): Promise<ImportResult> {
  const { image, filters, targets, role, undo = false, apply = false, now = () => new Date() } = options;
  if (filters.length === 0)
    throw new ReleaseRefused('there is no filter: an import names what it takes, as in name=web-*');
  const { target: hub, client } = await hubOf(options);
  const own = client.config.credentials;
  const sts = new STSClient({ region: hub.region, credentials: own });
  const caller = await callerAccount(sts);
  const sessions = new Map<string, Promise<SessionCredentials>>();
  const ec2Of = async ({ accountId, region }: StagedTarget): Promise<EC2Client> => {
    if (role === undefined || accountId === caller) {
      if (accountId !== caller)
        throw new Error(`the credentials are of ${caller}; --as names a role of the account`);
      return new EC2Client({ region, credentials: own });
    }
    const session =
      sessions.get(accountId) ?? assumeRole(sts, { accountId, role, session: 'packleader-import' });
    sessions.set(accountId, session);
    return new EC2Client({ region, credentials: await session });
  };
  const asked = filters.map(({ name, values }) => ({ Name: name, Values: [...values] }));
  const accounts = new Set(targets.map(({ accountId }) => accountId));
  const clients = new Map<string, EC2Client>();
  const found: FoundForImport[] = [];
  for (const target of targets) {
    try {
      const ec2 = await ec2Of(target);
      clients.set(targetName(target), ec2);
      found.push(...(await lookIn(ec2, target, asked, accounts)));
    } catch (error) {
      throw failure(error, `nothing was done: cannot look into ${targetName(target)}`);
    }
  }
  if (found.length === 0)
    throw new ReleaseRefused(`the filter matches no AMI of ${[...accounts].join(', ')}`);
  const { planned, refused } = undo ? planUndo(image, found) : planImport(image, found, now().toISOString());
  if (refused.length > 0) throw new ReleaseRefused(refused.join('\n'));
  if (undo && planned.length === 0)
    throw new ReleaseRefused(`none of the ${found.length} AMIs that match was imported as ${image}`);
  if (apply) await applyAll(planned, clients, undo);
  return { applied: apply, amis: planned };
}

async function lookIn(
  ec2: EC2Client,
  target: StagedTarget,
  Filters: Filter[],
  accounts: ReadonlySet<string>,
): Promise<FoundForImport[]> {
  const [images, shared] = await Promise.all([
    imagesOf(ec2, { Owners: ['self'], Filters }),
    // What others have shared with this account: public AMIs are nobody's concern here.
    imagesOf(ec2, { ExecutableUsers: ['self'], Filters }),
  ]);
  const foreign = shared.find(({ OwnerId = '' }) => !accounts.has(OwnerId));
  if (foreign)
    throw new ReleaseRefused(
      `the filter matches ${foreign.ImageId} in ${targetName(target)} too, which belongs to ${foreign.OwnerId}: narrow it to AMIs of your own`,
    );
  const ids = images.flatMap(snapshotIdsOf);
  const snapshots: Snapshot[] = [];
  for (const Values of chunks(ids, VALUES_PER_CALL)) {
    const pages = paginateDescribeSnapshots(
      { client: ec2 },
      { OwnerIds: ['self'], Filters: [{ Name: 'snapshot-id', Values }] },
    );
    for await (const page of pages) snapshots.push(...(page.Snapshots ?? []));
  }
  return images.map((image) => {
    const own = new Set(snapshotIdsOf(image));
    return { target, image, snapshots: snapshots.filter(({ SnapshotId = '' }) => own.has(SnapshotId)) };
  });
}

async function imagesOf(
  ec2: EC2Client,
  input: { readonly Owners?: string[]; readonly ExecutableUsers?: string[]; readonly Filters: Filter[] },
): Promise<Image[]> {
  const pages = paginateDescribeImages(
    { client: ec2 },
    { ...input, IncludeDeprecated: true, IncludeDisabled: true },
  );
  return (await Array.fromAsync(pages)).flatMap((page) => page.Images ?? []);
}

/** All of them, or none: a version goes everywhere or nowhere, so it is there everywhere or nowhere. */
async function applyAll(
  planned: readonly PlannedImport[],
  clients: ReadonlyMap<string, EC2Client>,
  undo: boolean,
): Promise<void> {
  const done: PlannedImport[] = [];
  for (const one of planned.filter(({ resourceIds }) => resourceIds.length > 0)) {
    try {
      await (undo ? untag(one, clients) : tag(one, clients));
      done.push(one);
    } catch (error) {
      // A refusal changed nothing; of anything else nobody knows.
      const touched = hasCode(error, ...DENIED) ? done : [...done, one];
      const left = undo ? [] : await takeBack(touched, clients);
      const untagged = `${done.length} of ${planned.length} AMIs are untagged, and a repetition goes on`;
      const tagged =
        left.length === 0
          ? 'no AMI was tagged'
          : `these may be tagged, which --undo takes back: ${left.join(', ')}`;
      const rest = undo ? untagged : tagged;
      throw failure(error, `${rest}: cannot change the tags of ${one.imageId} in ${targetName(one)}`);
    }
  }
}

async function tag(one: PlannedImport, clients: ReadonlyMap<string, EC2Client>): Promise<void> {
  const Tags = Object.entries(one.tags).map(([Key, Value]) => ({ Key, Value }));
  await clients.get(targetName(one))?.send(new CreateTagsCommand({ Resources: [...one.resourceIds], Tags }));
}

async function untag(one: PlannedImport, clients: ReadonlyMap<string, EC2Client>): Promise<void> {
  const Tags = UNDONE.map((Key) => ({ Key }));
  for (const id of one.resourceIds)
    await clients.get(targetName(one))?.send(new DeleteTagsCommand({ Resources: [id], Tags }));
}

/** What could not be untagged. */
async function takeBack(
  done: readonly PlannedImport[],
  clients: ReadonlyMap<string, EC2Client>,
): Promise<string[]> {
  const left: string[] = [];
  for (const one of done) {
    try {
      await untag(one, clients);
    } catch {
      left.push(`${one.imageId} in ${targetName(one)}`);
    }
  }
  return left;
}

function failure(error: unknown, doing: string): unknown {
  if (error instanceof ReleaseRefused) return error;
  const told = asClientError(error, doing);
  if (told !== error || !(error instanceof Error)) return told;
  return new ImportFailed(`${doing}: ${error.message}`, { cause: error });
}
