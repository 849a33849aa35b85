import type { TargetClients } from './aws-clients.ts';
import { type Leftover, type Release, type Target, parameters } from './contract.ts';
import { deleteParameter, readParameter } from './publication.ts';
import { putBackLatest } from './put-back-latest.ts';
import { findReleaseImages } from './release-images.ts';
import { publishedParameters } from './traces.ts';

/**
 * Takes one release out of consumers' sight in one target: `latest` goes back to what it would be without it, and the parameter
 * of the version goes. Looks again afterwards: what is still there is a leftover.
 */
export async function undoPublication(
  clients: TargetClients,
  target: Target,
  release: Release,
): Promise<Leftover[]> {
  const { ssm, ec2 } = clients;
  const version = parameters.version(release.image, release.version);
  const images = await findReleaseImages(ec2, release);
  const published = await readParameter(ssm, version);
  const ours = [...images.map(({ ImageId }) => ImageId), published].filter((id) => id !== undefined);
  const isPutBack = await putBackLatest(clients, release, ours);
  if (published !== undefined) await deleteParameter(ssm, version);
  else if (!isPutBack) return [];
  const left = await publishedParameters(clients, release, images);
  const { accountId, region } = target;
  return left.map((resourceId) => ({ accountId, region, resourceId, why: 'it still points at the release' }));
}
