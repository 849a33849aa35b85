import { DescribeImagesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { type SSMClient, paginateGetParameterHistory } from '@aws-sdk/client-ssm';
import type { TargetClients } from './aws-clients.ts';
import { hasCode } from './aws-errors.ts';
import { type Leftover, type Release, type Target, parameters } from './contract.ts';
import {
  deleteParameter,
  publishedVersions,
  readParameter,
  versionsByAge,
  writeParameter,
} from './publication.ts';
import { findReleaseImages } from './release-images.ts';
import { publishedParameters } from './traces.ts';

/**
 * Takes one release out of consumers' sight in one target: `latest` goes back to what it was, if it is still ours, and the
 * parameter of the version goes. Looks again afterwards: what is still there is a leftover.
 */
export async function undoPublication(
  clients: TargetClients,
  target: Target,
  release: Release,
): Promise<Leftover[]> {
  const { ssm, ec2 } = clients;
  const version = parameters.version(release.image, release.version);
  const latest = parameters.latest(release.image);
  const images = await findReleaseImages(ec2, release);
  const found = await publishedParameters(clients, release, images);
  if (found.includes(latest)) {
    const ours = [...images.map(({ ImageId }) => ImageId), await readParameter(ssm, version)];
    const before = await imageBefore(clients, release, ours);
    if (before === undefined) await deleteParameter(ssm, latest);
    else await writeParameter(ssm, latest, before);
  }
  if (found.includes(version)) await deleteParameter(ssm, version);
  const left = found.length === 0 ? [] : await publishedParameters(clients, release, images);
  const { accountId, region } = target;
  return left.map((resourceId) => ({ accountId, region, resourceId, why: 'it still points at the release' }));
}

/** The newest version that is left and exists; where something else set `latest` before, the newest such value that exists. */
async function imageBefore(
  { ssm, ec2 }: TargetClients,
  release: Release,
  ours: readonly (string | undefined)[],
): Promise<string | undefined> {
  const published = await publishedVersions(ssm, release.image);
  published.delete(release.version);
  const candidates = [
    ...versionsByAge([...published.keys()]).map((version) => published.get(version)),
    ...(await earlierValues(ssm, parameters.latest(release.image))),
  ];
  for (const candidate of candidates) {
    if (candidate !== undefined && !ours.includes(candidate) && (await exists(ec2, candidate)))
      return candidate;
  }
  return undefined;
}

/** What a parameter held, newest first. */
async function earlierValues(ssm: SSMClient, name: string): Promise<(string | undefined)[]> {
  const pages = await Array.fromAsync(paginateGetParameterHistory({ client: ssm }, { Name: name }));
  const versions = pages.flatMap((page) => page.Parameters ?? []);
  return versions.toSorted((a, b) => (b.Version ?? 0) - (a.Version ?? 0)).map(({ Value }) => Value);
}

async function exists(ec2: EC2Client, imageId: string): Promise<boolean> {
  try {
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }));
    return Images.length > 0;
  } catch (error) {
    if (hasCode(error, 'InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable', 'InvalidAMIID.Malformed'))
      return false;
    throw error;
  }
}
