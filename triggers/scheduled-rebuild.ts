import * as z from 'zod';
import { TRIGGER_ENVIRONMENT } from '../core/contract/environments.ts';
import { METRICS } from '../core/contract/metrics.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { environment } from './starting/environment.ts';
import { TOO_MANY, failuresInARow } from './rebuilds/failed-rebuilds.ts';
import { triggersAreEnabled } from './starting/kill-switch.ts';
import { latestRelease } from './rebuilds/latest-release.ts';
import { count } from './starting/metrics.ts';
import { newerSource } from './rebuilds/newer-source.ts';
import { rebuildExecutionName, startRelease } from './starting/release-execution.ts';

const eventSchema = z.object({
  image: z.string(),
  when: z.enum(['always', 'newer-source-ami']),
  scheduledAt: z.iso.datetime(),
});

type Outcome =
  | { readonly outcome: 'started'; readonly execution: string; readonly already: boolean }
  | { readonly outcome: 'switched off' | 'paused' | 'source AMI is the newest' };

/** Rebuilds one image when its schedule is due, from the head of the default branch.
 *  In      { image, when: 'always' | 'newer-source-ami', scheduledAt }
 *  Out     { outcome: 'started', execution } or why nothing was started
 *  Errors  those of `Resolve source AMIs`, InvalidConfiguration (the switch), Throttled, AccessDenied, ConnectionLost: retried
 *          by Lambda, then the event is in the dead-letter queue
 *  Repeat  safe: the execution's name follows from the image and the time of its schedule
 *  @see    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
export async function handler(event: unknown): Promise<Outcome> {
  const { image, when, scheduledAt } = parseEvent(eventSchema, event);
  if (!(await triggersAreEnabled())) {
    count(METRICS.triggersSwitchedOff, { Image: image, ScheduledAt: scheduledAt });
    return { outcome: 'switched off' };
  }
  const bucket = environment(TRIGGER_ENVIRONMENT.bucket);
  const latest = await latestRelease(bucket, image);
  if ((await failuresInARow(image, latest?.startedAt)) >= TOO_MANY) {
    count(METRICS.rebuildsPaused, { Image: image, ScheduledAt: scheduledAt });
    return { outcome: 'paused' };
  }
  const why = when === 'always' ? undefined : await newerSource(image, latest, scheduledAt);
  if (when === 'newer-source-ami' && why === undefined) return { outcome: 'source AMI is the newest' };
  const reason = `schedule of ${scheduledAt}${why === undefined ? '' : `: ${why}`}`;
  const started = await startRelease(rebuildExecutionName(image, scheduledAt), { image, reason });
  return { outcome: 'started', ...started };
}
