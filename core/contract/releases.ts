import * as z from 'zod';
import { stageApprovalSchema } from './approvals.ts';
import { comparisonSchema } from './comparison.ts';
import { BAKES_PER_BATCH } from './limits.ts';
import { sbomPlaceSchema } from './sboms.ts';
import { sourcedTargetSchema } from './source-amis.ts';
import { TAGS } from './tags.ts';
import { targetSchema, amiSchema } from './targets.ts';
import { testedSchema } from './tests.ts';
import { timelineSchema } from './timeline.ts';
import { scanSchema } from './vulnerabilities.ts';

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
  plan: z.object({
    bucket: z.string(),
    prefix: z.string(),
    /** Whether some target's AMI gets a time at which it is deprecated; the plan says which. */
    deprecates: z.literal(true).optional(),
    /** Whether others may launch its AMIs; `consumers.json` says who. */
    shares: z.literal(true).optional(),
  }),
  /** The name of the execution of `packleader-release-image`, at most 80 characters. */
  executionName: z.string(),
});
export type PlannedRelease = z.infer<typeof plannedReleaseSchema>;

/** The directory that an image takes as it is, and the digest of what packleader lays over it. */
const adoptedSchema = z.object({ directory: z.string(), overlaySha256: z.string() });

/** A setting as some layer states it, or `default` does. */
const statedSettingSchema = z.object({
  /** Path in the settings, like `network.vpcId`. */
  setting: z.string(),
  value: z.unknown(),
  file: z.string(),
  /** 0 for defaults and overrides, which have no lines. */
  line: z.number().int(),
  /** The targets it is so in, as `<account>/<region>`; missing when it is so in all of them. */
  targets: z.array(z.string()).optional(),
});
export type StatedSetting = z.infer<typeof statedSettingSchema>;

/** What is known of a release from its plan on, and is kept with its record; missing in what older deployments wrote. */
const originSchema = z
  .object({
    branch: z.string(),
    /** The ARN of the execution of `packleader-release`. */
    requestArn: z.string(),
    /** Why it was asked for, in the words of whoever did. */
    reason: z.string(),
    /** Who asked for it, as they said themselves. */
    startedBy: z.string(),
    /** The template that the image is laid over; none when it stands alone. */
    template: z.string(),
    /** Of an image that takes a directory as it is. */
    adopted: adoptedSchema,
    /** One row for each setting and each value that it has in some target. */
    configuration: z.array(statedSettingSchema),
  })
  .partial();

/** How a target gets a copy of what an earlier stage bakes, where it does not bake. */
const copySchema = z.object({
  /** Whose AMI it is, and in which stage that is baked. */
  from: targetSchema.extend({ stage: z.string() }),
  /** In the target: what encrypts the copy. */
  kmsKeyId: z.string(),
  /** Of the copy and of its snapshots, but for that of the source AMI. */
  tags: z.record(z.string(), z.string()),
});
export type Copy = z.infer<typeof copySchema>;

/** `plan.json`: what a release does in every target of every stage. Kept for 90 days. */
export const planSchema = originSchema.extend({
  release: releaseSchema,
  stages: z.array(
    z.object({
      name: z.string(),
      targets: z.array(
        sourcedTargetSchema.extend({
          timeoutMinutes: z.number().int(),
          deprecateAfterDays: z.number().int().optional(),
          copy: copySchema.optional(),
        }),
      ),
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
export const resolvedSchema = z.record(
  z.string(),
  z.object({
    batches: z.array(batchSchema),
    /** The version of each image of this factory that the stage builds on; missing when it builds on none. */
    bases: z.record(z.string(), z.string()).optional(),
    /** Which of the batches are to be baked, counted from 0: none where a retry keeps the AMIs; missing where neither that nor copying is switched on. */
    toBake: z.array(z.number().int()).optional(),
    /** Which of them are to be copied: they follow those that are baked. Missing where copying is not switched on. */
    toCopy: z.array(z.number().int()).optional(),
  }),
);
export type Resolved = z.infer<typeof resolvedSchema>;

/** What one bake said of itself: its builder when it succeeded, its error's name when it did not. */
export const bakedSchema = z.object({
  accountId: z.string().optional(),
  region: z.string().optional(),
  error: z.string().optional(),
  /** One, as the bake exported it; none of the project of an older deployment. */
  builder: z.array(z.string()).optional(),
});

/** Of each batch, in its order: what its bakes said, or the error that kept the batch from running. */
export const bakedBatchesSchema = z.array(
  z.object({ bakes: z.array(bakedSchema).optional(), error: z.string().optional() }),
);
export type BakedBatches = z.infer<typeof bakedBatchesSchema>;

/** What an AMI was baked on. */
export const builderSchema = z
  .object({
    instanceType: z.string(),
    /** For a Spot Instance; missing for one on demand. */
    spot: z.literal(true),
  })
  .partial();
export type Builder = z.infer<typeof builderSchema>;

/** The version of the schema below that records are written in; 1 had no number, and no field that may be missing now. */
export const RECORD_SCHEMA = 2;

/**
 * What is kept for ever of a version that was released, under `keys.released`. What an older deployment did not know, or this one
 * does not, is missing and never made up.
 */
export const releasedRecordSchema = releaseSchema.extend({
  schema: z
    .literal([1, RECORD_SCHEMA], { error: `must be 1 or ${RECORD_SCHEMA}: a newer packleader wrote it` })
    .default(1),
  ...originSchema.shape,
  /** The ARN of the execution of `packleader-release-image`, and when that started, ISO 8601. */
  executionArn: z.string().optional(),
  startedAt: z.string().optional(),
  /** When it was announced, ISO 8601. */
  announcedAt: z.string().optional(),
  /** Who let which stage be released to; missing where nobody was asked. */
  approvals: z.array(stageApprovalSchema).optional(),
  /** How its AMIs differ; missing where nobody looked. */
  comparison: comparisonSchema.optional(),
  /** What its AMIs hold; missing where nobody looked, and in what older deployments wrote. */
  sboms: z.array(sbomPlaceSchema).optional(),
  /** What a scanner found in them; missing where nothing was scanned. */
  vulnerabilities: scanSchema.optional(),
  /** How many tests were passed on how many instances, by stage; missing where nothing was tested. */
  tested: z.record(z.string(), testedSchema).optional(),
  /** Where its time went until it was announced, in the execution that released it, and what that cost; missing in what older deployments wrote. */
  timeline: timelineSchema.optional(),
  /** Why it has no timeline, where it was to have one. */
  notTimed: z.string().optional(),
  images: z.array(
    amiSchema.extend({
      stage: z.string(),
      /** Of the builder; missing in what older deployments wrote. */
      ...builderSchema.shape,
      /** What its source AMI was found by. */
      ...sourcedTargetSchema.pick({ sourceAmi: true, architecture: true }).partial().shape,
      /** The AMI that was found. */
      sourceImageId: z.string().optional(),
      /** The AMI of an earlier stage that it is a copy of; missing where it was baked. */
      copyOf: amiSchema.optional(),
      /** When EC2 calls it deprecated, ISO 8601; missing when never. */
      deprecatedAt: z.string().optional(),
      /** The release of this factory that the source AMI is of, `<image>@<version>`. */
      builtOn: z.string().optional(),
    }),
  ),
});
export type ReleasedRecord = z.infer<typeof releasedRecordSchema>;

/** How many AMIs an execution that has released says at its end; the record has all of them. */
export const MOST_AMIS_SAID = 10;

/** `$.announced`, and the output of an execution of `packleader-release-image` that has released. */
export const announcedSchema = releaseSchema.extend({
  announced: z.literal(true),
  /** By stage: the first ones, in the order of the stages. */
  amis: z.record(z.string(), z.array(amiSchema)),
});
export type Announced = z.infer<typeof announcedSchema>;

/** `$.cleared`, where a release that failed in a later stage waits for a retry. */
export const clearedSchema = z.object({
  /** The stage that failed, of which nothing is left; the AMIs of those before it are kept. */
  stage: z.string(),
  /** When the others are undone as well, unless somebody retries it, ISO 8601. */
  until: z.string(),
});
export type Cleared = z.infer<typeof clearedSchema>;
