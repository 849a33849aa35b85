/** Which files belong to which image. */

export interface Scope {
  /** Null for the files that the images share. */
  readonly image: string | null;
  readonly names: readonly string[];
}

export const imageOf = (name: string): string | null => /^images\/([^/]+)\/./.exec(name)?.[1] ?? null;

/** What the images share first; nothing for an image without such files. */
export const byImage = (names: readonly string[]): Scope[] =>
  [...Map.groupBy(names, imageOf)]
    .map(([image, of]) => ({ image, names: of.toSorted() }))
    .sort((a, b) => ((a.image ?? '') < (b.image ?? '') ? -1 : 1));
