/** One thing that may be taken away from a source file, and how it is. */
import type { Operator } from './operators.ts';
import { functionsNamed } from './queries.ts';
import { parse } from './syntax-tree.ts';

export interface MutationSite {
  /** From the root of the repository. */
  readonly file: string;
  /** The function, by its name. */
  readonly within: string;
  /** What is done there; its site is in the function exactly once. */
  readonly does: Operator;
  /** What the code is like then. */
  readonly means: string;
  /** Ids of scenarios that are likely to kill it. */
  readonly likely: RegExp;
}

export const nameOfSite = ({ file, means }: Pick<MutationSite, 'file' | 'means'>): string =>
  `${file}: ${means}`;

/** The file's text with the mutation. @throws Error that names the mutation, when its site is not there exactly once */
export async function mutate(site: Omit<MutationSite, 'likely'>, text: string): Promise<string> {
  const { within, does } = site;
  const found = functionsNamed(await parse(text), within);
  const [node] = found;
  if (node === undefined || found.length > 1)
    throw new Error(`${nameOfSite(site)}: the file has ${found.length} functions ${within}, expected 1.`);
  const edits = does.edits({ node, text });
  const [edit] = edits;
  if (edit === undefined || edits.length > 1)
    throw new Error(`${nameOfSite(site)}: ${within} has ${does.site} ${edits.length} times, expected once.`);
  return text.slice(0, edit.start) + edit.by + text.slice(edit.end);
}
