import { assert, constantFrom, integer, array, option, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFactory } from '../../../core/configuration/check.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { retentionRules } from '../../../core/configuration/retention-rules.ts';
import {
  type Retention,
  graceDaysOf,
  mostCareful,
  retentionSchema,
} from '../../../core/configuration/retention.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { AL2023, filesOf } from '../../fixtures/factories.ts';

const stages = { dev: targetsIn(0, 2), prod: targetsIn(1, 1) };
const DEFAULTS = retentionSchema.parse({});

/** A factory of two images, and layers by their path that say more. */
function factoryWith(layers: Readonly<Record<string, string>>, web = 'image: base') {
  const files = new Map(filesOf({ stages, images: { base: AL2023, web } }));
  for (const [path, text] of Object.entries(layers))
    files.set(path, files.has(path) ? `${files.get(path)}\n${text}` : text);
  return files;
}
const rulesOf = (...told: Parameters<typeof factoryWith>) =>
  retentionRules(loadConfiguration(factoryWith(...told)));

describe('what is kept of an image', () => {
  it('is everything, when no layer says anything', () => {
    expect(rulesOf({})).toEqual({});
  });

  it('is said in the layers like any setting, for all images or for one', () => {
    expect(rulesOf({ 'config/default.yaml': 'retention: {}' })).toEqual({ base: DEFAULTS, web: DEFAULTS });
    expect(rulesOf({ 'images/web/config/default.yaml': 'retention: { keepNewest: 9 }' })).toEqual({
      web: { ...DEFAULTS, keepNewest: 9 },
    });
  });

  it('is the most careful of what stages and accounts say, because a version goes everywhere or nowhere', () => {
    const [account] = targetsIn(0, 1);
    expect(
      rulesOf({
        'config/default.yaml': `retention: { unusedDays: 3, graceDays: none, deprecateFirst: false }\naccounts:\n  '${account?.accountId}': { retention: { keepNewest: 8 } }`,
        'config/prod.yaml': 'retention: { unusedDays: 30, graceDays: 2 }',
      }).base,
    ).toEqual({ ...DEFAULTS, unusedDays: 30, keepNewest: 8, graceDays: 2, deprecateFirst: false });
  });

  it('is everything, when one stage has none', () => {
    expect(
      rulesOf({ 'config/default.yaml': 'retention: {}', 'config/prod.yaml': 'retention: null' }),
    ).toEqual({});
  });

  it('is also a version that another image is built on by name', () => {
    const version = '1.4.20261001000000';
    const rules = rulesOf({ 'config/default.yaml': 'retention: {}' }, `{ image: base, version: ${version} }`);
    expect(rules).toEqual({ base: { ...DEFAULTS, pinned: [version] }, web: DEFAULTS });
  });
});

describe('a retention that is refused', () => {
  it.each([
    [
      '{ keepNewest: 0 }',
      'retention.keepNewest',
      'found 0, must be a whole number from 1 to 1000: with none kept nothing would be left to launch',
    ],
    [
      '{ graceDays: 0 }',
      'retention.graceDays',
      'found 0, must be a whole number from 1 to 365, or none, in a word, for no grace at all',
    ],
    ['{ graceDays: forever }', 'retention.graceDays', 'must be a whole number from 1 to 365, or none'],
    ['{ unusedDays: 0 }', 'retention.unusedDays', 'found 0, must be a whole number from 1 to 3650'],
    ['{ minAgeDays: 1.5 }', 'retention.minAgeDays', 'must be a whole number from 1 to 3650'],
    ['{ deprecateFirst: maybe }', 'retention.deprecateFirst', 'must be true or false'],
    ['{ deregister: later }', 'retention.deregister', 'must be now or recycle-bin'],
    ['{ keepNewst: 3 }', 'retention.keepNewst', 'found an unknown key'],
    ['7', 'retention', 'must be a map'],
  ])('fails on %s, with the file, the field and what is allowed', (text, path, message) => {
    const problems = checkFactory(factoryWith({ 'config/default.yaml': `retention: ${text}` }));
    expect(problems[0]).toMatchObject({
      file: 'config/default.yaml',
      path,
      message: expect.stringContaining(message),
    });
  });
});

describe('the most careful of several', () => {
  const retention = record({
    unusedDays: integer({ min: 1, max: 100 }),
    keepNewest: integer({ min: 1, max: 100 }),
    minAgeDays: integer({ min: 1, max: 100 }),
    prereleaseDays: integer({ min: 1, max: 100 }),
    deprecateFirst: constantFrom(true, false),
    graceDays: constantFrom<Retention['graceDays']>('none', 1, 7, 30),
    deregister: constantFrom<Retention['deregister']>('now', 'recycle-bin'),
  });

  it('keeps whatever any of them would keep', () => {
    assert(
      property(array(option(retention, { nil: undefined }), { maxLength: 5 }), (said) => {
        const careful = mostCareful(said);
        if (careful === undefined) {
          expect(said.length === 0 || said.includes(undefined)).toBe(true);
          return;
        }
        for (const one of said.filter((found) => found !== undefined)) {
          expect(careful.unusedDays).toBeGreaterThanOrEqual(one.unusedDays);
          expect(careful.keepNewest).toBeGreaterThanOrEqual(one.keepNewest);
          expect(careful.minAgeDays).toBeGreaterThanOrEqual(one.minAgeDays);
          expect(careful.prereleaseDays).toBeGreaterThanOrEqual(one.prereleaseDays);
          expect(graceDaysOf(careful)).toBeGreaterThanOrEqual(graceDaysOf(one));
          expect(careful.deprecateFirst || !one.deprecateFirst).toBe(true);
          if (one.deregister === 'recycle-bin') expect(careful.deregister).toBe('recycle-bin');
        }
      }),
    );
  });
});
