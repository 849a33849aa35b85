import * as z from 'zod';
import { instantSchema } from '../core/contract/instant.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';
import { invalidRequest } from '../core/contract/invalid-request.ts';
import { LeftoversRemain } from '../core/contract/leftovers.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { retireRequestSchema } from '../core/contract/retirements.ts';
import { deployedSchema, targetName, targetsOf } from '../core/contract/targets.ts';
import { clientsFor } from '../core/aws/clients.ts';
import { inEveryTarget } from '../core/aws/every-target.ts';
import { takeFromBin } from '../core/life/from-bin.ts';
import { lookEverywhere } from '../core/life/look.ts';
import { moveOn } from '../core/life/move-on.ts';
import { readReleaseId } from '../core/releases/release-status.ts';

const eventSchema = z.object({
  request: z.unknown(),
  deployed: deployedSchema,
  /** When the execution began. */
  now: instantSchema,
});

/** Takes back in every target what was done to one version: takes it out of the Recycle Bin, enables it, publishes it again, takes its
 *  deprecation away, and counts it as used now, so that it stays as long as anything that is.
 *  In      { request: { undo: 'linux-base@1.4.2026…' }, deployed, now }
 *  Out     { releaseId, restored: 2 }, the number of AMIs
 *  Errors  InvalidRequest, LeftoversRemain (an account refuses), NotReadyYet (retried), AccessDenied, Throttled, ConnectionLost, AnnouncementFailed (retried)
 *  Repeat  safe: finds by tag what is left to take back
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImage.html,
 *          https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RestoreImageFromRecycleBin.html */
export async function handler(event: unknown): Promise<{ releaseId: string; restored: number }> {
  const { request, deployed, now } = parseEvent(eventSchema, event);
  const releaseId = parseRequest(request);
  const { image = '', version = '' } = readReleaseId(releaseId) ?? {};
  const targets = targetsOf(deployed);
  const { amis, unread } = await lookEverywhere(targets, [], { mayRetry: true });
  const [closed] = unread;
  if (closed) throw new PackleaderError(ERRORS.accessDenied, `${targetName(closed)}: ${closed.why}`);
  const own = amis.filter((ami) => ami.releaseId === releaseId);
  const here = new Set(own.map((ami) => targetName(ami)));
  const taken = await inEveryTarget(
    targets.filter((target) => !here.has(targetName(target))),
    async (target) => takeFromBin(clientsFor(target).ec2, releaseId),
  );
  if (taken.some((count) => count > 0))
    throw new PackleaderError(
      ERRORS.notReadyYet,
      `AMIs of ${releaseId} have just come back from the Recycle Bin`,
    );
  if (own.length === 0)
    throw new PackleaderError(
      ERRORS.invalidRequest,
      `No AMI of ${releaseId} is left in any target, nor in a Recycle Bin.`,
    );
  const begun = own.filter(({ retirement }) => retirement !== undefined);
  if (begun.length > 0) {
    const verdict = { releaseId, image, version, amis: begun, why: 'somebody asked for it' };
    const { leftovers } = await moveOn([{ ...verdict, step: 'restore' }], now);
    if (leftovers.length > 0) throw new LeftoversRemain(leftovers);
  }
  return { releaseId, restored: begun.length };
}

function parseRequest(asked: unknown): string {
  const parsed = retireRequestSchema.safeParse(asked);
  if (parsed.success) {
    const { undo, dryRun, mostPercent, only } = parsed.data;
    const alone = [dryRun, mostPercent, only].every((other) => other === undefined);
    if (undo !== undefined && alone && readReleaseId(undo)) return undo;
  }
  const issues = parsed.success ? [] : parsed.error.issues.map(({ message }) => message);
  throw invalidRequest(issues, '{ "undo": "linux-base@1.4.20261121093000" }, with nothing beside it');
}
