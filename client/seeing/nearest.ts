import { closest } from 'fastest-levenshtein';

/** The one of the versions that looks most like what was typed. */
export const nearestOf = (typed: string, versions: readonly string[]): string =>
  closest(typed, [...versions]);
