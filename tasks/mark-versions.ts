import { markAmi } from '../core/amis/mark.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { stateAfter } from '../core/repoints/marks.ts';
import { amisIn, plannedRepointSchema, readRepointPlan } from '../core/repoints/read-plan.ts';

/** Marks the AMIs of versions, and their snapshots, as revoked, or as released again. The mark is in the account, where everything looks
 *  that chooses a source or sets `latest`: nothing converges to a version that has it.
 *  In      { plan: { bucket, key } }
 *  Out     { marked: 2 }, the number of AMIs
 *  Errors  NotReadyYet (EC2 does not show the tags yet)
 *  Repeat  safe: writes only where a tag differs
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html */
export async function handler(event: unknown): Promise<{ marked: number }> {
  const { plan } = parseEvent(plannedRepointSchema, event);
  const repoint = await readRepointPlan(plan);
  const amis = amisIn(repoint);
  await inEveryTarget(amis, async (ami) => markAmi(clientsFor(ami), ami, stateAfter(repoint)));
  return { marked: amis.length };
}
