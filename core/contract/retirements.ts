import * as z from 'zod';
import { leftoverSchema } from './leftovers.ts';

/** What people and the schedule may ask `packleader-retire` for; `{}` retires what is due. */
export const retireRequestSchema = z
  .strictObject({
    /** Only says what would be done, and why everything else stays. */
    dryRun: z.boolean().optional(),
    /** Takes back what was done to one version, `<image>@<version>`; never with another field. */
    undo: z.string().min(1).optional(),
    /** How many of a target's AMIs this run may disable, and deregister, in per cent; 10 by default. */
    mostPercent: z.number().int().min(1).max(100).optional(),
    /** A release, an image or an AMI: the report tells of no other. What is done is the same. */
    only: z.string().min(1).optional(),
    /** What the console fills in by itself; it means nothing. */
    Comment: z.string().optional(),
  })
  .describe('retire request');
export type RetireRequest = z.infer<typeof retireRequestSchema>;

/** A version, and what becomes of it. */
export const retiredVersionSchema = z.object({
  releaseId: z.string(),
  phase: z.enum(['deprecated', 'disabled']).optional(),
  /** What was done, or would be; absent of a version that stays as it is. */
  step: z.enum(['deprecate', 'disable', 'deregister', 'restore']).optional(),
  why: z.string(),
  dueAt: z.string().optional(),
  /** How many AMIs it has, in all targets. */
  amis: z.number().int(),
});
export type RetiredVersion = z.infer<typeof retiredVersionSchema>;

/** How a run ended: the output of `Retire versions`. Lists are cut where they would not fit, and counted whole. */
export const retireReportSchema = z.object({
  complete: z.boolean(),
  dryRun: z.boolean(),
  cause: z.string(),
  /** Why nothing was done at all. */
  stopped: z.string().optional(),
  done: z.array(retiredVersionSchema),
  doneCount: z.number().int(),
  kept: z.array(retiredVersionSchema),
  keptCount: z.number().int(),
  /** What nothing belongs to any more, and was removed, or would be. */
  orphans: z.array(leftoverSchema).default([]),
  orphanCount: z.number().int().default(0),
  leftovers: z.array(leftoverSchema),
  leftoverCount: z.number().int(),
});
export type RetireReport = z.infer<typeof retireReportSchema>;
