import { describe, expect, it } from 'vitest';
import { notesBetween, notesOf, shippedNotes } from '../../../cli/scaffold/upgrade-notes.ts';

const CHANGELOG = `# Changelog

## [Unreleased]

### Upgrading

- **Deploy.** The hub.

## [0.10.0] - 2026-02-01

### Added

- Something.

### Upgrading

- **Deploy.** The targets,
  then the hub: [why](docs/x.md#y).
- **Settings.** \`a\` is \`b\`.

### Fixed

- Something else.

## [0.9.0] - 2026-01-01

### Upgrading

- **Templates.** One line.
`;

describe('notes on upgrading', () => {
  it('are read from the sections of a changelog', () => {
    expect(notesOf(CHANGELOG)).toEqual([
      { version: 'Unreleased', about: 'Deploy', text: 'The hub.' },
      { version: '0.10.0', about: 'Deploy', text: 'The targets, then the hub: why.' },
      { version: '0.10.0', about: 'Settings', text: '`a` is `b`.' },
      { version: '0.9.0', about: 'Templates', text: 'One line.' },
    ]);
  });

  it.each([
    ['0.8.0', '0.10.0', false, ['0.10.0', '0.10.0', '0.9.0']],
    ['0.9.0', '0.10.0', false, ['0.10.0', '0.10.0']],
    ['0.8.0', '0.9.5', false, ['0.9.0']],
    ['0.10.0', '0.10.0', false, []],
    ['0.10.0', '0.10.0', true, ['Unreleased']],
  ])('from %s to %s, what has no version among them: %s', (from, to, unreleased, versions) => {
    const notes = notesBetween(notesOf(CHANGELOG), from, to, { unreleased });
    expect(notes.map(({ version }) => version)).toEqual(versions);
  });

  it('fails for a note that does not say what it is about', () => {
    const wrong = CHANGELOG.replace('**Settings.**', '**Setings.**');
    expect(() => notesOf(wrong)).toThrow('begins with one of Deploy, Settings, Templates: **Setings.**');
  });

  it('of this package can be read, and there are some', () => {
    expect(shippedNotes()).not.toEqual([]);
  });
});
