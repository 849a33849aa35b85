import * as z from 'zod';
import { versionStartedAt } from '../core/configuration/version.ts';
import { announce } from '../core/aws/events.ts';
import { NAMES } from '../core/contract/names.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { newestRecords } from '../core/releases/read-records.ts';
import { isRevoked, readRevocations } from '../core/repoints/revocations.ts';

const eventSchema = z.object({
  bucket: z.string(),
  images: z.array(z.string()),
  staleAfterDays: z.int(),
  /** When the schedule was due. */
  now: z.iso.datetime(),
});

const DAY = 86_400_000;
/** So many days lie between what is told of one version. */
const AGAIN_AFTER = 7;

/** Tells of each image whose newest version that stands is older than it should be: on the day that it becomes so, and every week after.
 *  In      { bucket, images: ['linux-base'], staleAfterDays: 30, now }
 *  Out     { stale: ['linux-base@1.4.2026…'] }, all that are, told today or not
 *  Errors  AnnouncementFailed, Throttled, ConnectionLost, AccessDenied: repeated by Lambda, then the event is in the dead-letter queue
 *  Repeat  an event may be put twice, with the same `releaseId` and `days`
 *  @see    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export async function handler(event: unknown): Promise<{ stale: string[] }> {
  const { bucket, images, staleAfterDays, now } = parseEvent(eventSchema, event);
  const stale: string[] = [];
  const revocations = await readRevocations(bucket);
  const stands = (releaseId: string): boolean => !isRevoked(revocations.get(releaseId));
  for (const record of await newestRecords(bucket, images, stands)) {
    const { releaseId, image, version, commit, repository } = record;
    const releasedAt = record.announcedAt ?? versionStartedAt(version)?.toISOString() ?? now;
    const days = Math.floor((Date.parse(now) - Date.parse(releasedAt)) / DAY);
    const over = days - staleAfterDays;
    if (over < 0) continue;
    stale.push(releaseId);
    if (over % AGAIN_AFTER === 0)
      await announce(NAMES.stale, {
        releaseId,
        image,
        version,
        commit,
        repository,
        releasedAt,
        days,
        staleAfterDays,
      });
  }
  return { stale };
}
