/** Chance that the same seed repeats. Everybody has a stream of their own: one who asks more often changes nobody else's luck. */
import { createHash } from 'node:crypto';

export class Random {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** From 0 up to, and not including, 1. */
  next(): number {
    this.#count += 1;
    return createHash('sha256').update(`${this.#seed} ${this.#count}`).digest().readUInt32BE() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** Undefined of an empty list. */
  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.next() * list.length)];
  }
}
