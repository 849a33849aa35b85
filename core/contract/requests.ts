import * as z from 'zod';
import { isBranchName } from './branch-names.ts';

const branch = z.string().refine(isBranchName, { error: 'must be the name of a branch, as git takes it' });
const ref = z
  .string()
  .refine(isBranchName, { error: 'must be the name of a commit, a tag or a branch, as git takes it' });

/** What people, events and tools may ask for: the input of `packleader-release`. */
export const releaseRequestSchema = z
  .strictObject({
    image: z.string().min(1).optional(),
    /** Never empty: `{}` asks for whatever changed. */
    images: z.array(z.string().min(1)).min(1).optional(),
    ref: ref.optional(),
    branch: branch.optional(),
    overrides: z.record(z.string(), z.unknown()).optional(),
    reason: z.string().optional(),
    /** What the console fills in by itself; it means nothing. */
    Comment: z.string().optional(),
  })
  .describe('release request');
export type ReleaseRequest = z.infer<typeof releaseRequestSchema>;

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
