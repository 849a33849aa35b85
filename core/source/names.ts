/** Names that a zip, the program that opens it, or a file system does not keep as they are. */
import { type Problem, problem } from '../configuration/documents/problems.ts';
import type { Files } from '../configuration/files.ts';

const RULES: readonly (readonly [RegExp, string])[] = [
  [/\uFFFD/, 'must be UTF-8'],
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  [/[\u0000-\u001f\u007f]/, 'must hold no control character, which unzip leaves out'],
  [/\\/, 'must hold no backslash, which unzip takes for a directory’s'],
  [/[:*?"<>|]/, 'must hold none of : * ? " < > |, which Windows does not keep'],
  [/[. ]$/, 'must end in neither a dot nor a space, which Windows leaves out'],
  [/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i, 'must not be the name of a device of Windows'],
  [/;\d*$/, 'must not end in a semicolon and a number, which unzip leaves out'],
];

/** What is wrong with the name of any file, link or submodule, whatever it is for: one zip holds them all. */
export function nameProblems(files: Files): Problem[] {
  const paths = [...files.keys(), ...(files.links?.keys() ?? []), ...(files.submodules ?? [])];
  const known = new Map<string, string>();
  const problems: Problem[] = [];
  for (const path of [...new Set(paths)].toSorted()) {
    const steps = path.split('/');
    for (const [at, step] of steps.entries()) {
      const place = steps.slice(0, at + 1).join('/');
      const same = place.normalize('NFC').toLowerCase();
      const first = known.get(same);
      if (first === place) continue;
      if (first === undefined) {
        known.set(same, place);
        const [, must] = RULES.find(([rule]) => rule.test(step)) ?? [];
        if (must !== undefined)
          problems.push(
            problem(shownPath(place), 0, [], `found the name ${JSON.stringify(step)}, ${must}: rename it`),
          );
      } else
        problems.push(
          problem(
            shownPath(place),
            0,
            [],
            `found ${JSON.stringify(first)} as well, must differ in more than case: Windows and macOS keep only one of them; rename one`,
          ),
        );
    }
  }
  return problems;
}

/** A path in one line. */
const shownPath = (path: string): string =>
  // oxlint-disable-next-line no-control-regex -- they are what it replaces
  path.replaceAll(/[\u0000-\u001f\u007f]/g, (found) => JSON.stringify(found).slice(1, -1));
