import type { Output } from '../terminal/output.ts';
import type { Changes } from './changes.ts';
import { PACKAGE_VERSION } from '../../core/contract/package-version.ts';

/** What was written, in lines; a template is one. */
export function toldChanges({ paint }: Output, { written, added, kept }: Changes): string {
  const places = Map.groupBy(written, ({ path }) => templateOf(path) ?? path);
  const lines = [
    ...[...places].map(([place, files]) => [
      paint('green', 'wrote'),
      templateOf(files[0]?.path ?? '') === undefined
        ? place
        : `${place}/  ${paint('dim', `${files.length} files of packleader ${PACKAGE_VERSION}, yours from now on`)}`,
    ]),
    ...added.map((one) => [paint('green', 'added'), `${one.path}  ${paint('dim', one.added)}`]),
    ...kept.map((path) => [paint('dim', 'kept '), path]),
  ];
  return lines.map(([what, text]) => `  ${what}  ${text}\n`).join('');
}

const templateOf = (path: string): string | undefined => /^(?:.*\/)?templates\/[^/]+(?=\/)/.exec(path)?.[0];
