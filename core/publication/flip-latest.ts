import type { TargetClients } from '../aws/clients.ts';
import { isUsable } from '../amis/usable.ts';
import { compareVersions } from '../configuration/version.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parameters } from '../contract/names.ts';
import type { Release } from '../contract/releases.ts';
import {
  publishedVersions,
  readParameter,
  readStored,
  versionsByAge,
  writeParameter,
} from './publication.ts';

/**
 * Lets `latest` of one target show a version, or a newer one that is published and can be used: of two at once the newer one
 * wins, whichever comes last.
 *  @param left AMIs that were marked just now: EC2 may still show them as they were
 *  @throws PackleaderError NotReadyYet: SSM validates after it has answered, so it may be stored a moment later
 */
export async function flipLatest(
  { ssm, ec2 }: Pick<TargetClients, 'ssm' | 'ec2'>,
  { image, version }: Pick<Release, 'image' | 'version'>,
  own: string,
  left: ReadonlySet<string> = new Set(),
): Promise<void> {
  const latest = parameters.latest(image);
  const newest = await newestImageId();
  if ((await readParameter(ssm, latest)) === newest) return;
  const written = await writeParameter(ssm, latest, newest);
  const stored = await readStored(ssm, latest);
  // Until SSM has validated what was written here, the value is another release's, and will be overwritten.
  if (stored?.value !== (await newestImageId()) || stored.number < written)
    throw notReadBack(latest, newest, stored?.value);

  /**
   * A list may lag behind what was read back a moment ago: this version counts in any case. A newer one counts where its AMI
   * can be used.
   */
  async function newestImageId(): Promise<string> {
    const published = await publishedVersions(ssm, image);
    for (const newer of versionsByAge([...published.keys()])) {
      if (compareVersions(newer, version) <= 0) break;
      const imageId = published.get(newer) ?? '';
      if (!left.has(imageId) && (await isUsable(ec2, imageId))) return imageId;
    }
    return own;
  }
}

export const notReadBack = (name: string, wanted: string, found: string | undefined): PackleaderError =>
  new PackleaderError(ERRORS.notReadyYet, `${name} reads ${found ?? 'nothing'}, expected ${wanted}`);
