/** `packleader upgrade`: what the installed package changes in a team's repository, and what it needs. */
import { statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { PACKAGE_VERSION, isNewer } from '../../../core/contract/package-version.ts';
import { gitBytes } from '../../../core/source/git.ts';
import { pathInRepository } from '../../../core/source/path-in-repository.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { fromStart } from '../../input/start-directory.ts';
import { notesBetween, shippedNotes } from '../../scaffold/upgrade-notes.ts';
import type { Output } from '../../terminal/output.ts';
import { type ComparedTemplate, compareTemplates, type Content, type Stored } from './compare.ts';
import { patchOf } from './merge.ts';
import { tell, tellAsJson } from './tell.ts';

export interface UpgradeOptions {
  readonly lines: boolean;
  readonly patch: boolean;
  readonly json: boolean;
  readonly from?: string;
  readonly factory: string;
}

const VERSION = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;

/** @throws InvalidConfiguration */
export function upgradeCommand(options: UpgradeOptions, output: Output): void {
  if (options.from !== undefined && !VERSION.test(options.from))
    throw refuse(
      '--from',
      `found ${JSON.stringify(options.from)}, must be a version of packleader, such as 0.1.0`,
    );
  if (options.patch && options.json)
    throw refuse('--patch', 'is said together with --json, must be one of them');
  const { directory, files } = checkOutFactory(options.factory);
  const root = fromStart(directory);
  const comparison = compareTemplates(files, storedIn(root));
  const { compared } = comparison;
  if (options.patch) {
    output.print(patchFor(root, compared));
    output.complain(leftOut(compared));
    return;
  }
  const from = options.from ?? oldest(compared);
  // Of one version there may be two packages, until the next is named: then templates tell them apart.
  const differs = compared.some((one) => one.files.some(({ whose }) => whose !== 'yours'));
  const notes =
    from === undefined
      ? undefined
      : notesBetween(shippedNotes(), from, PACKAGE_VERSION, {
          unreleased: differs || from !== PACKAGE_VERSION,
        });
  const told = { ...comparison, from, notes, root: directory };
  if (options.json) tellAsJson(output, told);
  else tell(output, told, options.lines);
}

const oldest = (compared: readonly ComparedTemplate[]): string | undefined =>
  compared
    .map(({ copiedFrom }) => copiedFrom)
    .toSorted((a, b) => (isNewer(a, b) ? 1 : -1))
    .at(0);

const storedIn =
  (root: string): Stored =>
  (id): Content => {
    try {
      return gitBytes(root, ['cat-file', 'blob', id]);
    } catch {
      // Outside of git, or never committed as it was copied.
      return undefined;
    }
  };

/** What packleader has changed, of all that a patch can bring; and the notes that then say so. */
function patchFor(root: string, compared: readonly ComparedTemplate[]): string {
  const files = compared.flatMap((template) => [
    ...template.files.flatMap(({ path, whose, copied, packleaders, byHand, executable }) =>
      whose !== 'yours' && byHand === undefined && copied !== 'lost'
        ? [
            {
              path,
              before: copied,
              after: packleaders,
              executable: executable || isExecutable(join(root, path)),
            },
          ]
        : [],
    ),
    { ...template.note, executable: false },
  ]);
  const factory = pathInRepository(root);
  return patchOf(files.map((file) => ({ ...file, path: posix.join(factory, file.path) })));
}

const isExecutable = (file: string): boolean =>
  ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o100) !== 0;

/** A patch is for git, so this is said beside it. */
function leftOut(compared: readonly ComparedTemplate[]): string {
  const files = compared.flatMap((template) => template.files.filter(({ byHand }) => byHand !== undefined));
  return files.map(({ path, byHand }) => `not in the patch: ${path}: ${byHand}\n`).join('');
}
