/** Versions of images, and the AMI names made of them. */
import { createHash } from 'node:crypto';
import { VERSION_PATTERN } from './settings.ts';

const LONGEST_SLUG = 20;

/** `1.4.20261121093000`, or `1.4.20261121093000-feature-x` from another branch than the default one. */
export function releaseVersion({
  majorMinor,
  startedAt,
  branch,
  defaultBranch,
}: {
  readonly majorMinor: string;
  /** ISO 8601; a time with another offset is converted to UTC. */
  readonly startedAt: string;
  readonly branch: string;
  readonly defaultBranch: string;
}): string {
  const timestamp = new Date(startedAt).toISOString().replace(/\D/g, '').slice(0, 14);
  const version = `${majorMinor}.${timestamp}`;
  return branch === defaultBranch ? version : `${version}-${branchSlug(branch)}`;
}

/** At most 20 characters of `[a-z0-9-]`; a short hash for a branch whose name has none of them. */
export function branchSlug(branch: string): string {
  const slug = branch
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, LONGEST_SLUG)
    .replace(/-$/, '');
  return slug === '' ? createHash('sha256').update(branch).digest('hex').slice(0, 8) : slug;
}

/** Whether it was released from another branch than the default one. */
export const isPrerelease = (version: string): boolean => version.includes('-');

/**
 * Negative when `a` is older than `b`, positive when it is newer, 0 when they are the same. Of two versions with the
 * same numbers the prerelease is older.
 *  @throws RangeError for something that is no version
 */
export function compareVersions(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  for (const [at, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.slug === right.slug) return 0;
  if (left.slug === '') return 1;
  if (right.slug === '') return -1;
  return left.slug < right.slug ? -1 : 1;
}

/** The same of `<major>.<minor>` alone. */
export function compareLines(a: string, b: string): number {
  const [major = 0, minor = 0] = partsOf(a).numbers;
  const [otherMajor = 0, otherMinor = 0] = partsOf(b).numbers;
  return major - otherMajor || minor - otherMinor;
}

function partsOf(version: string) {
  if (!VERSION_PATTERN.test(version))
    throw new RangeError(`found ${version}, a version looks like 1.4.20261121093000`);
  const dash = version.indexOf('-');
  const numbers = dash === -1 ? version : version.slice(0, dash);
  return { numbers: numbers.split('.').map(Number), slug: dash === -1 ? '' : version.slice(dash + 1) };
}

/** `<image>-<version>-g<7 of the commit>`: the same in every account. */
export const amiName = ({
  image,
  version,
  commit,
}: {
  readonly image: string;
  readonly version: string;
  readonly commit: string;
}): string => `${image}-${version}-g${commit.slice(0, 7)}`;
