/** Which files belong to which image, and to which template. */
import { templateOf } from '../../core/configuration/factory.ts';

export interface Scope {
  /** Null for the files that images share. */
  readonly image: string | null;
  readonly names: readonly string[];
}

export const imageOf = (name: string): string | null => /^images\/([^/]+)\/./.exec(name)?.[1] ?? null;

/** Whether every image may use it, whatever its template. */
export const isSharedByAll = (name: string): boolean => imageOf(name) === null && templateOf(name) === null;

/** What the images share first; nothing for an image without such files. */
export const byImage = (names: readonly string[]): Scope[] =>
  [...Map.groupBy(names, imageOf)]
    .map(([image, of]) => ({ image, names: of.toSorted() }))
    .sort((a, b) => ((a.image ?? '') < (b.image ?? '') ? -1 : 1));
