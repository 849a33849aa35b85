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
  /** Who may launch its AMIs besides. */
  consumers: (prefix: string) => `${prefix}/consumers.json`,
  /** What `Compare AMIs` found. */
  comparison: (prefix: string) => `${prefix}/comparison.json`,
  /** Which SBOMs there are of a release, and of which targets each is. */
  sboms: (prefix: string) => `${prefix}/sboms.json`,
  /** What AMIs hold that list the same packages; kept with the record. */
  sbom: (image: string, version: string, packagesSha256: string) =>
    `${keys.sbomsOf(image, version)}/${packagesSha256.slice(0, 12)}.cdx.json`,
  sbomsOf: (image: string, version: string): string => `sboms/${image}/${version}`,
  /** What a command of one's own found in the SBOMs of an execution. */
  scans: (execution: string): string => `scans/${execution}`,
  scanOf: (execution: string, sbom: string) =>
    `${keys.scans(execution)}/${sbom.slice(sbom.lastIndexOf('/') + 1)}`,
  /** Which of its AMIs are scanned, and what was found. */
  scan: (prefix: string) => `${prefix}/scan.json`,
  vulnerabilities: (prefix: string) => `${prefix}/vulnerabilities.json`,
  /** How its AMIs are tested. */
  tests: (prefix: string) => `${prefix}/tests.json`,
  /** What the tests of one attempt came to, an object for each target. */
  testResults: (prefix: string, execution: string) => `${prefix}/tests/${execution}/`,
  testResult: (prefix: string, execution: string, target: Target) =>
    `${keys.testResults(prefix, execution)}${target.accountId}-${target.region}.json`,
  /** What the tests printed. */
  testOutput: (execution: string, { accountId, region }: Target) =>
    `tests/${accountId}/${execution}/${region}.txt`,
  /** The folder of the records below. */
  releasedOf: (image?: string) => (image === undefined ? 'released/' : `released/${image}/`),
  /** What a bake leaves: below it `<build>/packer.log`, `builders.json`, and {@link BAKE_FILES}. */
  bakes: (accountId: string) => `bakes/${accountId}`,
  /** One file of what the build `<project>:<uuid>` left. */
  leftByBake: (accountId: string, buildId: string, file: string) =>
    `${keys.bakes(accountId)}/${buildId.slice(buildId.indexOf(':') + 1)}/${file}`,
  /** What builds download, where they do so from the bucket; the file itself is its name. */
  tool: (sha256: string) => `${keys.tools}${sha256}`,
  tools: 'tools/',
  /** One object per released version; the newest one tells the commit that "what changed" is measured from. */
  released: (image: string, version: string) => `released/${image}/${version}.json`,
  /** What is kept of a version that was revoked; one object, also after it was restored. */
  revoked: (image: string, version: string) => `revoked/${image}/${version}.json`,
  revokedOf: (image?: string) => (image === undefined ? 'revoked/' : `revoked/${image}/`),
  /** What a release gives of its AMI in one target to other accounts. */
  permissions: (image: string, version: string, { accountId, region }: Target) =>
    `${keys.permissionsOf(image, version)}${accountId}-${region}.json`,
  permissionsOf: (image: string, version: string): string => `permissions/${image}/${version}/`,
  /** What an execution of `packleader-repoint` changes, and what was there before. */
  repointPlan: (execution: string): string => `${keys.repointPlans}${execution}.json`,
  repointPlans: 'repoints/plans/',
  /** Which execution is at work on what an image shows. */
  claim: (image: string) => `repoints/claims/${image}.json`,
  /** What one sweep found, and what became of each release it swept; `sweep` is the name of its execution. */
  findings: (sweep: string) => `sweeps/${sweep}/findings.json`,
  swept: (sweep: string, releaseId: string) => `sweeps/${sweep}/${releaseId}.json`,
} as const;

/** What a bake that succeeded leaves besides its log; an image that lists no packages leaves no list. */
export const BAKE_FILES = {
  /** Packer's own manifest: which AMI it made. */
  manifest: 'packer-manifest.json',
  /** What is installed: name, version and architecture, a package a line. */
  packages: 'package-manifest.tsv',
} as const;
