import * as z from 'zod';
import { amiSchema, targetSchema } from './targets.ts';

/** Which of the three was asked for. */
export const REPOINTS = ['rollback', 'revoke', 'restore'] as const;

/** One entry of an AMI's launch permission, as EC2 has it. */
export const launchPermissionSchema = z
  .object({
    UserId: z.string(),
    Group: z.literal('all'),
    OrganizationArn: z.string(),
    OrganizationalUnitArn: z.string(),
  })
  .partial();

/** An AMI that was disabled, and who could launch it before: EC2 forgets that. */
export const disabledAmiSchema = amiSchema.extend({ sharedWith: z.array(launchPermissionSchema) });
export type DisabledAmi = z.infer<typeof disabledAmiSchema>;

/** What is kept for ever of a version that was revoked, under `keys.revoked`. */
export const revocationSchema = z.object({
  schema: z.literal(1, { error: 'must be 1: a newer packleader wrote it' }),
  releaseId: z.string(),
  image: z.string(),
  version: z.string(),
  /** `rollback`: it stood above the version that `latest` went back to. */
  by: z.enum(['rollback', 'revoke']),
  reason: z.string().optional(),
  /** The release that it is built on, and was revoked with. */
  because: z.string().optional(),
  /** The ARN of the execution of `packleader-repoint`, and when that started, ISO 8601. */
  executionArn: z.string(),
  at: z.string(),
  /** What a restoration enables again. */
  disabled: z.array(disabledAmiSchema).optional(),
  /** Since then it stands again. */
  restored: z.object({ executionArn: z.string(), at: z.string(), reason: z.string().optional() }).optional(),
});
export type Revocation = z.infer<typeof revocationSchema>;

/** An AMI whose mark changes, and what it was. */
export const markedAmiSchema = amiSchema.extend({
  stage: z.string(),
  snapshotIds: z.array(z.string()),
  /** Its `packleader:state`, whether it was disabled, and, where a revocation disables it or has, who could launch it. */
  was: z.object({
    state: z.string(),
    disabled: z.boolean(),
    sharedWith: z.array(launchPermissionSchema).optional(),
  }),
  /** Missing where nothing is enabled. */
  enable: z.array(launchPermissionSchema).optional(),
  disable: z.literal(true).optional(),
});
export type MarkedAmi = z.infer<typeof markedAmiSchema>;

export const markedVersionSchema = z.object({
  releaseId: z.string(),
  image: z.string(),
  version: z.string(),
  because: z.string().optional(),
  amis: z.array(markedAmiSchema),
});
export type MarkedVersion = z.infer<typeof markedVersionSchema>;

/** One `latest` that changes. */
export const pointedTargetSchema = targetSchema.extend({
  stage: z.string(),
  /** The AMI that it is to show; null where nothing stands any more, and `latest` goes. */
  imageId: z.string().nullable(),
  /** What it showed, and of which version that is, as far as a record knows it. */
  was: z.object({ imageId: z.string(), version: z.string().nullable() }).nullable(),
});
export type PointedTarget = z.infer<typeof pointedTargetSchema>;

export const pointedImageSchema = z.object({
  image: z.string(),
  /** The version that `latest` shows then; null where none stands. */
  version: z.string().nullable(),
  targets: z.array(pointedTargetSchema),
});
export type PointedImage = z.infer<typeof pointedImageSchema>;

/** What an execution of `packleader-repoint` changes in every target, and what was there before. */
export const repointPlanSchema = z.object({
  action: z.enum(REPOINTS),
  reason: z.string().optional(),
  executionArn: z.string(),
  startedAt: z.string(),
  versions: z.array(markedVersionSchema),
  latest: z.array(pointedImageSchema),
});
export type RepointPlan = z.infer<typeof repointPlanSchema>;

/** What a repoint does, or would do, in a document that fits into a state. */
export const repointAnswerSchema = z.object({
  action: z.enum(REPOINTS),
  dryRun: z.boolean(),
  /** The versions that are revoked, or that stand again. */
  versions: z.array(z.string()),
  /** How many AMIs change, and how many of them are disabled or enabled. */
  amiCount: z.number().int(),
  switchedCount: z.number().int(),
  /** For each image whose `latest` moves: from which versions, to which. */
  latest: z.array(
    z.object({
      image: z.string(),
      from: z.array(z.string()),
      to: z.string().nullable(),
      targetCount: z.number().int(),
    }),
  ),
  /** Releases that stand, and are built on one that is revoked. */
  builtOnThem: z.array(z.string()),
  /** Executions that release one of these images now: they go on, and a newer version becomes `latest`. */
  running: z.array(z.string()),
  /** Accounts that have AMIs of these versions, and left the factory. */
  leftOut: z.array(z.string()),
});
export type RepointAnswer = z.infer<typeof repointAnswerSchema>;
