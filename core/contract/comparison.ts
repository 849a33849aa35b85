import * as z from 'zod';

/** What becomes of differences between the AMIs of one release: nobody looks, the record tells them, or the release fails. */
export const PARITIES = ['off', 'report', 'enforce'] as const;
export type Parity = (typeof PARITIES)[number];

/** Other settings say where an AMI is made, and for whom; these say what it is. */
export const COMPARED_SETTINGS = ['architecture', 'rootVolumeSizeGiB'] as const;

const changeSchema = z.object({
  what: z.enum(['package', 'source AMI', 'setting']),
  /** Of a package with its architecture. */
  name: z.string(),
  /** In the target that all are compared with, and in those that differ; null where there is none. */
  expected: z.string().nullable(),
  found: z.string().nullable(),
});
export type Change = z.infer<typeof changeSchema>;

/** How the AMIs of one release differ, by target. */
export const comparisonSchema = z.object({
  /** The target, `<account>/<region>`, that the others are compared with: the first of the first stage. */
  reference: z.string(),
  /** How many targets there are besides. */
  compared: z.number().int(),
  /** How many changes there are in all, before any were left off. */
  count: z.number().int(),
  /** Targets that differ in the same way are told together. */
  differences: z.array(z.object({ targets: z.array(z.string()), changes: z.array(changeSchema) })),
  /** What could not be compared, and why. */
  notCompared: z.array(z.object({ what: z.string(), targets: z.array(z.string()), why: z.string() })),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** What `Compare AMIs` tells the states that follow. */
export const comparedSchema = z.object({
  compared: z.number().int(),
  differences: z.number().int(),
  notCompared: z.number().int(),
  /** How many SBOMs were left; none by an older deployment. */
  sboms: z.number().int().default(0),
});
export type Compared = z.infer<typeof comparedSchema>;
