import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** The version of this package, such as 0.1.0. */
export const PACKAGE_VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;

/** Whether the first version comes after the second, both like 1.2.3 or 1.2.3-rc.1, which comes before 1.2.3. */
export function isNewer(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  const at = a.numbers.findIndex((number, index) => number !== (b.numbers[index] ?? 0));
  if (at >= 0) return (a.numbers[at] ?? 0) > (b.numbers[at] ?? 0);
  if (a.prerelease === '' || b.prerelease === '') return a.prerelease === '' && b.prerelease !== '';
  return a.prerelease.localeCompare(b.prerelease, 'en', { numeric: true }) > 0;
}

function partsOf(version: string) {
  const [, numbers = '', prerelease = ''] = /^([\d.]+)(?:-(.+))?$/.exec(version) ?? [];
  return { numbers: numbers.split('.').map(Number), prerelease };
}
