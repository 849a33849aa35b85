import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type NewFile, onlyNew, writeChanges } from '../../../cli/scaffold/changes.ts';
import { temporaryDirectory, writeFiles } from '../../fixtures/directories.ts';

const file = (path: string, content = 'new'): NewFile => ({ path, content });

describe('writing several files', () => {
  it('makes the directories that they need, and leaves nothing beside them', () => {
    const root = temporaryDirectory();
    writeChanges(root, { written: [file('a/b/one'), file('two')], added: [] });
    expect(readdirSync(root).toSorted()).toEqual(['a', 'two']);
    expect(readFileSync(join(root, 'a/b/one'), 'utf8')).toBe('new');
  });

  it('takes everything back when one cannot be put in its place', () => {
    const root = temporaryDirectory();
    writeFiles(root, { 'kept/there': 'old', 'package.json': 'old' });
    // The second of the same name finds the first there, as if somebody else had just made it.
    const written = [file('a/b/one'), file('kept/new'), file('a/b/one')];
    expect(() =>
      writeChanges(root, { written, added: [{ ...file('package.json'), added: 'a script' }] }),
    ).toThrow('a/b/one: has been made by somebody else just now: run it again');
    expect(readdirSync(root).toSorted()).toEqual(['kept', 'package.json']);
    expect(readdirSync(join(root, 'kept'))).toEqual(['there']);
    expect(readFileSync(join(root, 'package.json'), 'utf8')).toBe('old');
  });

  it('puts back what it had replaced', () => {
    const root = temporaryDirectory();
    writeFiles(root, { 'package.json': 'old' });
    const added = { ...file('package.json'), added: 'a script' };
    expect(() =>
      writeChanges(root, { written: [], added: [added, { ...file('missing'), added: '' }] }),
    ).toThrow('ENOENT');
    expect(readFileSync(join(root, 'package.json'), 'utf8')).toBe('old');
    expect(readdirSync(root)).toEqual(['package.json']);
  });

  it('fails before it writes when a file is in the place of a directory, or the other way round', () => {
    const root = temporaryDirectory();
    writeFiles(root, { packer: '', 'package.json/x': '' });
    expect(() =>
      writeChanges(root, { written: [file('one'), file('packer/factory.yaml')], added: [] }),
    ).toThrow('packer: is a file, must be a directory: move it away, and run it again');
    expect(() => writeChanges(root, { written: [file('one'), file('package.json')], added: [] })).toThrow(
      'package.json: is a directory, must be a file: move it away, and run it again',
    );
    expect(existsSync(join(root, 'one'))).toBe(false);
  });
});

describe('files that are only written where they are new', () => {
  it('are told apart from those that are there', () => {
    const root = temporaryDirectory();
    writeFiles(root, { there: '' });
    const { written, kept } = onlyNew(root, [file('there'), file('not')]);
    expect({ written: written.map(({ path }) => path), kept }).toEqual({ written: ['not'], kept: ['there'] });
  });
});
