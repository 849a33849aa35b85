/** What releases are built on, and what is built on them. */
import type { ReleasedRecord } from '../../core/contract/releases.ts';
import type { SourceAmi } from '../../core/contract/source-amis.ts';
import { targetName } from '../../core/contract/targets.ts';
import { Lineages } from '../../core/releases/built-on.ts';
import { ReleaseNotFound } from '../errors.ts';
import type { HubOptions } from '../hub.ts';
import { openRecords } from './record-store.ts';

/** A source AMI that is no release of this factory, or of which nobody knows which. */
export interface LineageSource {
  /** Null when the record does not say. */
  readonly imageId: string | null;
  /** What it was found by; null when the record does not say. */
  readonly sourceAmi: SourceAmi | null;
  /** Where it was started from, as `<account>/<region>`. */
  readonly targets: readonly string[];
}

export interface Ancestry {
  readonly releaseId: string;
  /** The releases it was built on: one, unless targets differ in their source. */
  readonly builtOn: readonly Ancestry[];
  readonly sources: readonly LineageSource[];
}

export interface Descent {
  readonly releaseId: string;
  readonly builds: readonly Descent[];
}

export interface Lineage {
  /** Null for an AMI that is no release of this factory, but a source. */
  readonly release: Ancestry | null;
  /** What is built on it, oldest first. */
  readonly builds: readonly Descent[];
}

/**
 * From a release up to the AMI of the publisher, and down to everything that is built on it.
 *  @param asked an image, whose newest release is meant, `<image>@<version>`, or the id of an AMI: of a release, or of a source
 *  @throws ReleaseNotFound, RecordUnreadable, HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function releaseLineage(asked: string, options: HubOptions = {}): Promise<Lineage> {
  const records = await openRecords(options);
  const isAmi = /^ami-[0-9a-f]+$/.test(asked);
  const found = isAmi ? undefined : await records.find(asked);
  const family = new Family(await records.readAll((await records.versions()).toReversed()));
  const releaseId = found?.releaseId ?? family.releaseOfAmi(asked);
  if (releaseId !== undefined)
    return { release: family.ancestry(releaseId), builds: family.builtOn(releaseId) };
  const builds = family.startedFrom(asked);
  if (builds.length > 0) return { release: null, builds };
  throw new ReleaseNotFound(`no record knows ${asked}: no release made it, and none was built on it`);
}

type RecordedImage = ReleasedRecord['images'][number];

/** All releases, and which is built on which. */
class Family {
  readonly #records: ReadonlyMap<string, ReleasedRecord>;
  readonly #lineages: Lineages;

  constructor(records: readonly ReleasedRecord[]) {
    this.#records = new Map(records.map((record) => [record.releaseId, record]));
    this.#lineages = new Lineages(records);
  }

  releaseOfAmi(imageId: string): string | undefined {
    return this.#lineages.releaseOfAmi(imageId);
  }

  ancestry(releaseId: string, above: readonly string[] = []): Ancestry {
    const images = this.#records.get(releaseId)?.images ?? [];
    const line = [...above, releaseId];
    const bases = [...this.#lineages.basesOf(images)].filter((base) => !line.includes(base));
    const roots = images.filter((image) => this.#lineages.baseOf(image) === undefined);
    return {
      releaseId,
      builtOn: bases.map((base) => this.ancestry(base, line)),
      sources: sourcesOf(roots),
    };
  }

  builtOn(releaseId: string, above: readonly string[] = []): Descent[] {
    const line = [...above, releaseId];
    const children = this.#lineages.childrenOf(releaseId).filter((child) => !line.includes(child));
    return children.map((child) => ({ releaseId: child, builds: this.builtOn(child, line) }));
  }

  startedFrom(imageId: string): Descent[] {
    return [...this.#records.values()]
      .filter(({ images }) => images.some((image) => image.sourceImageId === imageId))
      .map(({ releaseId }) => ({ releaseId, builds: this.builtOn(releaseId) }));
  }
}

function sourcesOf(images: readonly RecordedImage[]): LineageSource[] {
  const sources = new Map<string, LineageSource & { targets: string[] }>();
  for (const { sourceImageId: imageId = null, sourceAmi = null, ...target } of images) {
    const key = JSON.stringify([imageId, sourceAmi]);
    const source = sources.get(key) ?? { imageId, sourceAmi, targets: [] };
    sources.set(key, source);
    source.targets.push(targetName(target));
  }
  return [...sources.values()];
}
