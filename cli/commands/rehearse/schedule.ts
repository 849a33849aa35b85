/** `rehearse --schedule`: what the schedules of images would rebuild. */
import * as z from 'zod';
import type { Schedule } from '../../../core/configuration/schedule.ts';
import { nearest } from '../../../core/configuration/documents/problems.ts';
import { cronNames } from '../../../sandbox/aws/cron.ts';
import { type Decision, rebuildAll } from '../../../sandbox/rehearsal/triggers.ts';
import { refuse } from '../../input/arguments.ts';
import type { Found, NotDue, Occasion, Scheduled } from './occasion.ts';

export interface ScheduleOptions {
  /** As it was written; without it every schedule is due. */
  readonly at: string | undefined;
  readonly now: Date;
  /** Only theirs; all by default. */
  readonly images: readonly string[];
  readonly onDecided: ((schedule: Scheduled) => void) | undefined;
}

interface ScheduledImage {
  readonly image: string;
  readonly schedule: Schedule;
}

/** @throws InvalidConfiguration when there is no schedule, or no such time */
export function scheduleOccasion({ configuration }: Found, options: ScheduleOptions): Occasion {
  const { factory } = configuration;
  const all = factory.images.flatMap(({ name, schedule }) => (schedule ? [{ image: name, schedule }] : []));
  const at = options.at === undefined ? options.now : timeOf(options.at);
  const asked = options.images.length === 0 ? all : options.images.map((image) => scheduled(image, all));
  if (asked.length === 0)
    throw refuse(
      '--schedule',
      'no image has a schedule: the image.yaml of one that is to be rebuilt says when',
    );
  const due = asked.filter(({ schedule }) => options.at === undefined || isDue(schedule, at));
  const notDue = asked.filter((one) => !due.includes(one)).map(explain);
  // As EventBridge Scheduler writes it.
  const scheduledAt = at.toISOString().replace(/\.\d+Z$/, 'Z');
  const images = due.map(({ image }) => image);
  let decisions: readonly Decision[] = [];
  return {
    images,
    branch: factory.defaultBranch,
    ...(images.length > 0 && {
      says: `${options.at === undefined ? 'as if due now' : 'due'}, at ${scheduledAt}: ${images.join(', ')}`,
    }),
    assumed: options.at === undefined ? [] : due.flatMap((one) => assumedRate(one, scheduledAt)),
    start: async (engine, hub) => {
      const events = due.map(({ image, schedule: { when } }) => ({ image, when }));
      decisions = await rebuildAll(engine, hub, events, scheduledAt);
      options.onDecided?.(known());
    },
    afterRelease: at,
    schedule: known,
  };

  function known(): Scheduled {
    const found = new Map([...decisions, ...notDue].map((one) => [one.image, one]));
    return { at: scheduledAt, images: asked.flatMap(({ image }) => found.get(image) ?? []) };
  }
}

function timeOf(text: string): Date {
  if (!z.iso.datetime({ offset: true }).safeParse(text).success)
    throw refuse('--schedule', `found "${text}", must be a time like 2026-11-23T04:00:00Z`);
  return new Date(text);
}

function scheduled(image: string, all: readonly ScheduledImage[]): ScheduledImage {
  const found = all.find((one) => one.image === image);
  if (found) return found;
  const names = all.map((one) => one.image);
  throw refuse('--schedule', `found no schedule of the image "${image}", ${nearest(image, names)}`);
}

function assumedRate({ image, schedule: { rate } }: ScheduledImage, at: string): string[] {
  return rate === undefined ? [] : [`a run of the schedule of ${image}, every ${rate}, at ${at}`];
}

/** A rate counts from the deployment, which a rehearsal does not know: it may be due at any time. */
const isDue = ({ cron, timeZone }: Schedule, at: Date): boolean =>
  cron === undefined || cronNames(cron, timeZone, at);

const explain = ({ image, schedule: { cron = '', timeZone } }: ScheduledImage): NotDue => ({
  image,
  outcome: 'not due',
  why: `cron is ${cron} in ${timeZone}`,
});
