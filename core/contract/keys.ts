import type { Target } from './targets.ts';

export const keys = {
  source: (commit: string, sha256: string) => `sources/${commit}-${sha256.slice(0, 12)}.zip`,
  changes: (commit: string, sha256: string) => `sources/${commit}-${sha256.slice(0, 12)}.changes.json`,
  /** Everything a release was planned to do; unique per execution, so that two releases never write to one place. */
  planPrefix: (execution: string, image: string) => `${keys.plans(execution)}/${image}`,
  plans: (execution: string): string => `plans/${execution}`,
  plan: (prefix: string) => `${prefix}/plan.json`,
  packerVariables: (prefix: string, target: Target) =>
    `${prefix}/${target.accountId}-${target.region}.pkrvars.json`,
  packerSecrets: (prefix: string, target: Target) =>
    `${prefix}/${target.accountId}-${target.region}.secrets.json`,
  /** What the bake lays over the source, of an image that takes a directory as it is. */
  overlay: (prefix: string, target: Target) => `${prefix}/${target.accountId}-${target.region}.overlay.json`,
  /** Where else the builder may run: for the bake, not for Packer. */
  builderChoices: (prefix: string, target: Target) =>
    `${prefix}/${target.accountId}-${target.region}.builder.json`,
  /** The folder of the records below. */
  releasedOf: (image?: string) => (image === undefined ? 'released/' : `released/${image}/`),
  /** What a bake leaves: below it `<build>/packer.log`, `builders.json`, `packer-manifest.json` and `package-manifest.tsv`. */
  bakes: (accountId: string) => `bakes/${accountId}`,
  /** One object per released version; the newest one tells the commit that "what changed" is measured from. */
  released: (image: string, version: string) => `released/${image}/${version}.json`,
  /** What one sweep found, and what became of each release it swept; `sweep` is the name of its execution. */
  findings: (sweep: string) => `sweeps/${sweep}/findings.json`,
  swept: (sweep: string, releaseId: string) => `sweeps/${sweep}/${releaseId}.json`,
} as const;
