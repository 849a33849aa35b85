/** How a mutant of a source file reaches the thread that plays it. */
import * as z from 'zod';

/** The environment variable that holds it, as JSON. */
export const MUTATED_SOURCE = 'PACKLEADER_MUTATED_SOURCE';

/** One file, from the root of the repository, and its text with one thing taken away. */
export const mutatedSourceSchema = z.object({ file: z.string(), text: z.string() });
export type MutatedSource = z.infer<typeof mutatedSourceSchema>;
