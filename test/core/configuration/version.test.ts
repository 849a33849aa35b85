import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  amiName,
  branchSlug,
  compareVersions,
  isPrerelease,
  releaseVersion,
  versionStartedAt,
} from '../../../core/configuration/version.ts';

const from = (branch: string, startedAt = '2026-11-21T09:30:00.123Z') =>
  releaseVersion({ majorMinor: '1.4', startedAt, branch, defaultBranch: 'main' });

describe('a version', () => {
  it('is major, minor and the second of the start', () => {
    expect(from('main')).toBe('1.4.20261121093000');
  });

  it('is in UTC whatever the offset of the start', () => {
    expect(from('main', '2026-11-21T00:30:00+02:00')).toBe('1.4.20261120223000');
  });

  it('carries the branch when that is not the default one', () => {
    expect(from('feature/X')).toBe('1.4.20261121093000-feature-x');
    expect([isPrerelease(from('feature/X')), isPrerelease(from('main'))]).toEqual([true, false]);
  });

  it.each([
    ['feature/größe', 'feature-gro-e'],
    ['-_-weird--Name__', 'weird-name'],
    ['a-very-long-branch-name-indeed', 'a-very-long-branch-n'],
    ['nineteen-characters-and-more', 'nineteen-characters'],
    ['日本語', '77710aed'],
    ['', 'e3b0c442'],
  ])('makes %j the slug %j', (branch, slug) => {
    expect(branchSlug(branch)).toBe(slug);
  });

  it('has a valid slug for every branch', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (branch) => {
        expect(branchSlug(branch)).toMatch(/^(?=.{1,20}$)[a-z0-9]+(-[a-z0-9]+)*$/);
        expect(branchSlug(branch)).toBe(branchSlug(branch));
      }),
    );
  });

  it('sorts by number, and a prerelease before its release', () => {
    const sorted = [
      '1.4.20261121093000',
      '1.9.20261121093000-a',
      '1.9.20261121093000-b',
      '1.9.20261121093000',
      '1.10.20250101000000',
      '2.0.20240101000000',
    ];
    expect(sorted.toReversed().sort(compareVersions)).toEqual(sorted);
    expect(compareVersions('1.4.20261121093000', '1.4.20261121093000')).toBe(0);
  });

  it('fails to compare something that is no version', () => {
    expect(() => compareVersions('latest', '1.4.20261121093000')).toThrow(
      'found latest, a version looks like 1.4.20261121093000',
    );
  });

  it('tells when the execution that released it started', () => {
    const tells = (version: string) => versionStartedAt(version)?.toISOString();
    expect(tells('1.4.20261121093000')).toBe('2026-11-21T09:30:00.000Z');
    expect(tells('10.0.20261121093000-feature-x')).toBe('2026-11-21T09:30:00.000Z');
    for (const none of ['latest', '1.4', '1.4.20261341093000', '1.4.202611210930000'])
      expect(tells(none)).toBeUndefined();
  });

  it('names the AMI together with image and commit', () => {
    const commit = '4f2c1d9'.padEnd(40, '0');
    expect(amiName({ image: 'linux-base', version: from('main'), commit })).toBe(
      'linux-base-1.4.20261121093000-g4f2c1d9',
    );
  });
});
