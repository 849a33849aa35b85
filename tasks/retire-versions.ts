import * as z from 'zod';
import { retentionRulesSchema } from '../core/configuration/retention.ts';
import { instantSchema } from '../core/contract/instant.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { invalidRequest } from '../core/contract/invalid-request.ts';
import { type RetireReport, type RetireRequest, retireRequestSchema } from '../core/contract/retirements.ts';
import { deployedSchema, targetsOf } from '../core/contract/targets.ts';
import { type Decision, decide, dueOf } from '../core/life/decide.ts';
import { lookEverywhere, usersOf } from '../core/life/look.ts';
import { lostOf } from '../core/life/lost.ts';
import { type Done, moveOn } from '../core/life/move-on.ts';
import { findOrphans, removeOrphans } from '../core/life/orphans.ts';
import { reportOf } from '../core/life/report.ts';

const eventSchema = z.object({
  /** What was asked for; a person may have typed it, so it is judged on its own. */
  request: z.unknown(),
  deployed: deployedSchema,
  rules: retentionRulesSchema,
  /** When the execution began. */
  now: instantSchema,
  /** How often this state was tried before. */
  attempt: z.number().int(),
});

/** How often a target that could not be looked at is looked at again, before it stops the run. */
const LOOKS = 4;

const NOTHING_DONE: Done = { refused: new Map(), leftovers: [] };
const NO_ORPHANS = { orphans: [], unread: [] };

/** Looks at every AMI of the factory in every target, decides about each version as a whole, looks again at who uses what would go,
 *  and takes the steps that are due: deprecates, disables, deregisters with the snapshots, or takes back. Then removes what
 *  versions that were released have left and nothing belongs to any more.
 *  In      { request: {} | { dryRun, mostPercent, only }, deployed, rules: { 'linux-base': { unusedDays, … } }, now, attempt }
 *  Out     { complete, dryRun, cause, stopped?, done, doneCount, kept, keptCount, orphans, orphanCount, leftovers, leftoverCount }
 *  Errors  InvalidRequest, AccessDenied (who uses it, or a rule of the Recycle Bin, cannot be seen), Throttled, ConnectionLost, NotReadyYet,
 *          AnnouncementFailed (retried)
 *  Repeat  safe: looks again and finds what is left to do; an event may be put twice
 *  @see    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html */
export async function handler(event: unknown): Promise<RetireReport> {
  const { request: asked, deployed, rules, now, attempt } = parseEvent(eventSchema, event);
  const { dryRun = false, mostPercent, only } = parseRequest(asked);
  const images = Object.keys(rules);
  const mayRetry = attempt < LOOKS;
  const looks = await lookEverywhere(targetsOf(deployed), images, { mayRetry });
  const seen = { now, rules, ...looks, ...(mostPercent !== undefined && { mostPercent }) };
  let decision: Decision = decide(seen);
  const going = dueOf(decision).filter(({ step }) => step !== 'restore');
  if (going.length > 0) {
    const toBin = going.filter(
      ({ step, image }) => step === 'deregister' && rules[image]?.deregister === 'recycle-bin',
    );
    decision = decide({ ...seen, users: await usersOf(going, looks.found), lost: await lostOf(toBin) });
  }
  const done = dryRun ? NOTHING_DONE : await moveOn(dueOf(decision), now);
  const { orphans, unread } =
    decision.stopped === undefined
      ? await findOrphans(targetsOf(deployed), { now, images, amis: looks.amis, mayRetry })
      : NO_ORPHANS;
  const refused = dryRun ? [] : await removeOrphans(orphans);
  return reportOf(
    decision,
    { ...done, leftovers: [...done.leftovers, ...unread, ...refused], orphans },
    { dryRun, ...(only !== undefined && { only }) },
  );
}

/** Understands what a person or the schedule asked for. */
function parseRequest(asked: unknown): RetireRequest {
  const parsed = retireRequestSchema.safeParse(asked);
  if (parsed.success && parsed.data.undo === undefined) return parsed.data;
  const issues = parsed.success ? [] : parsed.error.issues.map(({ message }) => message);
  throw invalidRequest(issues, '{}, { "dryRun": true } and { "undo": "linux-base@1.4.20261121093000" }');
}
