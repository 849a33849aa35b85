/** What a check is, and what comes of it. */
import { placeText, type Problem } from '../../core/configuration/documents/problems.ts';

/** In the order in which they are told. */
export const CHECKS = [
  'configuration',
  'template',
  'variables',
  'packer fmt',
  'packer validate',
  'PowerShell',
  'ShellCheck',
  'ansible syntax',
  'ansible-lint',
] as const;
export type CheckName = (typeof CHECKS)[number];

export type Result =
  | { readonly outcome: 'ok' }
  | { readonly outcome: 'failed'; readonly problems: readonly Problem[] }
  | { readonly outcome: 'not checked'; readonly why: string };

/** One run of one tool. Several checks may wait for the same. */
export interface Work {
  /** Everything that the result depends on: the same is never done twice. Undefined for what is quick. */
  readonly dependsOn?: readonly unknown[];
  readonly run: () => Result | Promise<Result>;
}

/** One line of the report. */
export interface Check {
  readonly check: CheckName;
  /** Null for what belongs to no image alone. */
  readonly image: string | null;
  readonly stage: string | null;
  readonly work: readonly Work[];
}

export const OK: Result = { outcome: 'ok' };

export const resultOf = (problems: readonly Problem[]): Result =>
  problems.length === 0 ? OK : { outcome: 'failed', problems };

export const notChecked = (why: string): Result => ({ outcome: 'not checked', why });

/** A check that cannot be made. */
export const unmade = (
  check: CheckName,
  why: string,
  { image = null, stage = null }: { readonly image?: string | null; readonly stage?: string | null } = {},
): Check => ({ check, image, stage, work: [{ run: () => notChecked(why) }] });

/** The worst of them. */
export function together(results: readonly Result[]): Result {
  const problems = results.flatMap((result) => (result.outcome === 'failed' ? result.problems : []));
  if (problems.length > 0) return { outcome: 'failed', problems };
  return results.find(({ outcome }) => outcome === 'not checked') ?? OK;
}

/** Why a check is not "ok", in one sentence. */
export function whyOf(result: Result): string | undefined {
  if (result.outcome === 'ok') return undefined;
  if (result.outcome === 'not checked') return result.why;
  const [first, ...more] = result.problems;
  if (first === undefined) return undefined;
  return `${placeText(first)}: ${first.message}${more.length === 0 ? '' : ` (and ${more.length} more)`}`;
}
