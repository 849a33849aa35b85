import { enableAmi } from '../core/amis/mark.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { amisIn, plannedRepointSchema, readRepointPlan } from '../core/repoints/read-plan.ts';

/** Lets AMIs be launched again that a revocation disabled, by those who could before: EC2 itself forgets who that was.
 *  In      { plan: { bucket, key } }
 *  Out     { enabled: 2 }, the number of AMIs; none, unless a version is restored that was disabled
 *  Errors  NotReadyYet (EC2 still shows one as disabled)
 *  Repeat  safe: does only what is missing
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImage.html */
export async function handler(event: unknown): Promise<{ enabled: number }> {
  const { plan } = parseEvent(plannedRepointSchema, event);
  const amis = amisIn(await readRepointPlan(plan)).flatMap((ami) =>
    ami.enable ? [{ ...ami, sharedWith: ami.enable }] : [],
  );
  await inEveryTarget(amis, async (ami) => enableAmi(clientsFor(ami), ami.imageId, ami.sharedWith));
  return { enabled: amis.length };
}
