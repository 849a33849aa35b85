/** All of a list, in order, in parts of at most `size`: for calls of AWS that take only so many at once. None of an empty list. */
export function chunks<T>(all: readonly T[], size: number): T[][] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, index) => all.slice(index * size, (index + 1) * size));
}
