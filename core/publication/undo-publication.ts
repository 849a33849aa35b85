import type { TargetClients } from '../aws/clients.ts';
import type { Leftover } from '../contract/leftovers.ts';
import { parameters } from '../contract/names.ts';
import type { Release } from '../contract/releases.ts';
import type { Target } from '../contract/targets.ts';
import { deleteParameter, readParameter } from './publication.ts';
import { putBackLatest } from './put-back-latest.ts';
import { findReleaseImages } from '../amis/release-images.ts';
import { publishedParameters } from '../amis/traces.ts';

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
