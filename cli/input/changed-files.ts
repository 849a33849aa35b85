/** What of a factory differs between two commits, or a commit and what lies in the working tree. */
import { refuse } from './arguments.ts';
import { outsideName } from '../../buildspecs/outside.mjs';
import { outsideOf } from '../../core/configuration/files.ts';
import { type FactoryCheckout, WORKING_TREE } from './checkout.ts';
import { commitOf, git, gitRoot, tryGit } from '../../core/source/git.ts';
import { pathInRepository } from '../../core/source/path-in-repository.ts';
import { fromStart } from './start-directory.ts';

export interface ChangedFiles {
  /** The commit that is compared with, 40 hex digits. */
  readonly since: string;
  /** What that commit is, in words. */
  readonly sinceWhat: string;
  /** A commit, or `the working tree`. */
  readonly until: string;
  /** Paths in the factory; none when `late`. */
  readonly files: readonly string[];
  /** Whether what is pushed is older than what it is compared with: a push that arrives late. */
  readonly late: boolean;
}

export interface Comparing {
  /** By default the commit that HEAD has in common with the default branch, as it was last fetched. */
  readonly since?: string | undefined;
  /** Compared instead of the working tree. */
  readonly ref?: string | undefined;
  readonly defaultBranch: string;
}

/** @throws InvalidConfiguration when git cannot tell */
export function changedFiles(checkout: FactoryCheckout, comparing: Comparing): ChangedFiles {
  const root = fromStart(checkout.directory);
  if (gitRoot(root) === undefined)
    throw refuse('--changed', `${root} is not in a git repository, so nothing tells what changed`);
  if (commitOf(root, 'HEAD') === undefined)
    throw refuse('--changed', `the repository of ${root} has no commit yet, so nothing tells what changed`);
  const { commit: since, what: sinceWhat } =
    comparing.since === undefined ? common(root, checkout, comparing) : named(root, comparing.since);
  const { ref } = comparing;
  const outside = outsideOf(checkout.files, pathInRepository(root));
  const changed =
    ref === undefined
      ? [...differing(root, outside, since), ...untracked(root, outside)]
      : differing(root, outside, since, checkout.commit);
  const pushesCommit = ref !== undefined || checkout.note !== WORKING_TREE;
  const late = pushesCommit && since !== checkout.commit && isAncestor(root, checkout.commit, since);
  return {
    since,
    sinceWhat,
    until: ref === undefined ? 'the working tree' : checkout.commit,
    // As `Fetch source` has it: an older commit never becomes the newest release.
    files: late ? [] : [...new Set(changed)].toSorted(),
    late,
  };
}

interface Named {
  readonly commit: string;
  readonly what: string;
}

function named(root: string, since: string): Named {
  const commit = commitOf(root, since);
  if (commit !== undefined) return { commit, what: since };
  const why = isShallow(root) ? `: this clone is shallow, and "git fetch --unshallow" gets the rest` : '';
  throw refuse('--changed', `git knows no commit, branch or tag ${since}${why}`);
}

/** The commit after which somebody's work went its own way. */
function common(root: string, { commit: head }: FactoryCheckout, { defaultBranch }: Comparing): Named {
  if (isShallow(root))
    throw refuse(
      '--changed',
      'this clone is shallow, so its history does not tell what changed: run "git fetch --unshallow", or name a commit',
    );
  const branch = [`${defaultBranch}@{upstream}`, `origin/${defaultBranch}`, defaultBranch].find(
    (one) => commitOf(root, one) !== undefined,
  );
  if (branch === undefined)
    throw refuse(
      '--changed',
      `git knows neither the branch ${defaultBranch} nor origin/${defaultBranch}: name the commit to compare with`,
    );
  const name = tryGit(root, ['rev-parse', '--abbrev-ref', branch])?.trim() || branch;
  const commit = tryGit(root, ['merge-base', head, branch])?.trim();
  if (commit === undefined)
    throw refuse('--changed', `nothing is in common with ${name}: name the commit to compare with`);
  return { commit, what: `in common with ${name}` };
}

function differing(root: string, outside: readonly string[], ...commits: readonly string[]): string[] {
  const args = ['diff', '-z', '--name-only', '--no-renames', '--no-ext-diff'];
  return [
    ...names(git(root, [...args, '--relative', ...commits, '--', '.'])),
    ...elsewhere(outside, (paths) => names(git(root, [...args, ...commits, '--', ...paths]))),
  ];
}

/** Files that would be committed too. */
function untracked(root: string, outside: readonly string[]): string[] {
  const args = ['ls-files', '-z', '--others', '--exclude-standard'];
  return [
    ...names(git(root, [...args, '--', '.'])),
    ...elsewhere(outside, (paths) => names(git(root, [...args, '--full-name', '--', ...paths]))),
  ];
}

/** What images bake that lies outside of the factory, by its name in the source. A factory at the root has all inside. */
function elsewhere(
  outside: readonly string[],
  list: (paths: readonly string[]) => readonly string[],
): string[] {
  if (outside.length === 0) return [];
  return list(outside.map((path) => `:/${path}`)).flatMap((name) => outsideName(outside, name) ?? []);
}

const names = (listed: string): string[] => listed.split('\0').filter((name) => name !== '');

const isShallow = (root: string): boolean =>
  tryGit(root, ['rev-parse', '--is-shallow-repository'])?.trim() === 'true';

const isAncestor = (root: string, commit: string, of: string): boolean =>
  tryGit(root, ['merge-base', '--is-ancestor', commit, of]) !== undefined;
