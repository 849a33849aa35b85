import { expect, test } from 'vitest';
import { cronNames } from '../../../sandbox/aws/cron.ts';

// 23 November 2026 is a Monday.
test.each([
  ['0 4 ? * MON *', 'UTC', '2026-11-23T04:00:00Z', true],
  ['0 4 ? * MON *', 'UTC', '2026-11-23T04:00:59Z', true],
  ['0 4 ? * MON *', 'UTC', '2026-11-23T04:01:00Z', false],
  ['0 4 ? * MON *', 'UTC', '2026-11-24T04:00:00Z', false],
  ['0 4 ? * 2 *', 'UTC', '2026-11-23T04:00:00Z', true],
  ['0 4 ? * mon *', 'UTC', '2026-11-23T04:00:00Z', true],
  ['0 4 ? * MON *', 'Europe/Berlin', '2026-11-23T03:00:00Z', true],
  ['0 4 ? * MON *', 'Europe/Berlin', '2026-07-20T02:00:00Z', true],
  ['0 4 ? * MON *', 'Europe/Berlin', '2026-11-23T04:00:00Z', false],
  ['0 0 ? * * *', 'UTC', '2026-11-23T00:00:00Z', true],
  ['0/15 8-17 ? * MON-FRI *', 'UTC', '2026-11-23T08:45:00Z', true],
  ['0/15 8-17 ? * MON-FRI *', 'UTC', '2026-11-23T08:50:00Z', false],
  ['0/15 8-17 ? * MON-FRI *', 'UTC', '2026-11-22T08:45:00Z', false],
  ['*/10 * ? * FRI-MON *', 'UTC', '2026-11-22T08:50:00Z', true],
  ['*/10 * ? * FRI-MON *', 'UTC', '2026-11-25T08:50:00Z', false],
  ['0 4 1,23 NOV ? 2026', 'UTC', '2026-11-23T04:00:00Z', true],
  ['0 4 1,23 NOV ? 2027', 'UTC', '2026-11-23T04:00:00Z', false],
  ['0 4 L * ? *', 'UTC', '2026-11-30T04:00:00Z', true],
  ['0 4 L * ? *', 'UTC', '2026-11-29T04:00:00Z', false],
  ['0 4 LW * ? *', 'UTC', '2027-01-29T04:00:00Z', true],
  ['0 4 22W * ? *', 'UTC', '2026-11-23T04:00:00Z', true],
  ['0 4 22W * ? *', 'UTC', '2026-11-22T04:00:00Z', false],
  ['0 4 1W * ? *', 'UTC', '2026-08-03T04:00:00Z', true],
  ['0 4 31W * ? *', 'UTC', '2026-11-30T04:00:00Z', false],
  ['0 4 ? * 2#4 *', 'UTC', '2026-11-23T04:00:00Z', true],
  ['0 4 ? * MON#3 *', 'UTC', '2026-11-23T04:00:00Z', false],
  ['0 4 ? * 2L *', 'UTC', '2026-11-30T04:00:00Z', true],
  ['0 4 ? * 2L *', 'UTC', '2026-11-23T04:00:00Z', false],
  ['0 4 ? * L *', 'UTC', '2026-11-28T04:00:00Z', true],
])('%s in %s names %s: %s', (expression, zone, at, expected) => {
  expect(cronNames(expression, zone, new Date(at))).toBe(expected);
});
