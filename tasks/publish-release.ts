import * as z from 'zod';
import { clientsFor } from '../core/aws/clients.ts';
import { letConsumersLaunch } from '../core/amis/consumers.ts';
import { parameters } from '../core/contract/names.ts';
import { plannedReleaseSchema, releaseSchema } from '../core/contract/releases.ts';
import { amiSchema } from '../core/contract/targets.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { flipLatest, notReadBack } from '../core/publication/flip-latest.ts';
import { readParameter, writeParameter } from '../core/publication/publication.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';

const eventSchema = z.object({
  release: releaseSchema,
  amis: z.record(z.string(), z.array(amiSchema)),
  run: runSchema,
  /** Where it says who may launch the AMIs besides; missing where nobody may. */
  plan: plannedReleaseSchema.shape.plan.optional(),
});

/** The pivot: lets consumers find the release. First whoever else may launch the AMIs is let do so; then every target gets the parameter of the version; only when all of
 *  them read back does `latest` flip. `latest` converges to the newest version that can be used, so
 *  that of two releases at once the newer one wins, whichever comes last. A prerelease never touches `latest`.
 *  In      { release, amis: { dev: [{ accountId, region, imageId }], prod: … }, plan?: { bucket, prefix, shares? } }
 *  Out     { published: 2, consumers?: 3 }, the number of targets, and of who else may launch
 *          AMIs
 *  Errors  NotReadyYet (a value does not read back yet: SSM validates after it has answered), ReleaseRetried
 *  Repeat  safe: writes only what differs
 *  @see    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html */
export async function handler(event: unknown): Promise<{ published: number; consumers?: number }> {
  const { release, amis, run, plan } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const all = Object.values(amis).flat();
  const consumers = plan?.shares && (await letConsumersLaunch(plan, release, all));
  const version = parameters.version(release.image, release.version);
  await inEveryTarget(all, async (ami) => {
    const { ssm } = clientsFor(ami);
    if ((await readParameter(ssm, version)) !== ami.imageId) await writeParameter(ssm, version, ami.imageId);
  });
  await inEveryTarget(all, async (ami) => {
    const value = await readParameter(clientsFor(ami).ssm, version);
    if (value !== ami.imageId) throw notReadBack(version, ami.imageId, value);
  });
  if (!release.prerelease)
    await inEveryTarget(all, async (ami) => flipLatest(clientsFor(ami), release, ami.imageId));
  return { published: all.length, ...(consumers !== undefined && { consumers }) };
}
