import * as z from 'zod';
import { askedAmiSchema } from './asked-amis.ts';
import { targetSchema } from './targets.ts';

/** What any of the four kinds may say. */
const conditions = { maxAgeDays: z.number().optional(), allowDeprecated: z.literal(true).optional() };

/** Where a bake starts from: exactly one of the four kinds. */
export const sourceAmiSchema = z.union([
  z.strictObject({ ssmParameter: z.string(), ...conditions }),
  z.strictObject({
    filter: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    owners: z.array(z.string()).min(1),
    ...conditions,
  }),
  z.strictObject({
    image: z.string(),
    version: z.string().optional(),
    /** Set where the configuration names no version: this one is released by the same execution. */
    sameExecution: z.literal(true).optional(),
    ...conditions,
  }),
  z.strictObject({ ids: z.record(z.string(), z.string()), ...conditions }),
]);
export type SourceAmi = z.infer<typeof sourceAmiSchema>;

/** A target with what its source AMI is found by. */
export const sourcedTargetSchema = targetSchema.extend({
  sourceAmi: sourceAmiSchema,
  architecture: z.enum(['x86_64', 'arm64']),
  /** What else the bake makes of it; missing in the plans and records of older deployments. */
  asked: askedAmiSchema.optional(),
});
export type SourcedTarget = z.infer<typeof sourcedTargetSchema>;
