import { PACKAGE_VERSION } from '../../../core/contract/package-version.ts';
import type { UpgradeNote } from '../../scaffold/upgrade-notes.ts';
import { type Cell, inColumns, printLines } from '../../terminal/columns.ts';
import { paintedDiff, unifiedDiff } from '../../terminal/diff.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { type ChangedFile, type Comparison, type Content, textOf } from './compare.ts';

interface Told extends Comparison {
  readonly from: string | undefined;
  /** Undefined where nothing says what is upgraded. */
  readonly notes: readonly UpgradeNote[] | undefined;
  /** Of the factory, as whoever started the program would write it. */
  readonly root: string;
}

export function tell(
  output: Output,
  { compared, notCompared, from, notes, root }: Told,
  lines: boolean,
): void {
  const { print, paint } = output;
  print(`packleader ${PACKAGE_VERSION} is installed\n`);
  for (const { directory, copiedFrom, files } of compared) {
    print(`\n${paint('bold', directory)} of ${root}, copied from packleader ${copiedFrom}\n`);
    if (files.length === 0) print('  is what the package has\n');
    printLines(inColumns(files.map(rowOf), output, 2), output);
    if (lines) for (const file of files) print(changedLines(file, paint));
  }
  for (const { directory, why } of notCompared) print(`\n${paint('bold', directory)} ${why}\n`);
  print(notesText(from, notes, paint));
  const brings = (file: ChangedFile) => file.byHand === undefined && file.whose !== 'yours';
  if (compared.some(({ files }) => files.some(brings)))
    print('\nNext: commit what you have, then packleader upgrade --patch | git apply --3way\n');
}

const WHOSE = { packleader: 'packleader', yours: 'you', both: 'both', unknown: 'differs' } as const;

function rowOf(file: ChangedFile): Cell[] {
  const style =
    file.whose === 'yours' ? 'dim' : file.byHand === undefined && file.conflicts === 0 ? 'green' : 'yellow';
  return [{ text: WHOSE[file.whose], style }, file.path, sentenceOf(file)];
}

function sentenceOf({ whose, yours, packleaders, copied, conflicts, byHand }: ChangedFile): string {
  if (whose === 'unknown') return `${byHand}, so whose lines differ cannot be told`;
  if (byHand !== undefined) return `by hand: ${byHand}`;
  if (copied === 'lost') throw new Error('what was copied is lost, and nobody said so');
  const mine = `yours${countOf(copied, yours)}`;
  const theirs = `packleader’s${countOf(copied, packleaders)}`;
  if (whose === 'yours') return mine;
  if (whose === 'packleader') return theirs;
  const merged = conflicts === 0 ? 'they merge' : `${conflicts} to be solved by hand`;
  return `${theirs}, ${mine}: ${merged}`;
}

function countOf(before: Content, after: Content): string {
  if (before === undefined) return ': new';
  if (after === undefined) return ': gone';
  const lines = unifiedDiff(['', ''], textOf(before), textOf(after)).slice(2);
  const count = (mark: string) => lines.filter((line) => line.startsWith(mark)).length;
  return ` +${count('+')} -${count('-')}`;
}

/** Each change with its owner in the head. Where nothing tells them apart there is one: from yours to packleader's. */
function differencesOf({ path, yours, packleaders, copied }: ChangedFile): string[][] {
  const diff = (names: [string, string], before: Content, after: Content) =>
    unifiedDiff(names, textOf(before), textOf(after));
  if (copied === 'lost') return [diff([`${path}, yours`, `${path}, packleader’s`], yours, packleaders)];
  const was = `${path}, as it was copied`;
  return [
    packleaders ? diff([was, `${path}, packleader’s`], copied, packleaders) : [],
    yours ? diff([was, `${path}, yours`], copied, yours) : [],
  ].filter(({ length }) => length > 0);
}

/** Of a file that is gone nothing is shown, because all of it is. */
const changedLines = (file: ChangedFile, paint: Output['paint']): string =>
  differencesOf(file)
    .map((lines) => `\n${paintedDiff(lines, paint)}`)
    .join('');

export function notesText(
  from: string | undefined,
  notes: readonly UpgradeNote[] | undefined,
  paint: Output['paint'],
): string {
  if (notes === undefined)
    return '\nNo template says what is upgraded: --from <version> shows the notes since.\n';
  if (notes.length === 0) return `\nNothing else is to be done since ${from}.\n`;
  const lines = notes.map(
    ({ version, about, text }) => `  ${paint('dim', version)}  ${paint('bold', about)}: ${text}\n`,
  );
  return `\nSince ${from}:\n${lines.join('')}`;
}

/** The document that `--json` promises. */
export function tellAsJson({ print }: Output, { compared, notCompared, from, notes }: Told): void {
  const templates = compared.map(({ directory, copiedFrom, files }) => ({
    directory,
    copiedFrom,
    files: files.map((file) => ({
      file: file.path,
      whose: file.whose,
      conflicts: file.conflicts,
      byHand: file.byHand ?? null,
      lines: differencesOf(file).map((lines) => lines.join('\n')),
    })),
  }));
  print(
    jsonText({
      outcome: 'told',
      packleader: PACKAGE_VERSION,
      from: from ?? null,
      templates,
      notCompared,
      notes: notes ?? null,
    }),
  );
}
