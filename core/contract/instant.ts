import * as z from 'zod';

/** A moment as Step Functions writes it into the context of an execution: ISO 8601, in UTC, with or without fractions of a second. */
export const instantSchema = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), { error: 'must be a time, as ISO 8601 writes it' });
