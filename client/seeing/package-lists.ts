/** The lists of packages that bakes left in the hub's bucket. */
import * as z from 'zod';
import { versionStartedAt } from '../../core/configuration/version.ts';
import { MOST_APPROVAL_HOURS } from '../../core/contract/limits.ts';
import { BAKE_FILES, keys } from '../../core/contract/keys.ts';
import type { ReleasedRecord } from '../../core/contract/releases.ts';
import { targetName } from '../../core/contract/targets.ts';
import { AccessDenied } from '../errors.ts';
import type { RecordStore } from './record-store.ts';

/** Packer's own manifest, as far as it says which AMI was made. */
const manifestSchema = z.object({ builds: z.array(z.object({ artifact_id: z.string() })) });

/** Longer than the longest bake, its wait for a free build, and what the stages may wait for approval: what was written later is of another release. */
const LONGEST_RELEASE_MS = (2 * 24 + MOST_APPROVAL_HOURS) * 60 * 60_000;

type Found = { readonly text: string } | { readonly why: string };

/**
 * A record knows an AMI and its account, and what each bake of the account left says which AMI it made. Of these only those
 * are read that were written while the release ran.
 */
export class PackageLists {
  readonly #records: RecordStore;
  readonly #listed = new Map<string, ReturnType<RecordStore['list']>>();

  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** The list of one target, or why there is none. */
  async of(record: ReleasedRecord, target: string): Promise<Found> {
    const ami = record.images.find((image) => targetName(image) === target);
    const startedAt = versionStartedAt(record.version)?.getTime();
    if (ami === undefined || startedAt === undefined) return { why: 'it has no AMI there' };
    try {
      const left = await this.#left(ami.accountId);
      const manifests = left.filter(
        ({ key, writtenAt }) =>
          key.endsWith(`/${BAKE_FILES.manifest}`) &&
          writtenAt.getTime() >= startedAt &&
          writtenAt.getTime() <= startedAt + LONGEST_RELEASE_MS,
      );
      const made = `${ami.region}:${ami.imageId}`;
      const folders = await Promise.all(
        manifests.map(async ({ key }) =>
          (await this.#made(key)).includes(made) ? [key.slice(0, -BAKE_FILES.manifest.length)] : [],
        ),
      );
      const [folder] = folders.flat();
      if (folder === undefined) return { why: 'what its bake left is not kept any more' };
      const list = `${folder}${BAKE_FILES.packages}`;
      if (!left.some(({ key }) => key === list)) return { why: 'the image lists no packages' };
      return { text: await this.#records.text(list) };
    } catch (error) {
      if (error instanceof AccessDenied) return { why: error.message };
      throw error;
    }
  }

  async #left(accountId: string): ReturnType<RecordStore['list']> {
    const listed = this.#listed.get(accountId) ?? this.#records.list(`${keys.bakes(accountId)}/`);
    this.#listed.set(accountId, listed);
    return listed;
  }

  async #made(key: string): Promise<string[]> {
    const { builds } = manifestSchema.parse(JSON.parse(await this.#records.text(key)));
    return builds.map((build) => build.artifact_id);
  }
}
