/** Numbers that look random and are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many different things of a list, in an order of their own. */
export function sample<T>(list: readonly T[], count: number, random: () => number): T[] {
  const left = [...list];
  const chosen: T[] = [];
  while (chosen.length < count && left.length > 0) {
    const index = Math.floor(random() * left.length);
    const [one] = left.splice(index, 1);
    if (one !== undefined) chosen.push(one);
    const last = left.pop();
    if (last !== undefined) left.splice(Math.min(index, left.length), 0, last);
  }
  return chosen;
}
