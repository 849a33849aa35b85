/**
 * What the workflow, the tasks, the sandbox and the tools must agree on: names of tags, parameters, roles, objects and
 * errors, and the shape of every document that crosses a state. A typo in one of these does not compile.
 */
import * as z from 'zod';

// ---------------------------------------------------------------------------------------------- names in AWS

/** Fixed names, so that trust policies can be written before the things they name exist. */
export const NAMES = {
  releaseMachine: 'packleader-release',
  releaseImageMachine: 'packleader-release-image',
  bakeBatchMachine: 'packleader-bake-batch',
  sweepMachine: 'packleader-sweep',
  fetchSourceProject: 'packleader-fetch-source',
  bakeProject: 'packleader-bake',
  orchestratorRole: 'packleader-orchestrator',
  stewardRole: 'packleader-steward',
  bakeRole: 'packleader-bake',
  eventSource: 'packleader',
  released: 'Image Released',
  rolledBack: 'Image Rolled Back',
  gitPush: 'Git Push',
  deliveriesTable: 'packleader-deliveries',
  /** Triggers that AWS could not hand over, or that failed after all their retries. */
  deadLetterQueue: 'packleader-failed-triggers',
  scheduleGroup: 'packleader',
} as const;

/** Environment variables of the triggers. */
export const TRIGGER_ENVIRONMENT = {
  /** The name of the webhook's secret, never its value. */
  webhookSecret: 'PACKLEADER_WEBHOOK_SECRET',
  repository: 'PACKLEADER_REPOSITORY',
  /** The branches whose pushes start a release, as a JSON list; `*` stands for any characters. */
  branches: 'PACKLEADER_PUSH_BRANCHES',
  bucket: 'PACKLEADER_BUCKET',
  /** The ARN of `packleader-release`. */
  releaseMachine: 'PACKLEADER_RELEASE_MACHINE',
} as const;

/** What packleader counts, as metrics in CloudWatch. Functions write them into their logs, in the embedded metric format. */
export const METRICS = {
  namespace: 'packleader',
  released: 'ReleasesReleased',
  rolledBack: 'ReleasesRolledBack',
  rollbackIncomplete: 'RollbacksIncomplete',
  /** A release that stands in every account, without its event and its record. */
  unannounced: 'ReleasesUnannounced',
  /** An execution of packleader-release that failed before any image, or without knowing what became of them. */
  notReleased: 'RequestsNotReleased',
  /** How long a release has taken so far, at the end of each of its tasks. */
  releaseMinutes: 'ReleaseMinutes',
  /** A task that failed with an error that is none of ERRORS, or did not come to its end. */
  taskCrashed: 'TaskCrashed',
  /** A request to the webhook that was turned away: no valid signature, another repository, not understood. */
  webhookRejected: 'WebhookRejected',
  /** A schedule came due and was not followed, because the image's last rebuilds failed; also by `Image`. */
  rebuildsPaused: 'RebuildsPaused',
  /** A push or a schedule that was not followed, because triggers are switched off. */
  triggersSwitchedOff: 'TriggersSwitchedOff',
  /** What a sweep removed, and what it found and could not remove. */
  sweepRemoved: 'SweepRemoved',
  sweepLeftovers: 'SweepLeftovers',
  /** A sweep that could not find out what is dead, or could not report. */
  notSwept: 'SweepsFailed',
} as const;

export const TAGS = {
  name: 'Name',
  versionOnceReleased: 'Version',
  autoCleanup: 'AutoCleanup',
  release: 'packleader:release',
  image: 'packleader:image',
  version: 'packleader:version',
  commit: 'packleader:commit',
  repository: 'packleader:repository',
  stage: 'packleader:stage',
  sourceAmi: 'packleader:source-ami',
  execution: 'packleader:execution',
  state: 'packleader:state',
  quarantine: 'packleader:quarantine',
} as const;

/** The values of the tag `packleader:state`. */
export const STATES = {
  candidate: 'candidate',
  released: 'released',
  revoked: 'revoked',
  quarantined: 'quarantined',
} as const;

/**
 * The pivot of a release, by the names of its states. A release is released once its execution has entered the state
 * behind the pivot: an execution's history is the one place where that is decided in one instant for all targets.
 */
export const PIVOT = { publish: 'Publish release', behind: 'Announce release' } as const;

/** Environment variables of the bake project's builds; a template reads `PKR_VAR_source_ami` as `var.source_ami`. */
export const BAKE_ENVIRONMENT = {
  release: 'PACKLEADER_RELEASE',
  image: 'PACKLEADER_IMAGE',
  region: 'PACKLEADER_REGION',
  bucket: 'PACKLEADER_BUCKET',
  sourceKey: 'PACKLEADER_SOURCE_KEY',
  sourceSha256: 'PACKLEADER_SOURCE_SHA256',
  planPrefix: 'PACKLEADER_PLAN_PREFIX',
  sourceAmi: 'PKR_VAR_source_ami',
} as const;

/** Metadata of a target's Packer variables in the bucket; without it the bake looks for no secrets. */
export const HAS_SECRETS = { secrets: 'yes' } as const;

/** Metadata of the same object: the template that the image is laid over; without it the image stands alone. */
export const takesTemplate = (template: string) => ({ template }) as const;

/** The variable in which a bake that failed exports the reason: one line, without secrets. */
export const LAST_ERROR = 'LAST_ERROR';

/** Environment and exported variables of the fetch-source project's builds. */
export const FETCH_SOURCE = {
  /** In: the execution's input, as JSON. */
  request: 'PACKLEADER_REQUEST',
  /** In: the bucket to write to. */
  bucket: 'PACKLEADER_BUCKET',
  /** Out: the commit, 40 hex digits. */
  commit: 'COMMIT',
  /** Out: the branch the commit is released from. */
  branch: 'BRANCH',
  /** Out: the key of the zip of `packer/`. */
  key: 'SOURCE_KEY',
  /** Out: the zip's SHA-256, hex. */
  sha256: 'SOURCE_SHA256',
  /** Out: the key of the JSON document {@link Changes}. */
  changesKey: 'CHANGES_KEY',
} as const;

export const keys = {
  source: (commit: string, sha256: string) => `sources/${commit}-${sha256.slice(0, 12)}.zip`,
  changes: (commit: string, sha256: string) => `sources/${commit}-${sha256.slice(0, 12)}.changes.json`,
  /** Everything a release was planned to do; unique per execution, so that two releases never write to one place. */
  planPrefix: (execution: string, image: string) => `plans/${execution}/${image}`,
  plan: (prefix: string) => `${prefix}/plan.json`,
  packerVariables: (prefix: string, target: Target) =>
    `${prefix}/${target.accountId}-${target.region}.pkrvars.json`,
  packerSecrets: (prefix: string, target: Target) =>
    `${prefix}/${target.accountId}-${target.region}.secrets.json`,
  /** The folder of the records below. */
  releasedOf: (image?: string) => (image === undefined ? 'released/' : `released/${image}/`),
  /** What a bake leaves: below it `<build>/packer.log`, `packer-manifest.json` and `package-manifest.tsv`. */
  bakes: (accountId: string) => `bakes/${accountId}`,
  /** One object per released version; the newest one tells the commit that "what changed" is measured from. */
  released: (image: string, version: string) => `released/${image}/${version}.json`,
  /** What one sweep found, and what became of each release it swept; `sweep` is the name of its execution. */
  findings: (sweep: string) => `sweeps/${sweep}/findings.json`,
  swept: (sweep: string, releaseId: string) => `sweeps/${sweep}/${releaseId}.json`,
} as const;

export const parameters = {
  version: (image: string, version: string) => `/packleader/${image}/versions/${version}`,
  versions: (image: string) => `/packleader/${image}/versions`,
  latest: (image: string) => `/packleader/${image}/latest`,
  /** In the hub: `enabled`, as if there were none, or `disabled`. No stack makes it, so that none resets it. */
  triggers: '/packleader/triggers',
  /** In the hub, written by whoever resumes the paused rebuilds of an image; the time of that counts, not the value. */
  resumed: (image: string) => `/packleader/triggers/resumed/${image}`,
} as const;

export const roleArn = (accountId: string, role: string) => `arn:aws:iam::${accountId}:role/${role}`;

// ---------------------------------------------------------------------------------------------- shapes

export const accountIdSchema = z.string().regex(/^\d{12}$/, 'an AWS account id has 12 digits');
export const regionSchema = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region looks like eu-west-1');

/** One account and one region. */
export const targetSchema = z.object({ accountId: accountIdSchema, region: regionSchema });
export type Target = z.infer<typeof targetSchema>;
export const targetName = ({ accountId, region }: Target) => `${accountId}/${region}`;

/** What people, events and tools may ask for: the input of `packleader-release`. */
export const releaseRequestSchema = z
  .strictObject({
    image: z.string().min(1).optional(),
    /** Never empty: `{}` asks for whatever changed. */
    images: z.array(z.string().min(1)).min(1).optional(),
    ref: z.string().min(1).optional(),
    branch: z.string().min(1).optional(),
    overrides: z.record(z.string(), z.unknown()).optional(),
    reason: z.string().optional(),
    /** What the console fills in by itself; it means nothing. */
    Comment: z.string().optional(),
  })
  .describe('release request');
export type ReleaseRequest = z.infer<typeof releaseRequestSchema>;

/** An object in the hub's bucket. */
export const objectSchema = z.object({ bucket: z.string(), key: z.string() });

/** The bytes every account bakes from. */
export const sourceSchema = objectSchema.extend({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });
export type Source = z.infer<typeof sourceSchema>;

/** Per image: since which released commit (null: never released), and which files under `packer/` changed since. */
export const changesSchema = z.record(
  z.string(),
  z.object({ since: z.string().nullable(), files: z.array(z.string()) }),
);
export type Changes = z.infer<typeof changesSchema>;

/** One image at one version, as it travels through the workflow. */
export const releaseSchema = z.object({
  releaseId: z.string(),
  image: z.string(),
  version: z.string(),
  commit: z.string(),
  repository: z.string(),
  /** True when it came from another branch than the factory's default one: first stage only, never `latest`. */
  prerelease: z.boolean(),
});
export type Release = z.infer<typeof releaseSchema>;

/** The tags that say which release something belongs to, from its first moment on. */
export const releaseTags = (release: Release, stage: string): Record<string, string> => ({
  [TAGS.release]: release.releaseId,
  [TAGS.image]: release.image,
  [TAGS.version]: release.version,
  [TAGS.commit]: release.commit,
  [TAGS.repository]: release.repository,
  [TAGS.stage]: stage,
});

/** The input of `packleader-release-image`. */
export const plannedReleaseSchema = z.object({
  release: releaseSchema,
  source: sourceSchema,
  plan: z.object({ bucket: z.string(), prefix: z.string() }),
  /** The name of the execution of `packleader-release-image`, at most 80 characters. */
  executionName: z.string(),
});
export type PlannedRelease = z.infer<typeof plannedReleaseSchema>;

export const secretReferenceSchema = z.union([
  z.strictObject({ secretsManager: z.string().min(1) }),
  z.strictObject({ ssmParameter: z.string().min(1) }),
]);
export type SecretReference = z.infer<typeof secretReferenceSchema>;

/** Where a bake starts from: exactly one of the four kinds. */
export const sourceAmiSchema = z.union([
  z.strictObject({ ssmParameter: z.string(), maxAgeDays: z.number().optional() }),
  z.strictObject({
    filter: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    owners: z.array(z.string()).min(1),
    maxAgeDays: z.number().optional(),
  }),
  z.strictObject({
    image: z.string(),
    version: z.string().optional(),
    /** Set where the configuration names no version: this one is released by the same execution. */
    sameExecution: z.literal(true).optional(),
    maxAgeDays: z.number().optional(),
  }),
  z.strictObject({ ids: z.record(z.string(), z.string()), maxAgeDays: z.number().optional() }),
]);
export type SourceAmi = z.infer<typeof sourceAmiSchema>;

/** A target with what its source AMI is found by. */
export const sourcedTargetSchema = targetSchema.extend({
  sourceAmi: sourceAmiSchema,
  architecture: z.enum(['x86_64', 'arm64']),
});
export type SourcedTarget = z.infer<typeof sourcedTargetSchema>;

/** `plan.json`: what a release does in every target of every stage. Kept for 90 days. */
export const planSchema = z.object({
  release: releaseSchema,
  stages: z.array(
    z.object({
      name: z.string(),
      targets: z.array(sourcedTargetSchema.extend({ timeoutMinutes: z.number().int() })),
    }),
  ),
});
export type Plan = z.infer<typeof planSchema>;

/** A target with the AMI its bake starts from. */
export const bakeSchema = targetSchema.extend({
  sourceImageId: z.string(),
  timeoutMinutes: z.number().int(),
});
export type Bake = z.infer<typeof bakeSchema>;

/** At most 40 bakes: what one inline Map runs at the same time. */
export const batchSchema = z.object({ number: z.number().int(), targets: z.array(bakeSchema).max(40) });
export type Batch = z.infer<typeof batchSchema>;

/** `$.resolved`, by stage. */
export const resolvedSchema = z.record(z.string(), z.object({ batches: z.array(batchSchema) }));
export type Resolved = z.infer<typeof resolvedSchema>;

/** What one bake said of itself: nothing when it succeeded, its error's name when it did not. */
export const bakedSchema = z.object({
  accountId: z.string().optional(),
  region: z.string().optional(),
  error: z.string().optional(),
});

/** An AMI of a release in one target. */
export const amiSchema = targetSchema.extend({ imageId: z.string() });
export type Ami = z.infer<typeof amiSchema>;

/** What is kept for ever of a version that was released, under `keys.released`. */
export const releasedRecordSchema = releaseSchema.extend({
  images: z.array(
    amiSchema.extend({
      stage: z.string(),
      /** What its source AMI was found by; missing in the records of older deployments. */
      ...sourcedTargetSchema.pick({ sourceAmi: true, architecture: true }).partial().shape,
    }),
  ),
});
export type ReleasedRecord = z.infer<typeof releasedRecordSchema>;

/** Something a rollback could not remove, and why. */
export const leftoverSchema = targetSchema.extend({ resourceId: z.string(), why: z.string() });
export type Leftover = z.infer<typeof leftoverSchema>;

/** What people, events and schedules may ask `packleader-sweep` for; `{}` sweeps everything. */
export const sweepRequestSchema = z
  .strictObject({
    /** One release, whatever its age. */
    release: z.string().min(1).optional(),
    /** The same, by the ARN of its execution. */
    execution: z.string().min(1).optional(),
    /** Leaves alone what ended after that; the schedule leaves an hour to the sweeps that an end has started. */
    olderThanMinutes: z.number().int().min(0).optional(),
    /** Only says what would be removed. */
    dryRun: z.boolean().optional(),
  })
  .describe('sweep request');
export type SweepRequest = z.infer<typeof sweepRequestSchema>;

/** A release that a sweep left alone, and why. */
export const keptReleaseSchema = z.object({
  releaseId: z.string(),
  /** `recent`: it ended after the time that was asked for. `unclear`: nobody can tell. */
  is: z.enum(['running', 'released', 'recent', 'unclear']),
  why: z.string(),
});
export type KeptRelease = z.infer<typeof keptReleaseSchema>;

/** Something that a sweep removed, or would remove. */
export const sweptSchema = targetSchema.extend({ releaseId: z.string(), resourceId: z.string() });
export type Swept = z.infer<typeof sweptSchema>;

/** How a sweep ended: the output of `Report sweep`. Lists are cut where they would not fit, and counted whole. */
export const sweepReportSchema = z.object({
  complete: z.boolean(),
  dryRun: z.boolean(),
  cause: z.string(),
  removed: z.array(sweptSchema),
  removedCount: z.number().int(),
  leftovers: z.array(leftoverSchema),
  leftoverCount: z.number().int(),
  kept: z.array(keptReleaseSchema),
  keptCount: z.number().int(),
});
export type SweepReport = z.infer<typeof sweepReportSchema>;

/** Step Functions' own shape of a caught error. */
export const errorOutputSchema = z.object({ Error: z.string(), Cause: z.string().default('') });
export type ErrorOutput = z.infer<typeof errorOutputSchema>;

// ---------------------------------------------------------------------------------------------- errors

/**
 * The errors a task can throw, by the names that Retry and Catch use. Step Functions sees a Lambda's error by the `name`
 * of what it threw.
 */
export const ERRORS = {
  invalidRequest: 'InvalidRequest',
  invalidConfiguration: 'InvalidConfiguration',
  invalidEvent: 'InvalidEvent',
  sourceAmiNotFound: 'SourceAmiNotFound',
  sourceAmiRefused: 'SourceAmiRefused',
  sourceAmisDiffer: 'SourceAmisDiffer',
  baseImageNotReleased: 'BaseImageNotReleased',
  bakeFailed: 'BakeFailed',
  amiRejected: 'AmiRejected',
  notReadyYet: 'NotReadyYet',
  leftoversRemain: 'LeftoversRemain',
  someImagesFailed: 'SomeImagesFailed',
  rollbackIncomplete: 'RollbackIncomplete',
  announcementFailed: 'AnnouncementFailed',
  sweepIncomplete: 'SweepIncomplete',
  accessDenied: 'AccessDenied',
  throttled: 'Throttled',
  connectionLost: 'ConnectionLost',
  awsCallFailed: 'AwsCallFailed',
} as const;
export type ErrorName = (typeof ERRORS)[keyof typeof ERRORS];

/** An error with one of the names above; the AWS error it stands for is its `cause`. */
export class PackleaderError extends Error {
  constructor(name: ErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

/**
 * Room for the list in the error's cause, where Lambda puts it twice: in the trace as well. Step Functions keeps 32,768
 * characters of a cause, and the causes of all stages must fit into 256 KiB beside the release of 1,000 targets.
 *  @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const LEFTOVERS_CHARACTERS = 3_000;

/**
 * Thrown by an undo that could not remove everything; its message is JSON, so that the next state can read the list. A list
 * that is too long is cut, and `more` says how many are missing.
 */
export class LeftoversRemain extends PackleaderError {
  readonly leftovers: readonly Leftover[];
  constructor(leftovers: readonly Leftover[]) {
    let characters = 0;
    const told = leftovers.filter((leftover) => {
      characters += JSON.stringify(JSON.stringify(leftover)).length;
      return characters <= LEFTOVERS_CHARACTERS;
    });
    super(ERRORS.leftoversRemain, JSON.stringify({ leftovers: told, more: leftovers.length - told.length }));
    this.leftovers = leftovers;
  }
}
