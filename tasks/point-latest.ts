import { clientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parameters } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { flipLatest, notReadBack } from '../core/publication/flip-latest.ts';
import { deleteParameter, readParameter } from '../core/publication/publication.ts';
import { amisIn, latestIn, plannedRepointSchema, readRepointPlan } from '../core/repoints/read-plan.ts';

/** Lets `latest` show the version of the plan in every target, or a newer one that was released meanwhile. Where no version stands any
 *  more, `latest` goes, unless it shows something else by now.
 *  In      { plan: { bucket, key } }
 *  Out     { pointed: 2 }, the number of parameters
 *  Errors  NotReadyYet (a value does not read back yet: SSM validates after it has answered)
 *  Repeat  safe: writes only what differs
 *  @see    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html */
export async function handler(event: unknown): Promise<{ pointed: number }> {
  const { plan } = parseEvent(plannedRepointSchema, event);
  const repoint = await readRepointPlan(plan);
  const targets = latestIn(repoint);
  const left = new Set(repoint.action === 'restore' ? [] : amisIn(repoint).map(({ imageId }) => imageId));
  await inEveryTarget(targets, async ({ image, version, imageId, was, ...target }) => {
    const clients = clientsFor(target);
    if (imageId !== null && version !== null) return flipLatest(clients, { image, version }, imageId, left);
    const latest = parameters.latest(image);
    const shown = async () => readParameter(clients.ssm, latest);
    if ((await shown()) !== was?.imageId) return undefined;
    await deleteParameter(clients.ssm, latest);
    const still = await shown();
    if (still === was?.imageId) throw notReadBack(latest, 'nothing', still);
    return undefined;
  });
  return { pointed: targets.length };
}
