/** What can be wrong with a configuration, and how it is said. */
import { closest, distance } from 'fastest-levenshtein';
import { ERRORS, PackleaderError } from '../../contract/errors.ts';
import { credentialIn, redact } from './credentials.ts';

export interface Problem {
  /** Relative to the factory directory; "overrides" for the overrides of a release request. */
  readonly file: string;
  /** Counted from 1; 0 where there is no line: the file is absent, or it is the overrides. */
  readonly line: number;
  /** Path inside the file, like `network.vpcId` or `source.owners[0]`; empty for the whole file. */
  readonly path: string;
  /** One sentence: what was found and what is allowed. It never contains a credential. */
  readonly message: string;
}

export type Path = readonly (string | number)[];

/** `['tags', 'cost.center', 0]` is written `tags["cost.center"][0]`. */
export const pathText = (path: Path): string =>
  redact(
    path
      .map((step, at) => {
        if (typeof step === 'number') return `[${step}]`;
        if (!/^[\w:@/-]+$/.test(step)) return `[${JSON.stringify(step)}]`;
        return at === 0 ? step : `.${step}`;
      })
      .join(''),
  );

export const problem = (file: string, line: number, path: Path, message: string): Problem => ({
  file: redact(file),
  line,
  path: pathText(path),
  message: redact(message),
});

export const placeText = ({ file, line }: { readonly file: string; readonly line: number }): string =>
  line > 0 ? `${file}:${line}` : file;

const problemText = (one: Problem): string =>
  `${placeText(one)}${one.path === '' ? '' : ` ${one.path}`}: ${one.message}`;

/** Each problem once, by file and line. */
export function sortedProblems(problems: readonly Problem[]): Problem[] {
  const unique = new Map(
    problems.map((one) => [JSON.stringify([one.file, one.line, one.path, one.message]), one]),
  );
  return [...unique.values()].sort((a, b) =>
    a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1,
  );
}

/** Everything that is wrong, at once; the message has one line per problem: `file:line path: message`. */
export class InvalidConfiguration extends PackleaderError {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = sortedProblems(problems);
    super(ERRORS.invalidConfiguration, sorted.map(problemText).join('\n'));
    this.problems = sorted;
  }
}

export function throwIfAny(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new InvalidConfiguration(problems);
}

const LONGEST_SHOWN = 60;

/** A value as a message shows it: short, and never a credential. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = JSON.stringify(value) ?? String(value);
  if (credentialIn(text) !== undefined) return 'a credential (not shown)';
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}..."`;
}

/** `the nearest is "prod"`, or all there are when nothing is near. */
export function nearest(found: string, known: readonly string[]): string {
  if (known.length === 0) return 'there are none';
  const candidate = closest(found.toLowerCase(), known);
  const near = distance(found.toLowerCase(), candidate.toLowerCase()) <= Math.max(2, candidate.length / 2);
  if (near) return `the nearest is ${shown(candidate)}`;
  const listed = known.slice(0, 20).map(shown).join(', ');
  return `known ${known.length === 1 ? 'is' : 'are'} ${listed}${known.length > 20 ? ', ...' : ''}`;
}
