/** Symbolic links, as git keeps them: the text of a path. */
import type { Files, Link } from '../configuration/files.ts';

/** What a factory is read from: a directory, or a zip. */
export interface Entries {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** By path, what is written in each. */
  readonly links: ReadonlyMap<string, string>;
  readonly submodules: readonly string[];
}

/** Linux follows as many, and takes more for a circle. */
const MOST_LINKS = 40;

/** Follows every link to what is in the factory. */
export function followed({ files, links, submodules }: Entries): Files {
  const paths = [...files.keys(), ...links.keys()];
  const known = new Set(paths.flatMap((path) => [path, ...parentsOf(path)]));
  const leads = new Map(
    [...links].map(([path, to]): [string, Link] => [path, { to, leadsTo: destination(path, links, known) }]),
  );
  const reached = new Map<string, Uint8Array>(files);
  for (const [path, { leadsTo }] of leads) {
    if (leadsTo === undefined || isWithin(path, leadsTo)) continue;
    const file = files.get(leadsTo);
    if (file) reached.set(path, file);
    for (const [name, bytes] of files)
      if (name.startsWith(`${leadsTo}/`)) reached.set(`${path}${name.slice(leadsTo.length)}`, bytes);
  }
  const sorted = new Map([...reached].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return Object.assign(sorted, { links: leads, submodules });
}

/** Whether a path is a directory, or lies in it. */
export const isWithin = (path: string, directory: string): boolean =>
  directory === '' || path === directory || path.startsWith(`${directory}/`);

/** `a/b/c` has the parents `a/b` and `a`. */
const parentsOf = (path: string): string[] =>
  [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index)).toReversed();

/** Walks a link step by step, as Linux does: `..` leaves what a link has led to, not what is written before it. */
function destination(
  link: string,
  links: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): string | undefined {
  const steps = link.split('/');
  let at: string[] = [];
  let followedLinks = 0;
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    if (step === '' || step === '.') continue;
    if (step === '..') {
      if (at.length === 0) return undefined;
      at = at.slice(0, -1);
      continue;
    }
    const path = [...at, step].join('/');
    const to = links.get(path);
    if (to === undefined) {
      if (!known.has(path)) return undefined;
      at = [...at, step];
      continue;
    }
    followedLinks += 1;
    if (to.startsWith('/') || followedLinks > MOST_LINKS) return undefined;
    steps.unshift(...to.split('/'));
  }
  return at.join('/');
}
