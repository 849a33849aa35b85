import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { compareVersions } from '../core/configuration/version.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { parameters } from '../core/contract/names.ts';
import { type Release, releaseSchema } from '../core/contract/releases.ts';
import { amiSchema } from '../core/contract/targets.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { isUsable } from '../core/amis/usable.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import {
  publishedVersions,
  readParameter,
  readStored,
  versionsByAge,
  writeParameter,
} from '../core/publication/publication.ts';

const eventSchema = z.object({ release: releaseSchema, amis: z.record(z.string(), z.array(amiSchema)) });

/** The pivot: lets consumers find the release. First every target gets the parameter of the version; only when all of
 *  them read back does `latest` flip. `latest` converges to the newest version that can be used, so
 *  that of two releases at once the newer one wins, whichever comes last. A prerelease never touches `latest`.
 *  In      { release, amis: { dev: [{ accountId, region, imageId }], prod: … } }
 *  Out     { published: 2 }, the number of targets
 *  Errors  NotReadyYet (a value does not read back yet: SSM validates after it has answered)
 *  Repeat  safe: writes only what differs
 *  @see    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html */
export async function handler(event: unknown): Promise<{ published: number }> {
  const { release, amis } = parseEvent(eventSchema, event);
  const all = Object.values(amis).flat();
  const version = parameters.version(release.image, release.version);
  await inEveryTarget(all, async (ami) => {
    const { ssm } = clientsFor(ami);
    if ((await readParameter(ssm, version)) !== ami.imageId) await writeParameter(ssm, version, ami.imageId);
  });
  await inEveryTarget(all, async (ami) => {
    const value = await readParameter(clientsFor(ami).ssm, version);
    if (value !== ami.imageId) throw notReadyYet(version, ami.imageId, value);
  });
  if (!release.prerelease) await inEveryTarget(all, async (ami) => flipLatest(ami, release));
  return { published: all.length };
}

async function flipLatest(ami: z.infer<typeof amiSchema>, { image, version }: Release): Promise<void> {
  const { ssm, ec2 } = clientsFor(ami);
  const latest = parameters.latest(image);
  const newest = await newestImageId();
  if ((await readParameter(ssm, latest)) === newest) return;
  const written = await writeParameter(ssm, latest, newest);
  const stored = await readStored(ssm, latest);
  // Until SSM has validated what was written here, the value is another release's, and will be overwritten.
  if (stored?.value !== (await newestImageId()) || stored.number < written)
    throw notReadyYet(latest, newest, stored?.value);

  /**
   * A list may lag behind what was read back a moment ago: this release's own version counts in any case. A newer one
   * counts where its AMI can be used.
   */
  async function newestImageId(): Promise<string> {
    const published = await publishedVersions(ssm, image);
    for (const newer of versionsByAge([...published.keys()])) {
      if (compareVersions(newer, version) <= 0) break;
      const imageId = published.get(newer) ?? '';
      if (await isUsable(ec2, imageId)) return imageId;
    }
    return ami.imageId;
  }
}

function notReadyYet(name: string, wanted: string, found: string | undefined): PackleaderError {
  return new PackleaderError(ERRORS.notReadyYet, `${name} reads ${found ?? 'nothing'}, expected ${wanted}`);
}
