/**
 * Which minutes a cron expression of EventBridge Scheduler names. What the clocks of a time zone leave out or show twice
 * is taken as they show it.
 *  @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
 */

/** What the clock on the wall and the calendar show. */
interface Moment {
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly year: number;
  /** 1 is Sunday. */
  readonly weekday: number;
  readonly lastDay: number;
}

/** Whether the minute of an instant is one of those. */
export function cronNames(expression: string, timeZone: string, at: Date): boolean {
  const [minutes = '', hours = '', days = '', months = '', weekdays = '', years = ''] = expression
    .toUpperCase()
    .split(' ');
  const moment = momentAt(at, timeZone);
  return (
    holds(minutes, moment.minute, [0, 59]) &&
    holds(hours, moment.hour, [0, 23]) &&
    holds(months, moment.month, [1, 12], MONTHS) &&
    holds(years, moment.year, [1970, 2199]) &&
    days.split(',').some((part) => isDay(part, moment)) &&
    weekdays.split(',').some((part) => isWeekday(part, moment))
  );
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function momentAt(at: Date, timeZone: string): Moment {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(at);
  const shown = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((part) => part.type === type)?.value);
  const [year, month, day] = [shown('year'), shown('month'), shown('day')];
  return {
    minute: shown('minute'),
    hour: shown('hour'),
    day,
    month,
    year,
    weekday: weekdayOf(year, month, day),
    lastDay: new Date(Date.UTC(year, month, 0)).getUTCDate(),
  };
}

const weekdayOf = (year: number, month: number, day: number): number =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;

/** `5`, `1-5`, `1,3`, every one, and each with a step, as in `0/15`. */
function holds(
  field: string,
  value: number,
  [first, last]: readonly [number, number],
  names: readonly string[] = [],
): boolean {
  const numberOf = (text: string): number => (names.includes(text) ? names.indexOf(text) + 1 : Number(text));
  return field.split(',').some((part) => {
    const [range = '', step] = part.split('/');
    const [from = '', to] = range === '*' ? [String(first), String(last)] : range.split('-');
    const start = numberOf(from);
    const end = to === undefined ? (step === undefined ? start : last) : numberOf(to);
    // FRI-MON goes over the end of the week.
    const within = start <= end ? value >= start && value <= end : value >= start || value <= end;
    const behind = value >= start ? value - start : value - start + last - first + 1;
    return within && behind % Number(step ?? 1) === 0;
  });
}

function isDay(part: string, moment: Moment): boolean {
  const { day, lastDay } = moment;
  if (part === '?') return true;
  if (part === 'L') return day === lastDay;
  if (!part.endsWith('W')) return holds(part, day, [1, 31]);
  const named = part === 'LW' ? lastDay : Number(part.slice(0, -1));
  return named <= lastDay && day === nearestWorkday(named, moment);
}

/** In the same month. */
function nearestWorkday(day: number, { year, month, lastDay }: Moment): number {
  const weekday = weekdayOf(year, month, day);
  if (weekday === 7) return day === 1 ? 3 : day - 1;
  if (weekday === 1) return day === lastDay ? day - 2 : day + 1;
  return day;
}

function isWeekday(part: string, { day, weekday, lastDay }: Moment): boolean {
  if (part === '?') return true;
  if (part === 'L') return weekday === 7;
  if (part.endsWith('L')) return holds(part.slice(0, -1), weekday, [1, 7], WEEKDAYS) && day + 7 > lastDay;
  const [named = '', nth] = part.split('#');
  return holds(named, weekday, [1, 7], WEEKDAYS) && (nth === undefined || Math.ceil(day / 7) === Number(nth));
}
