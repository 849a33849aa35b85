/** What would keep a release from becoming `latest`, looked at before anything is baked. */
import { type ParameterHistory, type SSMClient, paginateGetParameterHistory } from '@aws-sdk/client-ssm';
import type { TargetClients } from '../aws/clients.ts';
import { isUsable } from '../amis/usable.ts';
import { compareLines, compareVersions } from '../configuration/version.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parameters } from '../contract/names.ts';
import type { Release } from '../contract/releases.ts';
import { publishedVersions, readStored, versionsByAge } from './publication.ts';

/** How many values of a parameter SSM keeps.
 *  @see https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html */
const VALUES_KEPT = 100;

/** `latest` is written when a release is published, and once more when that is withdrawn. */
const WRITES = 2;

/**
 * Refuses a release that `latest` of one target could not show. One of another branch than the default one never becomes it.
 *  @throws PackleaderError VersionTooLow, LatestIsFull
 */
export async function refuseUnpublishable(
  { ssm, ec2 }: Pick<TargetClients, 'ssm' | 'ec2'>,
  release: Release,
): Promise<void> {
  if (release.prerelease) return;
  await refuseLower({ ssm, ec2 }, release);
  await refuseFull(ssm, parameters.latest(release.image));
}

/**
 * A release that only started before another one may come after it: of one `major.minor`, the newer one stays. A lower
 * `major.minor` would be baked, published, and never be shown.
 */
async function refuseLower(
  { ssm, ec2 }: Pick<TargetClients, 'ssm' | 'ec2'>,
  { image, version }: Release,
): Promise<void> {
  const published = await publishedVersions(ssm, image);
  for (const other of versionsByAge([...published.keys()])) {
    if (compareVersions(other, version) <= 0 || compareLines(other, version) === 0) return;
    const imageId = published.get(other) ?? '';
    if (!(await isUsable(ec2, imageId))) continue;
    throw new PackleaderError(
      ERRORS.versionTooLow,
      `${image}@${version} would never be latest here: ${other} is published (${imageId}). Raise version in images/${image}/image.yaml above it; or, if that version was a mistake, packleader revoke ${image}@${other} --reason "…".`,
    );
  }
}

/** SSM drops the oldest value for a new one, but never one that has a label. */
async function refuseFull(ssm: SSMClient, name: string): Promise<void> {
  const stored = await readStored(ssm, name);
  if (stored === undefined || stored.number + WRITES <= VALUES_KEPT) return;
  const pages = await Array.fromAsync(paginateGetParameterHistory({ client: ssm }, { Name: name }));
  const values = pages
    .flatMap((page) => page.Parameters ?? [])
    .toSorted((a, b) => (a.Version ?? 0) - (b.Version ?? 0));
  const dropped = Math.max(0, values.length + WRITES - VALUES_KEPT);
  const kept = values.slice(0, dropped).find(({ Labels = [] }) => Labels.length > 0);
  if (kept === undefined) return;
  throw new PackleaderError(ERRORS.latestIsFull, sentence(name, values.length, kept));
}

function sentence(name: string, count: number, { Version = 0, Labels = [] }: ParameterHistory): string {
  const labels = Labels.join(' ');
  return `${name} has ${count} of the ${VALUES_KEPT} values that SSM keeps, and the old value ${Version} has the label ${Labels.join(', ')}, so that SSM would not drop it for a new one: aws ssm unlabel-parameter-version --name ${name} --parameter-version ${Version} --labels ${labels}`;
}
