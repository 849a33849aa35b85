/** What was released, as the hub's records tell it. */
import type { Revocation } from '../../core/contract/repoints.ts';
import type { ReleasedRecord } from '../../core/contract/releases.ts';
import { targetName } from '../../core/contract/targets.ts';
import { isRevoked } from '../../core/repoints/revocations.ts';
import { ReleaseNotFound } from '../errors.ts';
import type { HubOptions } from '../hub.ts';
import { type ReleasedVersion, openRecords } from './record-store.ts';

/** A release, as a history shows it. */
export interface HistoricRelease extends ReleasedVersion {
  readonly record: ReleasedRecord;
  /** Why it is revoked; null when it stands. */
  readonly revoked: Revocation | null;
}

/**
 * The latest releases of an image, or of all images, newest first. A prerelease leaves no record.
 *  @param options.limit 20 by default
 *  @throws ReleaseNotFound (no release of the image), RecordUnreadable, HubNotFound, HubUnknown, AccessDenied, NoCredentials,
 *    Throttled, HubUnreachable
 */
export async function releaseHistory(
  image?: string,
  options: HubOptions & { readonly limit?: number } = {},
): Promise<HistoricRelease[]> {
  const records = await openRecords(options);
  const versions = image === undefined ? await records.versions() : await records.versionsOf(image);
  const shown = versions.slice(0, options.limit ?? 20);
  const revocations = await records.revocations(image);
  const read = await records.readAll(shown);
  return shown.flatMap((version, index) => {
    const record = read[index];
    const revocation = revocations.get(version.releaseId);
    return record ? [{ ...version, record, revoked: isRevoked(revocation) ? revocation : null }] : [];
  });
}

/**
 * All that the hub keeps of a release.
 *  @param release `<image>@<version>`, or an image, whose newest release is meant
 *  @throws ReleaseNotFound, RecordUnreadable, HubNotFound, HubUnknown, AccessDenied, NoCredentials, Throttled, HubUnreachable
 */
export async function getReleaseRecord(release: string, options: HubOptions = {}): Promise<ReleasedRecord> {
  const records = await openRecords(options);
  return records.read(await records.find(release));
}

/**
 * The SBOM of a release, CycloneDX 1.5: what its AMIs hold, as JSON.
 *  @param release `<image>@<version>`, or an image, whose newest release is meant
 *  @param options.target whose AMI, as `<account>/<region>`; by default that of the first target
 *  @throws as {@link getReleaseRecord}; ReleaseNotFound also when none was left of that target, or of any
 */
export async function getSbom(
  release: string,
  options: HubOptions & { readonly target?: string } = {},
): Promise<string> {
  const records = await openRecords(options);
  const { releaseId, images, sboms = [] } = await records.read(await records.find(release));
  const known = images.map(targetName);
  const { target = known[0] ?? '' } = options;
  if (!known.includes(target))
    throw new ReleaseNotFound(`${releaseId} has no AMI in ${target}; it has some in ${known.join(', ')}`);
  const place = sboms.find(({ targets }) => targets === undefined || targets.includes(target));
  if (place === undefined)
    throw new ReleaseNotFound(
      `no SBOM was left of ${releaseId} in ${target}: its image lists no packages, or an older packleader released it`,
    );
  return records.text(place.key);
}

/**
 * What is kept of a release that was revoked, also when it was restored since; undefined when it never was.
 *  @param release `<image>@<version>`, or an image, whose newest release is meant
 *  @throws as {@link getReleaseRecord}
 */
export async function getRevocation(
  release: string,
  options: HubOptions = {},
): Promise<Revocation | undefined> {
  const records = await openRecords(options);
  const { releaseId, image } = await records.find(release);
  return (await records.revocations(image)).get(releaseId);
}
