import { describe, expect, it } from 'vitest';
import { loadFactory } from '../../../core/configuration/factory.ts';
import { edited, factoryWith, problemsWith } from './example.ts';

const scheduled = (schedule: string) =>
  edited('images/base/image.yaml', 'platform: linux', `platform: linux\nschedule: ${schedule}`);
const scheduleOf = (schedule: string) =>
  loadFactory(factoryWith(scheduled(schedule))).images.find(({ name }) => name === 'base')?.schedule;

describe('a schedule', () => {
  it('has a cron expression in a time zone, and may wait for a newer source AMI', () => {
    expect(scheduleOf("{ cron: '0 4 ? * MON *', timeZone: Europe/Berlin, when: newer-source-ami }")).toEqual({
      cron: '0 4 ? * MON *',
      timeZone: 'Europe/Berlin',
      when: 'newer-source-ami',
    });
  });

  it('has a rate, is always followed and counts in UTC, unless it says otherwise', () => {
    expect(scheduleOf('{ rate: 7 days }')).toEqual({ rate: '7 days', timeZone: 'UTC', when: 'always' });
  });

  it.each(['0 4 ? * MON-FRI *', '0/15 8-18 L * ? 2026-2030', '0 4 ? JAN,JUL 2#1 *'])('may be %s', (cron) => {
    expect(scheduleOf(`{ cron: '${cron}' }`)).toMatchObject({ cron });
  });

  it.each([
    [
      "{ cron: '0 4 * * 1' }",
      'schedule.cron: found "0 4 * * 1", must have six fields, like "0 4 ? * MON *": minute',
    ],
    [
      "{ cron: '0 4 * * MON *' }",
      'schedule.cron: found "0 4 * * MON *", must have ? as day of month or as day of week',
    ],
    ['{ rate: 1 days }', 'schedule.rate: found "1 days", must look like "1 day", "12 hours" or "90 minutes"'],
    ['{ rate: 7 }', 'schedule.rate: found 7, must look like'],
    [
      '{ rate: 7 days, timeZone: Berlin }',
      'schedule.timeZone: found "Berlin", must be a time zone like Europe/Berlin',
    ],
    ["{ rate: 7 days, timeZone: '+01:00' }", 'schedule.timeZone: found "+01:00", must be a time zone'],
    ['{ rate: 7 days, when: never }', 'schedule.when: found "never", must be always or newer-source-ami'],
    ['{ timeZone: UTC }', 'schedule: found a map, must have either cron or rate'],
    ["{ rate: 7 days, cron: '0 4 ? * MON *' }", 'schedule: found a map, must have either cron or rate'],
    [
      '{ every: 7 days }',
      'schedule.every: found an unknown key, known are "cron", "rate", "timeZone", "when"',
    ],
    ['weekly', 'schedule: found "weekly", must be a map of cron or rate, timeZone and when'],
  ])('fails on %s', (schedule, expected) => {
    expect(problemsWith(scheduled(schedule)).join('\n')).toContain(`images/base/image.yaml:4 ${expected}`);
  });
});

describe('the branches whose pushes start a release', () => {
  const branches = (list: string) => edited('factory.yaml', 'hub:', `pushBranches: ${list}\nhub:`);

  it('may be named, with * for any characters', () => {
    expect(loadFactory(factoryWith(branches("[main, 'release/*']"))).pushBranches).toEqual([
      'main',
      'release/*',
    ]);
  });

  it.each(['[]', 'main', "['a b']", '[7]'])('fail as %s', (list) => {
    expect(problemsWith(branches(list)).join('\n')).toContain(
      'must be a list of branches, like [main, release/*]',
    );
  });
});
