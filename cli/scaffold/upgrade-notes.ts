/** What an upgrade needs, as the sections `Upgrading` of CHANGELOG.md say, which the package ships. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNewer } from '../../core/contract/package-version.ts';
import { INSTALLED } from './package-files.ts';

/** What a note is about: what is deployed, what files of the factory say, or what a copied template must have. */
export const SUBJECTS = ['Deploy', 'Settings', 'Templates'] as const;

export interface UpgradeNote {
  /** Of the package, or `Unreleased`. */
  readonly version: string;
  readonly about: (typeof SUBJECTS)[number];
  readonly text: string;
}

const UNRELEASED = 'Unreleased';

/** Every note of a changelog in the form of this repository's. */
export function notesOf(changelog: string): UpgradeNote[] {
  return changelog.split(/^## /m).flatMap((section) => {
    const [, version] = /^\[([^\]]+)\]/.exec(section) ?? [];
    const upgrading = section.split(/^### /m).find((part) => part.startsWith('Upgrading\n'));
    if (version === undefined || upgrading === undefined) return [];
    return upgrading
      .split(/^- /m)
      .slice(1)
      .map((item) => noteOf(version, item.replace(/\s+/g, ' ').trim()));
  });
}

function noteOf(version: string, item: string): UpgradeNote {
  const [, about, text] = /^\*\*([^*]+)\.\*\* (.+)$/.exec(item) ?? [];
  const subject = SUBJECTS.find((one) => one === about);
  if (subject === undefined || text === undefined)
    throw new Error(`CHANGELOG.md: a note on upgrading begins with one of ${SUBJECTS.join(', ')}: ${item}`);
  // A terminal follows no link.
  return { version, about: subject, text: text.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1') };
}

/** The notes of the versions after one, up to another; newest first, what has no version yet among them when it is asked for. */
export const notesBetween = (
  notes: readonly UpgradeNote[],
  from: string,
  to: string,
  { unreleased }: { readonly unreleased: boolean },
): UpgradeNote[] =>
  notes.filter(({ version }) =>
    version === UNRELEASED ? unreleased : isNewer(version, from) && !isNewer(version, to),
  );

/** Those that this package ships. */
export const shippedNotes = (): UpgradeNote[] =>
  notesOf(readFileSync(join(INSTALLED, 'CHANGELOG.md'), 'utf8'));
