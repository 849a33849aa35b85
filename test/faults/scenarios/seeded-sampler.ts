import { createHash } from 'node:crypto';

/**
 * Chooses by a number that follows from the seed and a thing's name: the same seed chooses the same things, also where a few
 * others came to the list or left it.
 */
export class SeededSampler {
  readonly #seed: number;
  /** Takes everything of what else is sampled; what has to be played to be known stays sampled. */
  readonly #isExhaustive: boolean;

  constructor(seed: number, isExhaustive = false) {
    this.#seed = seed;
    this.#isExhaustive = isExhaustive;
  }

  /** So many of a list, in an order of their own. */
  sample<T>(list: readonly T[], count: number, nameOf: (one: T) => string): T[] {
    const ranked = list.map((one) => ({ one, rank: this.#rank(nameOf(one)) }));
    const sorted = ranked.toSorted((a, b) => (a.rank < b.rank ? -1 : 1));
    return sorted.slice(0, Math.max(0, count)).map(({ one }) => one);
  }

  /** So many of a list, or all of it. */
  sampleOrAll<T>(list: readonly T[], count: number, nameOf: (one: T) => string): T[] {
    return this.#isExhaustive ? [...list] : this.sample(list, count, nameOf);
  }

  #rank(name: string): string {
    return createHash('sha256').update(`${this.#seed} ${name}`).digest('hex');
  }
}
