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
    /** Who asks, as they say themselves: nothing proves it. The command fills in whom AWS knows its credentials by. */
    startedBy: z.string().trim().min(1).max(2_048).optional(),
    /** What the console fills in by itself; it means nothing. */
    Comment: z.string().optional(),
  })
  .describe('release request');
export type ReleaseRequest = z.infer<typeof releaseRequestSchema>;

const oneImage = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be the name of an image, like linux-base');
const oneRelease = z
  .string()
  .regex(/^[a-z][a-z0-9-]*@[^@]+$/, 'must be <image>@<version>, like linux-base@1.4.20261121093000');

/** What people and tools may ask `packleader-repoint` for: one of `rollback`, `revoke` and `restore`. */
export const repointRequestSchema = z
  .strictObject({
    /** The image whose `latest` goes back. */
    rollback: oneImage.optional(),
    /** To which version; by default the one before. */
    to: z.string().min(1).optional(),
    revoke: oneRelease.optional(),
    restore: oneRelease.optional(),
    /** In the words of whoever asks; a revocation needs one. */
    reason: z.string().trim().min(1).max(1_000).optional(),
    /** What is built on it too. */
    children: z.boolean().optional(),
    /** Nothing can be launched from its AMIs any more. */
    disable: z.boolean().optional(),
    /** Only says what would be done. */
    dryRun: z.boolean().optional(),
    /** What the console fills in by itself; it means nothing. */
    Comment: z.string().optional(),
  })
  .describe('repoint request');
export type RepointRequest = z.infer<typeof repointRequestSchema>;

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
