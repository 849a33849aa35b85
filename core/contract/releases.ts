import * as z from 'zod';
import { BAKES_PER_BATCH } from './limits.ts';
import { sourcedTargetSchema } from './source-amis.ts';
import { TAGS } from './tags.ts';
import { targetSchema, amiSchema } from './targets.ts';

/** An object in the hub's bucket. */
const objectSchema = z.object({ bucket: z.string(), key: z.string() });

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

/** The directory that an image takes as it is, and the digest of what packleader lays over it. */
const adoptedSchema = z.object({ directory: z.string(), overlaySha256: z.string() });

/** `plan.json`: what a release does in every target of every stage. Kept for 90 days. */
export const planSchema = z.object({
  release: releaseSchema,
  /** The template that the image is laid over; none when it stands alone. */
  template: z.string().optional(),
  adopted: adoptedSchema.optional(),
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

/** At most 40 bakes, which run at the same time. */
export const batchSchema = z.object({
  number: z.number().int(),
  targets: z.array(bakeSchema).max(BAKES_PER_BATCH),
});
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

/** What is kept for ever of a version that was released, under `keys.released`. */
export const releasedRecordSchema = releaseSchema.extend({
  /** Of an image that takes a directory as it is. */
  adopted: adoptedSchema.optional(),
  images: z.array(
    amiSchema.extend({
      stage: z.string(),
      /** What its source AMI was found by; missing in the records of older deployments. */
      ...sourcedTargetSchema.pick({ sourceAmi: true, architecture: true }).partial().shape,
    }),
  ),
});
export type ReleasedRecord = z.infer<typeof releasedRecordSchema>;
