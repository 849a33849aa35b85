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

/** Environment variables of what tells people and other places what became of a release. */
export const TELL_ENVIRONMENT = {
  topicArn: 'PACKLEADER_TOPIC',
  /** The stages whose AMIs are told of, as a JSON list; missing: all of them. */
  stages: 'PACKLEADER_TELL_STAGES',
  /** Of each stage, the topic of those who may approve it, as JSON. */
  approvers: 'PACKLEADER_APPROVERS',
  provider: 'PACKLEADER_STATUS_PROVIDER',
  apiUrl: 'PACKLEADER_STATUS_API',
  repository: 'PACKLEADER_STATUS_REPOSITORY',
  /** The name of the secret with the token, never its value. */
  tokenSecret: 'PACKLEADER_STATUS_TOKEN_SECRET',
} as const;

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

/** Environment variables of the validate project's builds, besides the pinned Packer. */
export const VALIDATE = {
  bucket: 'PACKLEADER_BUCKET',
  sourceKey: 'PACKLEADER_SOURCE_KEY',
  sourceSha256: 'PACKLEADER_SOURCE_SHA256',
  /** The folder of the plans of all images of one execution. */
  plans: 'PACKLEADER_PLANS',
} as const;

/** Environment variables of the scan project's builds, besides its command. */
export const SCAN = {
  bucket: 'PACKLEADER_BUCKET',
  /** The folder of the SBOMs of one release. */
  sboms: 'PACKLEADER_SBOMS',
  /** The folder of what is found in them. */
  scans: 'PACKLEADER_SCANS',
} as const;

/** Metadata of a target's Packer variables in the bucket; without it the bake looks for no secrets. */
export const HAS_SECRETS = { secrets: 'yes' } as const;

/** Metadata of the same object; without it the builder runs where the variables say, and nowhere else. */
export const HAS_BUILDER_CHOICES = { builder: 'yes' } as const;

/** Metadata of the same object: the template that the image is laid over; without it the image stands alone. */
export const takesTemplate = (template: string) => ({ template }) as const;

/** Metadata of the same object: the SHA-256 of the overlay beside it; without it nothing is laid over the source. */
export const hasOverlay = (sha256: string) => ({ overlay: sha256 }) as const;

/** The variable in which a bake exports which builder it got: `m7i.large`, or `m7i.large spot`. */
export const BUILDER = 'BUILDER';

/** The variable that a bake exports with the id of its AMI, once Packer has ended well. */
export const AMI_ID = 'AMI_ID';

/** The variable in which a bake exports the SHA-256 of its list of packages; empty when the image lists none. */
export const PACKAGES_SHA256 = 'PACKAGES_SHA256';

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
