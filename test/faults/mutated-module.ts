/**
 * Preloaded into a thread that plays a mutant: one passage of one file is replaced before the file is loaded. The mutation
 * is in the environment, as JSON.
 */
import { type ModuleSource, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const mutationSchema = z.object({ file: z.string(), passage: z.string(), by: z.string() });
const { file, passage, by } = mutationSchema.parse(JSON.parse(process.env['PACKLEADER_MUTATION'] ?? ''));
const mutated = new URL(`../../${file}`, import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== mutated) return loaded;
    const parts = textOf(loaded.source).split(passage);
    if (parts.length !== 2)
      throw new Error(`${fileURLToPath(url)} holds "${passage}" ${parts.length - 1} times, expected once`);
    return { ...loaded, source: parts.join(by) };
  },
});

function textOf(source: ModuleSource | undefined): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source);
}
