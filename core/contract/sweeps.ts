import * as z from 'zod';
import { leftoverSchema } from './leftovers.ts';
import { targetSchema } from './targets.ts';

/** A release that a sweep left alone, and why. */
export const keptReleaseSchema = z.object({
  releaseId: z.string(),
  /** `recent`: it ended after the time that was asked for. `kept`: a builder of it is. `unclear`: nobody can tell. */
  is: z.enum(['running', 'released', 'recent', 'kept', 'unclear']),
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
