import { compareVersions } from '../configuration/version.ts';
import type { ReleasedRecord } from '../contract/releases.ts';
import type { Revocation } from '../contract/repoints.ts';
import { Lineages } from '../releases/built-on.ts';
import { isRevoked } from './revocations.ts';

/** All that was ever released, and what of it was revoked. */
export class Releases {
  readonly lineages: Lineages;
  readonly #records: ReadonlyMap<string, ReleasedRecord>;
  readonly #revocations: ReadonlyMap<string, Revocation>;

  constructor(records: readonly ReleasedRecord[], revocations: ReadonlyMap<string, Revocation>) {
    this.#records = new Map(records.map((record) => [record.releaseId, record]));
    this.#revocations = revocations;
    this.lineages = new Lineages(records);
  }

  get(releaseId: string): ReleasedRecord | undefined {
    return this.#records.get(releaseId);
  }

  /** Of one image, the newest first. */
  of(image: string): ReleasedRecord[] {
    return [...this.#records.values()]
      .filter((record) => record.image === image)
      .toSorted((a, b) => compareVersions(b.version, a.version));
  }

  revocationOf(releaseId: string): Revocation | undefined {
    const revocation = this.#revocations.get(releaseId);
    return isRevoked(revocation) ? revocation : undefined;
  }

  /** Those that are not revoked, the newest first. */
  standing(image: string): ReleasedRecord[] {
    return this.of(image).filter(({ releaseId }) => !this.revocationOf(releaseId));
  }

  /** What stands and is built on one of these, each with the release that it is built on. */
  standingOn(releaseIds: readonly string[]): Map<string, string> {
    const found = releaseIds.flatMap((releaseId) => [...this.lineages.descendantsOf(releaseId)]);
    return new Map(found.filter(([child]) => !releaseIds.includes(child) && !this.revocationOf(child)));
  }
}
