/** Whose the changes of a copied template are: the package's, the team's, or both. */
import { posix } from 'node:path';
import type { Files } from '../../../core/configuration/files.ts';
import { PACKAGE_VERSION, isNewer } from '../../../core/contract/package-version.ts';
import type { NewFile } from '../../scaffold/changes.ts';
import { type Platform, isPlatform, packageTemplate } from '../../scaffold/package-files.ts';
import { TEMPLATE_NOTE, type TemplateNote, blobId, noteFor, readNote } from '../../scaffold/template-note.ts';
import { conflictsOf } from './merge.ts';

/** A file, or undefined where there is none. */
export type Content = Uint8Array | undefined;

export interface ChangedFile {
  /** From the factory. */
  readonly path: string;
  /** `unknown` where nothing says what was copied. */
  readonly whose: 'packleader' | 'yours' | 'both' | 'unknown';
  readonly yours: Content;
  readonly packleaders: Content;
  /** As it was copied; `lost` where nothing has it any more. */
  readonly copied: Content | 'lost';
  /** Of `both`: how many places git cannot merge. */
  readonly conflicts: number;
  /** Why no patch can bring packleader's change, where none can. */
  readonly byHand: string | undefined;
  readonly executable: boolean;
}

export interface ComparedTemplate {
  /** From the factory. */
  readonly directory: string;
  readonly copiedFrom: string;
  readonly files: readonly ChangedFile[];
  /** What `TEMPLATE.md` says, and what it says once packleader's changes are in. */
  readonly note: { readonly path: string; readonly before: Content; readonly after: Content };
}

export interface NotCompared {
  readonly directory: string;
  readonly why: string;
}

export interface Comparison {
  readonly compared: readonly ComparedTemplate[];
  readonly notCompared: readonly NotCompared[];
}

/** What git keeps under an id; undefined where it keeps nothing. */
export type Stored = (id: string) => Content;

export function compareTemplates(files: Files, stored: Stored): Comparison {
  const compared: ComparedTemplate[] = [];
  const notCompared: NotCompared[] = [];
  const paths = [...files.keys()].flatMap((path) => /^templates\/[^/]+(?=\/)/.exec(path)?.[0] ?? []);
  for (const directory of new Set(paths)) {
    const known = knownTemplate(directory, files.get(`${directory}/${TEMPLATE_NOTE}`));
    if (typeof known === 'string') notCompared.push({ directory, why: known });
    else compared.push(compareTemplate(directory, known, files, stored));
  }
  return { compared, notCompared };
}

interface KnownTemplate {
  readonly template: Platform;
  readonly note: TemplateNote;
}

/** What a template was copied from, or why it cannot be compared. */
function knownTemplate(directory: string, bytes: Content): KnownTemplate | string {
  if (bytes === undefined) return `has no ${TEMPLATE_NOTE}: it is no copy of packleader’s`;
  const note = readNote(textOf(bytes));
  if (note === undefined)
    return `has a ${TEMPLATE_NOTE} that does not say which packleader it was copied from`;
  if (isNewer(note.version, PACKAGE_VERSION))
    return `was copied from packleader ${note.version}, and ${PACKAGE_VERSION} is installed: \`npm install --save-dev packleader@${note.version}\``;
  const template = note.template ?? posix.basename(directory);
  if (!isPlatform(template))
    return `was copied from the template ${template}, which packleader ${PACKAGE_VERSION} does not have`;
  return { template, note };
}

function compareTemplate(
  directory: string,
  { template, note }: KnownTemplate,
  files: Files,
  stored: Stored,
): ComparedTemplate {
  const shipped = new Map(packageTemplate(template, directory).map((file) => [file.path, file]));
  const copied = new Map([...note.copied].map(([path, id]) => [posix.join(directory, path), id]));
  const paths = [...new Set([...shipped.keys(), ...copied.keys()])].toSorted();
  const changed = paths.flatMap((path) =>
    compareFile(path, { yours: files.get(path), shipped: shipped.get(path), copied, stored }),
  );
  const path = `${directory}/${TEMPLATE_NOTE}`;
  const written = files.get(path);
  const after = Buffer.from(noteFor(template, directory, [...shipped.values()]));
  return {
    directory,
    copiedFrom: note.version,
    files: changed,
    note: { path, before: written && asWritten(written, after), after },
  };
}

interface Sides {
  readonly yours: Content;
  readonly shipped: NewFile | undefined;
  /** By path, the id of what was copied. */
  readonly copied: ReadonlyMap<string, string>;
  readonly stored: Stored;
}

/** Empty when there is nothing to tell of it. */
function compareFile(path: string, { yours, shipped, copied, stored }: Sides): ChangedFile[] {
  const packleaders = shipped && Buffer.from(shipped.content);
  const here = yours && asWritten(yours, packleaders);
  const [mine, theirs, was] = [here && blobId(here), packleaders && blobId(packleaders), copied.get(path)];
  if (mine === theirs) return [];
  const file = { path, yours: here, packleaders, conflicts: 0, executable: shipped?.executable === true };
  if (copied.size === 0)
    return [
      { ...file, whose: 'unknown', copied: 'lost', byHand: `${TEMPLATE_NOTE} does not list what was copied` },
    ];
  if (theirs === was) return [{ ...file, whose: 'yours', copied: packleaders, byHand: undefined }];
  if (mine === was) return [{ ...file, whose: 'packleader', copied: here, byHand: undefined }];
  const base = was === undefined ? undefined : (stored(was) ?? 'lost');
  const both = { ...file, whose: 'both', copied: base } as const;
  if (here === undefined) return [{ ...both, byHand: 'you have removed it' }];
  if (packleaders === undefined) return [{ ...both, byHand: 'packleader has it no longer' }];
  if (base === undefined) return [{ ...both, byHand: 'packleader has begun a file of the same name' }];
  if (base === 'lost') return [{ ...both, byHand: 'no commit has it as it was copied' }];
  return [{ ...both, conflicts: conflictsOf({ yours: here, copied: base, packleaders }), byHand: undefined }];
}

/** Git may have put the line ends of Windows into a working tree. */
const asWritten = (bytes: Uint8Array, packleaders: Content): Uint8Array =>
  packleaders?.includes(CARRIAGE_RETURN) === true || !bytes.includes(CARRIAGE_RETURN)
    ? bytes
    : Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('\r\n', '\n'), 'latin1');

const CARRIAGE_RETURN = 0x0d;

export const textOf = (content: Content): string =>
  content === undefined ? '' : new TextDecoder().decode(content);
