/** When an image is rebuilt without anybody asking: `schedule` in its image.yaml. */
import * as z from 'zod';
import { strictMap, text } from './documents/validation.ts';

const CRON =
  'must have six fields, like "0 4 ? * MON *": minute, hour, day of month, month, day of week, year';
const RATE = 'must look like "1 day", "12 hours" or "90 minutes"';
const ZONE = 'must be a time zone like Europe/Berlin';
const ONE_OF = 'must have either cron or rate';

function isTimeZone(name: string): boolean {
  // Intl also takes offsets like +01:00, which EventBridge Scheduler does not.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** One of the two days is always `?`; that is how cron of AWS differs from other ones. */
function isCron(expression: string): boolean {
  const fields = expression.split(' ');
  const days = [fields[2], fields[4]];
  return fields.length === 6 && days.filter((day) => day === '?').length === 1;
}

/** @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html */
export const scheduleSchema = strictMap(
  {
    cron: text(/^[0-9A-Za-z,*?/#-]+( [0-9A-Za-z,*?/#-]+){5}$/, CRON)
      .refine(isCron, { error: 'must have ? as day of month or as day of week, like "0 4 ? * MON *"' })
      .exactOptional()
      .describe('A cron expression of EventBridge Scheduler, with `?` as exactly one of the two days.'),
    rate: text(/^(1 (minute|hour|day)|([2-9]|[1-9]\d{1,4}) (minutes|hours|days))$/, RATE)
      .exactOptional()
      .describe('How often, in minutes, hours or days.'),
    timeZone: z
      .string({ error: ZONE })
      .refine(isTimeZone, { error: ZONE })
      .default('UTC')
      .describe('The time zone that `cron` means.'),
    when: z
      .enum(['always', 'newer-source-ami'], { error: 'must be always or newer-source-ami' })
      .default('always')
      .describe(
        '`newer-source-ami` rebuilds only when the AMI that a bake would start from is a newer one than the latest release had.',
      ),
  },
  { must: 'must be a map of cron or rate, timeZone and when' },
).refine(({ cron, rate }) => (cron === undefined) !== (rate === undefined), { error: ONE_OF });

/** In the time zone; `when` is `newer-source-ami` to rebuild only when Amazon, or whoever makes it, has a newer one. */
export type Schedule = z.infer<typeof scheduleSchema>;
