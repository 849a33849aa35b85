import * as z from 'zod';
import { leftoverSchema } from '../contract/leftovers.ts';
import { releaseSchema } from '../contract/releases.ts';
import { keptReleaseSchema } from '../contract/sweeps.ts';
import { targetSchema } from '../contract/targets.ts';

/** A release that a sweep will remove. */
export const deadReleaseSchema = z.object({
  release: releaseSchema,
  why: z.string(),
  /** From then on nothing that its execution started can still publish it. */
  settledAt: z.string(),
  /** The executions of its batches of bakes, by ARN, whether or not they ever began. */
  batches: z.array(z.string()),
  /** Whether builders go that are kept, too. */
  evenKept: z.literal(true).optional(),
  /** Where it was to be baked, and where something of it was seen. */
  targets: z.array(targetSchema.extend({ resourceIds: z.array(z.string()) })),
});
export type DeadRelease = z.infer<typeof deadReleaseSchema>;

/** What `Find dead releases` writes into the bucket: it would not fit into the state machine's document. */
export const findingsSchema = z.object({
  releases: z.array(deadReleaseSchema),
  kept: z.array(keptReleaseSchema),
  /** What nobody could decide about. */
  leftovers: z.array(leftoverSchema),
});
export type Findings = z.infer<typeof findingsSchema>;

/** What `Sweep release` writes into the bucket at each attempt. */
export const sweptReleaseSchema = z.object({
  /** Why it was left alone after all; null when it was swept. */
  spared: keptReleaseSchema.nullable(),
  leftovers: z.array(leftoverSchema),
});
export type SweptRelease = z.infer<typeof sweptReleaseSchema>;
