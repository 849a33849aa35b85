import type * as z from 'zod';
import { ERRORS, PackleaderError } from './errors.ts';

/** Parses what a state handed to its task. A refusal is a defect of the workflow, never of its user. */
export function parseEvent<S extends z.ZodType>(schema: S, event: unknown): z.infer<S> {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'event'}: ${issue.message}`);
  throw new PackleaderError(ERRORS.invalidEvent, issues.join('; '));
}
