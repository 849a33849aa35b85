import type { ReleasedRecord } from '../contract/releases.ts';

type RecordedImage = ReleasedRecord['images'][number];

/** Which releases are built on which, by what their records say. */
export class Lineages {
  readonly #amis = new Map<string, string>();
  readonly #children = new Map<string, Set<string>>();

  constructor(records: readonly ReleasedRecord[]) {
    for (const { releaseId, images } of records)
      for (const { imageId } of images) this.#amis.set(imageId, releaseId);
    for (const { releaseId, images } of records)
      for (const base of this.basesOf(images)) {
        const children = this.#children.get(base) ?? new Set();
        this.#children.set(base, children.add(releaseId));
      }
  }

  releaseOfAmi(imageId: string): string | undefined {
    return this.#amis.get(imageId);
  }

  /** What is built on a release itself. */
  childrenOf(releaseId: string): string[] {
    return [...(this.#children.get(releaseId) ?? [])];
  }

  /** What is built on a release, and on that, the nearest first; each with the release that it is built on. */
  descendantsOf(releaseId: string): Map<string, string> {
    const found = new Map<string, string>();
    const at = [releaseId];
    for (const base of at)
      for (const child of this.childrenOf(base)) {
        if (child === releaseId || found.has(child)) continue;
        found.set(child, base);
        at.push(child);
      }
    return found;
  }

  basesOf(images: readonly RecordedImage[]): Set<string> {
    return new Set(images.flatMap((image) => this.baseOf(image) ?? []));
  }

  /** As the record says it, else by the version that was pinned, else by whose AMI it was. */
  baseOf({ builtOn, sourceAmi, sourceImageId }: RecordedImage): string | undefined {
    if (builtOn !== undefined) return builtOn;
    if (sourceAmi && 'image' in sourceAmi && sourceAmi.version !== undefined)
      return `${sourceAmi.image}@${sourceAmi.version}`;
    return sourceImageId === undefined ? undefined : this.#amis.get(sourceImageId);
  }
}
