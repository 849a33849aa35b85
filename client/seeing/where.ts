/** Which version of which image every target has, and who runs it. */
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import pMap from 'p-map';
import { compareVersions, versionStartedAt } from '../../core/configuration/version.ts';
import { NAMES } from '../../core/contract/names.ts';
import type { ReleasedRecord } from '../../core/contract/releases.ts';
import type { Revocation } from '../../core/contract/repoints.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import { isRevoked } from '../../core/repoints/revocations.ts';
import { versionsByAge } from '../../core/publication/publication.ts';
import { type SessionCredentials, assumeRole, callerAccount } from '../accounts.ts';
import { type HubOptions, hubOf } from '../hub.ts';
import { type Looked, lookAt } from './look-at-target.ts';
import { RecordStore, type ReleasedVersion } from './record-store.ts';

export interface StagedTarget extends Target {
  readonly stage: string;
}

export interface WhereOptions extends HubOptions {
  /** One image; by default all that were ever released. */
  readonly image?: string;
  /** By default those that the newest release of each image went to. */
  readonly targets?: readonly StagedTarget[];
  /**
   * A role of every account that is looked with, the hub's too when the caller is not in it. By default the caller's own account is
   * looked at with their own credentials, and any other as its steward, which lets in the hub's tasks only, as a rule.
   */
  readonly role?: string;
  /** Whether instances are looked for; by default they are. */
  readonly instances?: boolean;
  /** By default the real time. */
  readonly now?: () => Date;
}

export interface PlacedVersion {
  readonly imageId: string;
  /** Null when no record and no tag tells it. */
  readonly version: string | null;
  /** Since the release started; null when the version is not known. */
  readonly ageDays: number | null;
  /** Whether another version of the image is the newest that stands; null when the version is not known. */
  readonly stale: boolean | null;
  /** Whether it is revoked; null when the version is not known. */
  readonly revoked: boolean | null;
}

export interface ImageInTarget {
  readonly image: string;
  /** Null when the image has no `latest` there. */
  readonly latest: PlacedVersion | null;
  /** Which AMIs of the image instances run; builders are none. Null when nobody could or should look. */
  readonly running: readonly (PlacedVersion & { readonly instanceIds: readonly string[] })[] | null;
}

export interface TargetSeen extends StagedTarget {
  /** Empty when `latest` could not be read. */
  readonly images: readonly ImageInTarget[];
  readonly notSeen: readonly {
    readonly what: 'latest' | 'instances' | 'tags of AMIs';
    readonly why: string;
  }[];
}

export interface Whereabouts {
  /** Of each image, the newest version that stands; where all are revoked, the newest that was released. */
  readonly newest: Readonly<Record<string, string>>;
  readonly targets: readonly TargetSeen[];
}

/** Targets that are looked at at the same time; each takes three calls, or a few more. */
const TARGETS = 25;

/**
 * Looks into every target; only reads. A target that cannot be read says why in `notSeen`, and stops nobody.
 *  @throws ReleaseNotFound (no release of the image), RecordUnreadable, HubNotFound, HubUnknown, AccessDenied (to the hub),
 *    NoCredentials, Throttled, HubUnreachable
 */
export async function whereImages(options: WhereOptions = {}): Promise<Whereabouts> {
  return (await lookAround(options)).where;
}

/** What was seen, and by what. */
export interface Around {
  readonly where: Whereabouts;
  /** Newest first by their time, with the record of each at the same place. */
  readonly versions: readonly ReleasedVersion[];
  readonly records: readonly ReleasedRecord[];
  /** By release id. */
  readonly revocations: ReadonlyMap<string, Revocation>;
  /** With the credentials that the records were read with. */
  readonly client: SFNClient;
}

/** @throws as {@link whereImages} */
export async function lookAround(options: WhereOptions): Promise<Around> {
  const { image, role, instances = true, now = () => new Date() } = options;
  const { target: hub, client } = await hubOf(options);
  const own = client.config.credentials;
  const sts = new STSClient({ region: hub.region, credentials: own });
  const caller = await callerAccount(sts);
  const elsewhere = role !== undefined && caller !== hub.accountId;
  const credentials = elsewhere ? await assume(hub.accountId, role) : own;
  const s3 = new S3Client({ region: hub.region, credentials });
  const records = new RecordStore(s3, hub, options.signal);
  const versions = image === undefined ? await records.versions() : await records.versionsOf(image);
  const revocations = await records.revocations(image);
  const isRevokedVersion = (name: string, version: string): boolean =>
    isRevoked(revocations.get(`${name}@${version}`));
  const byImage = Map.groupBy(versions, (version) => version.image);
  const newest = new Map(
    [...byImage]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, all]) => {
        const ordered = versionsByAge(all.map((one) => one.version));
        const version = ordered.find((one) => !isRevokedVersion(name, one)) ?? ordered[0];
        return version === undefined ? [] : [[name, version] as const];
      }),
  );
  const reading = records.readAll(versions);
  // Whoever looks into the targets meanwhile may fail first.
  reading.catch(() => undefined);
  const targets = options.targets ?? targetsOf(await reading, newest);
  const sessions = new Map<string, Promise<SessionCredentials | undefined>>();
  const seen = await pMap(
    targets,
    async (target) => ({
      target,
      looked: await lookAt(target, {
        images: [...newest.keys()],
        instances,
        credentials: async () => (await sessionOf(target.accountId)) ?? own(),
      }),
    }),
    { concurrency: TARGETS },
  );
  const read = await reading;
  const released = versionsByAmi(read);
  const at = now().getTime();
  return {
    where: {
      newest: Object.fromEntries(newest),
      targets: seen.map(({ target, looked }) => whatIsThere(target, looked)),
    },
    versions,
    records: read,
    revocations,
    client: elsewhere ? new SFNClient({ region: hub.region, credentials }) : client,
  };

  async function assume(accountId: string, name: string): Promise<SessionCredentials> {
    return assumeRole(sts, { accountId, role: name, session: 'packleader-where' });
  }

  /** One session an account, which all of its targets share; undefined: the caller's own credentials. */
  async function sessionOf(accountId: string): Promise<SessionCredentials | undefined> {
    if (role === undefined && accountId === caller) return undefined;
    const session = sessions.get(accountId) ?? assume(accountId, role ?? NAMES.stewardRole);
    sessions.set(accountId, session);
    return session;
  }

  function whatIsThere(target: StagedTarget, { latest, running, tagged, notSeen }: Looked): TargetSeen {
    const versionOf = (imageId: string): KnownVersion | undefined =>
      released.get(`${target.region}/${imageId}`) ?? tagged.get(imageId);
    const place = (name: string, imageId: string): PlacedVersion => {
      const known = versionOf(imageId);
      return { imageId, ...judged(name, known?.image === name ? known.version : undefined) };
    };
    return {
      stage: target.stage,
      accountId: target.accountId,
      region: target.region,
      images: latest
        ? [...newest.keys()].map((name) => {
            const imageId = latest.get(name);
            return {
              image: name,
              latest: imageId === undefined ? null : place(name, imageId),
              running: running && runningOf(name, running),
            };
          })
        : [],
      notSeen,
    };

    function runningOf(name: string, all: ReadonlyMap<string, readonly string[]>) {
      const found = [...all].flatMap(([imageId, instanceIds]) =>
        versionOf(imageId)?.image === name ? [{ ...place(name, imageId), instanceIds }] : [],
      );
      return found.toSorted((a, b) => compareVersions(b.version ?? '', a.version ?? ''));
    }
  }

  function judged(name: string, version: string | undefined): Omit<PlacedVersion, 'imageId'> {
    const startedAt = version === undefined ? undefined : versionStartedAt(version)?.getTime();
    const best = newest.get(name);
    if (version === undefined || startedAt === undefined || best === undefined)
      return { version: version ?? null, ageDays: null, stale: null, revoked: null };
    const ageDays = Math.max(0, Math.floor((at - startedAt) / 86_400_000));
    const revoked = isRevokedVersion(name, version);
    // What is newer and stands is being released at this moment.
    return { version, ageDays, stale: revoked || compareVersions(version, best) < 0, revoked };
  }
}

interface KnownVersion {
  readonly image: string;
  readonly version: string;
}

/** By `<region>/<AMI>`. */
const versionsByAmi = (records: readonly ReleasedRecord[]): Map<string, KnownVersion> =>
  new Map(
    records.flatMap(({ image, version, images }) =>
      images.map((ami) => [`${ami.region}/${ami.imageId}`, { image, version }] as const),
    ),
  );

/** Where the newest release of each image went to, stage by stage. */
function targetsOf(records: readonly ReleasedRecord[], newest: ReadonlyMap<string, string>): StagedTarget[] {
  const current = records.filter(({ image, version }) => newest.get(image) === version);
  const all = current.flatMap(({ images }) =>
    images.map(({ stage, accountId, region }) => ({ stage, accountId, region })),
  );
  return [...new Map(all.map((target) => [targetName(target), target])).values()];
}
