import * as z from 'zod';

/** The full id of a commit. */
export const commitIdSchema = z.string().regex(/^[0-9a-f]{40}$/, 'must be 40 hexadecimal digits');

/** The detail of a `Git Push` event: one branch, and the commit that it points at now. */
export const gitPushSchema = z.object({
  provider: z.enum(['github', 'gitlab', 'bitbucket', 'codecommit']),
  /** `github.com/example/images` */
  repository: z.string(),
  branch: z.string(),
  commit: commitIdSchema,
  delivery: z.object({
    /** What the provider calls it. */
    id: z.string(),
    /** What tells it from every other one; an event that comes twice has it twice. */
    fingerprint: z.string(),
  }),
});
export type GitPush = z.infer<typeof gitPushSchema>;
