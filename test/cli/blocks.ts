/** What `release` and `watch` tell of each image, without what they say of the whole. */

/** The blocks of the releases: what stands between the first and the last lines. */
export const blocksOf = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('  … '))
    .join('\n')
    .replace(/^[^\n]* started\n/, '')
    .replaceAll(/\n {2}where the time of \S+ went\n(?: {4}[^\n]+\n)+/g, '')
    .replace(/\n\n[^\n]+\n[^\n]+\n$/, '\n');
