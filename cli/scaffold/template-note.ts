/** `TEMPLATE.md` in a copied template: where it is from, and what was copied, so that `packleader upgrade` knows whose a change is. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { PACKAGE_VERSION } from '../../core/contract/package-version.ts';
import type { NewFile } from './changes.ts';

export const TEMPLATE_NOTE = 'TEMPLATE.md';

export interface TemplateNote {
  /** The version of the package that it was copied from. */
  readonly version: string;
  /** Which template of the package; undefined in a note of before it said so. */
  readonly template: string | undefined;
  /** The git id of each file as it was copied, by its path from the template. Empty in a note of before it said so. */
  readonly copied: ReadonlyMap<string, string>;
}

/**
 * How git names these bytes: what was committed as it was copied can be had from there again.
 *  @see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
 */
export const blobId = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** What the note says of files of the package that lie in a directory, or beside it. */
export function noteFor(template: string, directory: string, files: readonly NewFile[]): string {
  const copied = files.map(({ path, content }): [string, string] => [
    posix.relative(directory, path),
    blobId(Buffer.from(content)),
  ]);
  return noteText(template, copied);
}

function noteText(template: string, copied: readonly [string, string][]): string {
  const lines = copied.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, id]) => `    ${id}  ${path}\n`);
  return `Copied from packleader ${PACKAGE_VERSION}, template ${template}. It is yours: change what you like, every image that takes it is baked from it.

\`npx packleader upgrade\` tells what has changed since, in the package and here. It goes by what was copied, as git names it:

${lines.join('')}`;
}

/** Undefined for a note that says no version. */
export function readNote(text: string): TemplateNote | undefined {
  const [, version, template] =
    /^Copied from packleader (\d+\.\d+\.\d+(?:-[\w.-]*\w)?)(?:, template ([\w-]+))?\. /.exec(text) ?? [];
  if (version === undefined) return undefined;
  const listed = [...text.matchAll(/^ {4}([0-9a-f]{40}) {2}(\S.*?)\r?$/gm)];
  return { version, template, copied: new Map(listed.map(([, id = '', path = '']) => [path, id])) };
}
