import { assert, boolean, constantFrom, integer, option, property, record, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Retention, graceDaysOf, retentionSchema } from '../../../core/configuration/retention.ts';
import { compareVersions, isPrerelease, releaseVersion } from '../../../core/configuration/version.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { type Seen, type Verdict, amiName, decide, dueOf } from '../../../core/life/decide.ts';
import type { SeenAmi } from '../../../core/life/seen.ts';
import { DEV, PROD } from '../../fixtures/accounts.ts';

const NOW = '2026-11-21T09:30:00.000Z';
const DAY_MS = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.parse(NOW) - days * DAY_MS).toISOString();
const minutesAgo = (minutes: number): string => daysAgo(minutes / 1_440);
const rule = (more: object = {}): Retention => retentionSchema.parse({ keepNewest: 1, ...more });

/** A released AMI that was made so many days ago, that nothing ever used, and that was looked at just now. */
function ami(days: number, more: Partial<SeenAmi> & { readonly branch?: string } = {}): SeenAmi {
  const { branch = 'main', ...rest } = more;
  const startedAt = daysAgo(days);
  const version = releaseVersion({ majorMinor: '1.4', startedAt, branch, defaultBranch: 'main' });
  const image = rest.image ?? 'base';
  return {
    ...DEV,
    imageId: `ami-${image}-${days}`,
    releaseId: `${image}@${version}`,
    image,
    version,
    state: 'available',
    createdAt: startedAt,
    releaseState: 'released',
    autoCleanup: true,
    lastUsedRuntime: minutesAgo(10),
    isProtected: false,
    ...rest,
  };
}

const seen = (amis: readonly SeenAmi[], more: Partial<Seen> = {}): Seen => ({
  now: NOW,
  rules: { base: rule() },
  amis,
  unread: [],
  latest: new Map(),
  ...more,
});

const NEWEST = ami(1);
/** What becomes of the version of these AMIs, beside a newer one. */
function verdictOn(own: SeenAmi | readonly SeenAmi[], more: Partial<Seen> = {}): Verdict {
  const amis = [own].flat();
  const decision = decide(seen([...amis, NEWEST], more));
  expect(decision.stopped).toBeUndefined();
  const found = decision.verdicts.find(({ releaseId }) => releaseId === amis[0]?.releaseId);
  if (!found) throw new Error('nothing was decided');
  return found;
}

const OLD = 60;
const begun = (phase: 'deprecated' | 'disabled', days: number) =>
  ({
    retirement: { phase, since: daysAgo(days) },
    state: phase === 'disabled' ? 'disabled' : 'available',
  }) as const;

describe('a version that nothing uses', () => {
  it.each<[string, Partial<SeenAmi>, object, string | undefined]>([
    ['is deprecated first', {}, {}, 'deprecate'],
    ['is disabled first where that is said', {}, { deprecateFirst: false }, 'disable'],
    ['stays deprecated for its grace', begun('deprecated', 6.9), {}, undefined],
    ['is disabled after it', begun('deprecated', 7), {}, 'disable'],
    ['stays disabled for its grace', begun('disabled', 6.9), {}, undefined],
    ['is deregistered after it', begun('disabled', 7), {}, 'deregister'],
    ['waits for nothing where no grace is said', begun('deprecated', 0), { graceDays: 'none' }, 'disable'],
    ['counts from its last use', { lastUsed: daysAgo(7) }, {}, 'deprecate'],
    ['fails to go before that is long enough ago', { lastUsed: daysAgo(6.9) }, {}, undefined],
    ['fails to go when EC2 knows of a later launch', { lastLaunched: daysAgo(1) }, {}, undefined],
  ])('%s', (_title, more, told, step) => {
    expect(verdictOn(ami(OLD, more), { rules: { base: rule(told) } }).step).toBe(step);
  });

  it('says when its next step is due', () => {
    expect(verdictOn(ami(OLD, { lastUsed: daysAgo(2) })).dueAt).toBe(daysAgo(-5));
    expect(verdictOn(ami(OLD, begun('deprecated', 3))).dueAt).toBe(daysAgo(-4));
  });

  it('of a revoked release goes like any other', () => {
    expect(verdictOn(ami(OLD, { releaseState: 'revoked' })).step).toBe('deprecate');
  });

  it('goes on where a step was interrupted: what is behind comes first', () => {
    const own = [ami(OLD, begun('deprecated', 9)), ami(OLD, PROD)];
    expect(verdictOn(own)).toMatchObject({ step: 'deprecate' });
  });

  it('fails to wait for another grace where a step was interrupted', () => {
    const own = [ami(OLD, begun('disabled', 0)), ami(OLD, { ...PROD, ...begun('deprecated', 9) })];
    expect(verdictOn(own)).toMatchObject({ phase: 'deprecated', step: 'disable' });
  });
});

describe('a version of which something was taken back', () => {
  it('in one account is taken back in the others', () => {
    const own = [ami(OLD, { lastUsed: NOW }), ami(OLD, { ...PROD, ...begun('deprecated', 1) })];
    expect(verdictOn(own)).toMatchObject({ step: 'restore', why: expect.stringContaining('was used at') });
  });

  it('by whoever enabled it is taken back as a whole, and never deregistered', () => {
    const enabled = { ...begun('disabled', 30), state: 'available' };
    const own = [ami(OLD, begun('disabled', 30)), ami(OLD, { ...PROD, ...enabled })];
    expect(verdictOn(own)).toMatchObject({
      step: 'restore',
      why: expect.stringContaining('was disabled, and can be launched again'),
    });
  });
});

describe('a version stays', () => {
  it.each<[string, Partial<SeenAmi>, string]>([
    ['when an AMI of it may not go', { autoCleanup: false }, 'has no tag AutoCleanup=true'],
    ['while it is a candidate', { releaseState: 'candidate' }, 'is candidate, not released'],
    ['when it is quarantined', { releaseState: 'quarantined' }, 'is quarantined, not released'],
    ['while an AMI of it is made', { state: 'pending' }, 'is pending'],
    ['when somebody else disabled it', { state: 'disabled' }, 'was disabled by somebody else'],
    ['when it is protected', { isProtected: true }, 'is protected'],
    ['when its last use is no time', { lastUsed: 'yesterday' }, 'yesterday, which is no time'],
    ['when its phase cannot be read', { retirement: 'unreadable' }, 'cannot be read'],
  ])('%s, whichever AMI that is', (_title, more, why) => {
    for (const own of [
      [ami(OLD, more), ami(OLD, PROD)],
      [ami(OLD), ami(OLD, { ...PROD, ...more })],
    ]) {
      const { step, why: told } = verdictOn(own);
      expect(step).toBeUndefined();
      expect(told).toContain(why);
    }
  });

  it('when its image has no rule', () => {
    expect(verdictOn(ami(OLD, { image: 'web' }))).toMatchObject({
      why: expect.stringContaining('no retention'),
    });
  });

  it('when it is among the newest, counted over released versions of the default branch alone', () => {
    const others = [ami(2, { branch: 'feature' }), ami(3, { releaseState: 'revoked' })];
    const decision = decide(
      seen([ami(70), ami(65), ami(OLD), ...others], { rules: { base: rule({ keepNewest: 2 }) } }),
    );
    expect(decision.verdicts.filter(({ step }) => step).map(({ amis }) => amis[0]?.imageId)).toEqual([
      'ami-base-70',
    ]);
  });

  it('when it is latest, and so do those that latest could go back to', () => {
    const [a, b, c] = [ami(90), ami(80), ami(70)];
    const latest = new Map([['base', new Set([c.version])]]);
    const told = { latest, rules: { base: rule({ keepNewest: 2 }) }, amis: [a, b, c, ami(20), ami(15)] };
    const steps = decide(seen(told.amis, told)).verdicts.map(({ amis, step, why }) => [
      amis[0]?.imageId,
      step,
      why,
    ]);
    expect(steps.slice(0, 3)).toEqual([
      ['ami-base-90', 'deprecate', 'nothing has used it for 7 days'],
      ['ami-base-80', undefined, `latest, which is ${c.version}, could go back to it`],
      ['ami-base-70', undefined, 'it is latest'],
    ]);
  });

  it('when another image is to be built on it by its version', () => {
    const own = ami(OLD);
    const rules = { base: { ...rule(), pinned: [own.version] } };
    expect(verdictOn(own, { rules })).toMatchObject({ why: 'an image is built on it by its version' });
  });

  it('when an image was built on it, in the same account', () => {
    const child = ami(2, { image: 'web', sourceAmi: `ami-base-${OLD}` });
    const judged = (amis: SeenAmi[]) =>
      decide(seen(amis)).verdicts.find(({ amis: [one] }) => one?.imageId === `ami-base-${OLD}`);
    expect(judged([ami(OLD), NEWEST, child])).toMatchObject({ why: expect.stringContaining('was built on') });
    expect(judged([ami(OLD), NEWEST, { ...child, ...PROD }])).toMatchObject({ step: 'deprecate' });
  });

  it('when somebody uses an AMI of it', () => {
    const own = ami(OLD);
    expect(verdictOn(own, { users: new Map([[amiName(own), ['i-1']]]) })).toMatchObject({
      why: `${own.imageId} is used by i-1`,
    });
  });

  it('while it is young, a prerelease by its own measure', () => {
    const rules = { base: rule({ unusedDays: 1, minAgeDays: 30, prereleaseDays: 10 }) };
    expect(verdictOn(ami(29), { rules }).step).toBeUndefined();
    expect(verdictOn(ami(30), { rules }).step).toBe('deprecate');
    expect(verdictOn(ami(9, { branch: 'x' }), { rules }).step).toBeUndefined();
    expect(verdictOn(ami(10, { branch: 'x' }), { rules }).step).toBe('deprecate');
  });
});

describe('a version that is on its way out', () => {
  it.each<[string, Partial<Seen>, Partial<SeenAmi>]>([
    ['is used again', {}, { lastUsed: daysAgo(1) }],
    ['is used by what only a closer look sees', { users: new Map([[amiName(ami(OLD)), ['i-1']]]) }, {}],
    ['has become latest', { latest: new Map([['base', new Set([ami(OLD).version])]]) }, {}],
  ])('comes back when it %s', (_title, more, use) => {
    expect(verdictOn(ami(OLD, { ...begun('disabled', 30), ...use }), more).step).toBe('restore');
  });
});

describe('nothing goes at all', () => {
  it('fails when a target could not be read', () => {
    const decision = decide(seen([ami(OLD), NEWEST], { unread: [{ ...PROD, why: 'AccessDenied: no' }] }));
    expect(decision.stopped).toContain(`${targetName(PROD)} could not be read: AccessDenied: no`);
    expect(dueOf(decision)).toEqual([]);
  });

  it.each([
    ['older than an hour', minutesAgo(61)],
    ['never taken', undefined],
    ['taken at no time', 'soon'],
    ['taken in a time to come', minutesAgo(-61)],
  ])('fails when an inventory was %s', (_title, lastUsedRuntime) => {
    const { lastUsedRuntime: _fresh, ...rest } = ami(OLD);
    const old = { ...rest, ...(lastUsedRuntime !== undefined && { lastUsedRuntime }) };
    const decision = decide(seen([old, ami(50), NEWEST]));
    expect(decision.stopped).toContain('more than an hour ago');
    expect(dueOf(decision)).toEqual([]);
  });

  it('is not said of an AMI that is younger than the last inventory', () => {
    const { lastUsedRuntime: _none, ...young } = ami(0.01);
    expect(decide(seen([young])).stopped).toBeUndefined();
  });

  it.each(['disabled', 'deprecated'] as const)(
    'fails when more than a tenth of what is in a target would go further than being %s',
    (phase) => {
      const going = (count: number) =>
        Array.from({ length: count }, (_, index) => ami(OLD + index, begun(phase, 30)));
      const staying = (count: number) => Array.from({ length: count }, (_, index) => ami(1 + index / 100));
      expect(dueOf(decide(seen([...going(2), ...staying(18)])))).toHaveLength(2);
      const decision = decide(seen([...going(2), ...staying(17)]));
      expect(decision.stopped).toContain('2 of the 19 AMIs');
      expect(decision.stopped).toContain('--most-percent 11');
      expect(dueOf(decision)).toEqual([]);
      expect(dueOf(decide(seen([...going(2), ...staying(17)], { mostPercent: 11 })))).toHaveLength(2);
    },
  );

  it('is not said of one version of each image: a small factory would never be tidy', () => {
    const images = ['base', 'web', 'db'];
    const rules = Object.fromEntries(images.map((image) => [image, rule()]));
    const amis = images.flatMap((image) => [
      ami(OLD, { image, ...begun('disabled', 30) }),
      ami(1, { image }),
    ]);
    expect(dueOf(decide(seen(amis, { rules })))).toHaveLength(3);
  });
});

const anyAmi = record({
  days: integer({ min: 0, max: 120 }),
  target: constantFrom(DEV, PROD),
  image: constantFrom('base', 'web'),
  branch: constantFrom('main', 'feature'),
  used: option(integer({ min: 0, max: 40 }), { nil: undefined }),
  looked: constantFrom(5, 59, 200),
  phase: constantFrom(undefined, begun('deprecated', 3), begun('deprecated', 20), begun('disabled', 20)),
  odd: constantFrom<Partial<SeenAmi>>(
    {},
    {},
    {},
    {},
    { autoCleanup: false },
    { releaseState: 'candidate' },
    { state: 'pending' },
  ),
}).map(({ days, target, image, branch, used, looked, phase = {}, odd }) =>
  ami(days, {
    ...target,
    image,
    branch,
    ...(used !== undefined && { lastUsed: daysAgo(used) }),
    lastUsedRuntime: minutesAgo(looked),
    ...phase,
    ...odd,
  }),
);
const anySeen = record({
  amis: uniqueArray(anyAmi, { maxLength: 14, selector: amiName }),
  keepNewest: integer({ min: 1, max: 4 }),
  graceDays: constantFrom<Retention['graceDays']>('none', 1, 7),
  deprecateFirst: boolean(),
  latestIs: integer({ min: 0, max: 20 }),
  usedIs: integer({ min: 0, max: 20 }),
  unread: boolean(),
}).map(({ amis, latestIs, usedIs, unread, ...told }): Seen => {
  const latest = amis[latestIs];
  const used = amis[usedIs];
  const told2 = rule(told);
  return seen(amis, {
    rules: { base: told2, web: told2 },
    mostPercent: 100,
    ...(latest && { latest: new Map([[latest.image, new Set([latest.version])]]) }),
    ...(used && { users: new Map([[amiName(used), ['somebody']]]) }),
    unread: unread ? [{ ...PROD, why: 'no' }] : [],
  });
});

describe('whatever was seen', () => {
  const holds = (law: (told: Seen, verdicts: readonly Verdict[], due: readonly Verdict[]) => void) =>
    assert(
      property(anySeen, (told) => {
        const decision = decide(told);
        law(told, decision.verdicts, dueOf(decision));
      }),
      { numRuns: 400 },
    );
  const goes = ({ step }: Verdict) => step !== undefined && step !== 'restore';

  it('every AMI has exactly one verdict, with a reason', () => {
    holds(({ amis }, verdicts) => {
      expect(
        verdicts
          .flatMap((one) => one.amis)
          .map(amiName)
          .toSorted(),
      ).toEqual(amis.map(amiName).toSorted());
      expect(new Set(verdicts.map(({ releaseId }) => releaseId)).size).toBe(verdicts.length);
      for (const { why } of verdicts) expect(why).not.toBe('');
    });
  });

  it('nothing goes that is used, latest, a base, odd, or young, in any account', () => {
    holds(({ users, latest, amis, rules }, _verdicts, due) => {
      for (const { amis: own, image, version } of due.filter(goes)) {
        const { unusedDays, minAgeDays, prereleaseDays } = rules[image] ?? rule();
        expect(latest.get(image)?.has(version) ?? false).toBe(false);
        for (const one of own) {
          expect(users?.get(amiName(one)) ?? []).toEqual([]);
          expect(one).toMatchObject({ autoCleanup: true, releaseState: 'released', isProtected: false });
          expect(one.lastUsed ?? '0').not.toSatisfy((at: string) => at > daysAgo(unusedDays));
          expect(one.createdAt <= daysAgo(isPrerelease(version) ? prereleaseDays : minAgeDays)).toBe(true);
          expect(amis.some(({ sourceAmi }) => sourceAmi === one.imageId)).toBe(false);
        }
      }
    });
  });

  it('the newest released versions of an image stay', () => {
    holds(({ amis, rules }, _verdicts, due) => {
      for (const [image, own] of Map.groupBy(amis, (one) => one.image)) {
        const released = own.filter((one) => one.releaseState === 'released' && !isPrerelease(one.version));
        const newest = [...new Set(released.map(({ version }) => version))]
          .toSorted(compareVersions)
          .slice(-(rules[image]?.keepNewest ?? 0));
        const gone = due.filter(goes).filter((one) => one.image === image);
        expect(gone.filter(({ version }) => newest.includes(version))).toEqual([]);
      }
    });
  });

  it('no step is skipped, and none comes before the grace of the one before it', () => {
    holds(({ rules }, _verdicts, due) => {
      for (const { step, image, amis } of due.filter(goes)) {
        const { deprecateFirst } = rules[image] ?? rule();
        const grace = graceDaysOf(rules[image] ?? rule());
        const before =
          step === 'deregister'
            ? 'disabled'
            : step === 'disable' && deprecateFirst
              ? 'deprecated'
              : undefined;
        if (before === undefined) continue;
        for (const { retirement } of amis) {
          if (retirement === undefined || retirement === 'unreadable') throw new Error(`${step} came first`);
          expect([before, 'disabled']).toContain(retirement.phase);
          expect(retirement.since <= daysAgo(grace)).toBe(true);
        }
      }
    });
  });

  it('nothing is done when a target was not read, or an inventory is old', () => {
    holds(({ unread, amis }, _verdicts, due) => {
      const stale = amis.some(
        ({ lastUsedRuntime = '', createdAt }) =>
          createdAt < minutesAgo(60) && lastUsedRuntime < minutesAgo(60),
      );
      if (unread.length > 0 || stale) expect(due).toEqual([]);
    });
  });

  it('the order of what was seen does not matter', () => {
    holds((told) => {
      const backwards = decide({ ...told, amis: told.amis.toReversed() });
      const names = ({ verdicts }: ReturnType<typeof decide>) =>
        verdicts.map(({ releaseId, step }) => [releaseId, step]);
      expect(names(backwards)).toEqual(names(decide(told)));
    });
  });

  it('an AMI more that is used, or a version more that is newer, never makes another go sooner', () => {
    holds((told, _verdicts, due) => {
      const extra = ami(0, { image: 'base' });
      const more = dueOf(
        decide({ ...told, amis: [...told.amis.filter((one) => amiName(one) !== amiName(extra)), extra] }),
      );
      const before = new Set(due.filter(goes).map(({ releaseId }) => releaseId));
      const pushedOut = more.filter(goes).filter(({ releaseId }) => !before.has(releaseId));
      // Only what was kept for being new may go instead.
      for (const { releaseId } of pushedOut)
        expect(decide(told).verdicts.find((one) => one.releaseId === releaseId)?.why).toMatch(
          /newest|could go back/,
        );
    });
  });
});

describe('what was imported', () => {
  const imported = (days: number) =>
    ami(days, {
      releaseState: 'imported',
      version: `0.0.2026010100000${days % 10}`,
      releaseId: `base@0.0.2026010100000${days % 10}`,
    });

  it('goes like any version that nothing uses', () => {
    expect(verdictOn(imported(OLD))).toMatchObject({ step: 'deprecate' });
  });

  it('is neither one of the newest nor what latest could go back to', () => {
    const decision = decide(
      seen([imported(61), imported(62), NEWEST], {
        rules: { base: rule({ keepNewest: 3 }) },
        latest: new Map([['base', new Set([NEWEST.version])]]),
      }),
    );
    expect(
      decision.verdicts.filter(({ version }) => version.startsWith('0.0.')).map(({ step }) => step),
    ).toEqual(['deprecate', 'deprecate']);
  });
});
