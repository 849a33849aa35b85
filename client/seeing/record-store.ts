/** The records of releases in the hub's bucket, as whoever may read them sees them. */
import { GetObjectCommand, S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { closest } from 'fastest-levenshtein';
import pMap from 'p-map';
import type * as z from 'zod';
import { compareVersions, versionStartedAt } from '../../core/configuration/version.ts';
import { keys } from '../../core/contract/keys.ts';
import { bucketName } from '../../core/contract/names.ts';
import { type Revocation, revocationSchema } from '../../core/contract/repoints.ts';
import { type ReleasedRecord, releasedRecordSchema } from '../../core/contract/releases.ts';
import type { Target } from '../../core/contract/targets.ts';
import { RecordUnreadable, ReleaseNotFound, asClientError } from '../errors.ts';
import { type HubOptions, hubOf } from '../hub.ts';

/** Objects read at the same time: as many as one client of the SDK has connections. */
const READS = 50;

/** A version that was released, as the list of records names it. */
export interface ReleasedVersion {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
  /** When the execution that released it started, ISO 8601. */
  readonly startedAt: string;
}

interface StoredKey {
  readonly key: string;
  readonly writtenAt: Date;
}

export class RecordStore {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #signal: AbortSignal | undefined;

  constructor(s3: S3Client, hub: Target, signal?: AbortSignal) {
    this.#s3 = s3;
    this.#bucket = bucketName({ hub });
    this.#signal = signal;
  }

  /** Of one image or of all, the newest first by their time. */
  async versions(image?: string): Promise<ReleasedVersion[]> {
    const found = await this.list(keys.releasedOf(image));
    return found
      .flatMap(({ key }) => {
        const [, name = '', version = ''] = /^released\/([^/]+)\/([^/]+)\.json$/.exec(key) ?? [];
        const startedAt = versionStartedAt(version)?.toISOString();
        return startedAt === undefined
          ? []
          : [{ releaseId: `${name}@${version}`, image: name, version, startedAt }];
      })
      .toSorted(
        (a, b) =>
          b.startedAt.localeCompare(a.startedAt) ||
          a.image.localeCompare(b.image) ||
          compareVersions(b.version, a.version),
      );
  }

  /**
   * Of one image, the newest first.
   *  @throws ReleaseNotFound when it was never released: names the images that were
   */
  async versionsOf(image: string): Promise<[ReleasedVersion, ...ReleasedVersion[]]> {
    const [newest, ...older] = await this.versions(image);
    if (newest !== undefined) return [newest, ...older];
    const known = [...new Set((await this.versions()).map((version) => version.image))].toSorted();
    throw new ReleaseNotFound(
      known.length === 0
        ? `no release of ${image} is recorded: there is no record yet in s3://${this.#bucket}`
        : `no release of ${image} is recorded; there are records of ${known.join(', ')}`,
    );
  }

  /**
   * What a person calls a release: `<image>@<version>`, or an image, whose newest release is meant.
   *  @throws ReleaseNotFound: names the images that there are, or the nearest version
   */
  async find(release: string): Promise<ReleasedVersion> {
    const [, image, version] = /^([^@]+)(?:@([^@]+))?$/.exec(release) ?? [];
    if (image === undefined)
      throw new ReleaseNotFound(
        `found "${release}", must be an image or <image>@<version>, like linux-base@1.4.20261121093000`,
      );
    const versions = await this.versionsOf(image);
    if (version === undefined) return versions[0];
    const found = versions.find((one) => one.version === version);
    if (found !== undefined) return found;
    const nearest = closest(
      version,
      versions.map((one) => one.version),
    );
    throw new ReleaseNotFound(`${release} was never released; the nearest is ${image}@${nearest}`);
  }

  /** @throws RecordUnreadable */
  async read({ image, version }: Pick<ReleasedVersion, 'image' | 'version'>): Promise<ReleasedRecord> {
    return this.#parsed(keys.released(image, version), releasedRecordSchema);
  }

  async readAll(versions: readonly Pick<ReleasedVersion, 'image' | 'version'>[]): Promise<ReleasedRecord[]> {
    return pMap(versions, async (version) => this.read(version), { concurrency: READS });
  }

  /**
   * What was ever revoked, of one image or of all, by release id.
   *  @throws RecordUnreadable
   */
  async revocations(image?: string): Promise<Map<string, Revocation>> {
    const found = await this.list(keys.revokedOf(image));
    const read = await pMap(found, async ({ key }) => this.#parsed(key, revocationSchema), {
      concurrency: READS,
    });
    return new Map(read.map((revocation) => [revocation.releaseId, revocation]));
  }

  async #parsed<S extends z.ZodType>(key: string, schema: S): Promise<z.infer<S>> {
    const parsed = schema.safeParse(jsonOf(await this.text(key)));
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new RecordUnreadable(`s3://${this.#bucket}/${key} cannot be read: ${issues.join('; ')}`);
  }

  /** The keys below a prefix, and when each was written. */
  async list(prefix: string): Promise<StoredKey[]> {
    return this.#asking(`list s3://${this.#bucket}/${prefix}`, async (options) => {
      const found: StoredKey[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client: this.#s3 },
        { Bucket: this.#bucket, Prefix: prefix },
        options,
      ))
        for (const { Key = '', LastModified = new Date(0) } of Contents)
          found.push({ key: Key, writtenAt: LastModified });
      return found;
    });
  }

  async text(key: string): Promise<string> {
    return this.#asking(`read s3://${this.#bucket}/${key}`, async (options) => {
      const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }), options);
      return (await Body?.transformToString()) ?? '';
    });
  }

  async #asking<T>(what: string, ask: (options: { abortSignal?: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#signal ? { abortSignal: this.#signal } : {});
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw asClientError(error, `cannot ${what}`);
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** @throws HubUnknown, NoCredentials */
export async function openRecords(options: HubOptions): Promise<RecordStore> {
  const { target, client } = await hubOf(options);
  const s3 = new S3Client({ region: target.region, credentials: client.config.credentials });
  return new RecordStore(s3, target, options.signal);
}
