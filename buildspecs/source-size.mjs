// How large a factory may be: every account bakes from one zip of it, in which nothing is compressed.

/**
 * `Plan releases` reads the zip into a function of 1 GiB, where it is three times over while it is unpacked: at 256 MiB it takes
 * 900 MiB. S3 and CodeBuild would take more.
 */
export const LARGEST_SOURCE_MIB = 200;

const MIB = 1024 * 1024;

/**
 * The file to blame, and what is wrong with it; undefined when they are not too large together.
 * @param {readonly { name: string, bytes: number }[]} files
 * @returns {{ name: string, message: string } | undefined}
 */
export function tooLarge(files) {
  const sum = files.reduce((all, { bytes }) => all + bytes, 0);
  if (sum <= LARGEST_SOURCE_MIB * MIB) return undefined;
  const [largest = { name: '.', bytes: 0 }] = files.toSorted((a, b) => b.bytes - a.bytes);
  /** @param {number} bytes */
  const mib = (bytes) => (bytes / MIB).toFixed(1);
  const message = `is the largest of the factory’s files, ${mib(largest.bytes)} of ${mib(sum)} MiB, must leave them at most ${LARGEST_SOURCE_MIB}: let the bake fetch what is large, from S3 for example`;
  return { name: largest.name, message };
}
