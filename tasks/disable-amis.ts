import { disableAmi } from '../core/amis/mark.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { amisIn, plannedRepointSchema, readRepointPlan } from '../core/repoints/read-plan.ts';

/** Lets nobody launch anything from the AMIs of a version that is revoked, where that was asked for. Comes last: only then does no
 *  `latest` show them any more.
 *  In      { plan: { bucket, key } }
 *  Out     { disabled: 2 }, the number of AMIs
 *  Errors  NotReadyYet (EC2 still shows one as available)
 *  Repeat  safe: does only what is missing
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImage.html */
export async function handler(event: unknown): Promise<{ disabled: number }> {
  const { plan } = parseEvent(plannedRepointSchema, event);
  const amis = amisIn(await readRepointPlan(plan)).filter(({ disable }) => disable === true);
  await inEveryTarget(amis, async (ami) => disableAmi(clientsFor(ami), ami.imageId));
  return { disabled: amis.length };
}
