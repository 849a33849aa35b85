import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBranchName } from '../../core/contract/branch-names.ts';
import { isOneOf } from '../../triggers/pushes/branches.ts';

const gitTakes = (name: string) =>
  spawnSync('git', ['check-ref-format', `refs/heads/${name}`]).status === 0 && !name.startsWith('-');

describe('the name of a branch', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'main',
      'ü',
      '.',
      '..',
      '/',
      '//',
      '@{',
      '@',
      '.lock',
      '-',
      '~',
      '^',
      ':',
      '\\',
      ' ',
      '*',
      '[',
    ),
    fc.string({ unit: 'grapheme', maxLength: 3 }),
  );
  const name = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));

  it('is what git itself takes for one', () => {
    expect(spawnSync('git', ['--version']).status).toBe(0);
    fc.assert(
      fc.property(name, (text) => {
        fc.pre(!text.includes('\0'));
        expect([text, isBranchName(text)]).toEqual([text, gitTakes(text)]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('branches with *', () => {
  it.each([
    ['main', 'main', true],
    ['main', 'mainly', false],
    ['main', 'Main', false],
    ['release/*', 'release/1.4', true],
    ['release/*', 'release/1/4', true],
    ['release/*', 'prerelease/1', false],
    ['release/*', 'release', false],
    ['*', 'a/b', true],
    ['v*.x', 'v1.x', true],
    ['v*.x', 'v1-x', false],
  ])('%s against %s: %s', (allowed, branch, is) => {
    expect(isOneOf([allowed], branch)).toBe(is);
  });
});
