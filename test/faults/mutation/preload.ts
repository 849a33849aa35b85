/** Preloaded into a thread that plays a mutant: one file is another one when it is loaded. */
import { registerHooks } from 'node:module';
import { MUTATED_SOURCE, mutatedSourceSchema } from './mutated-source.ts';

const { file, text } = mutatedSourceSchema.parse(JSON.parse(process.env[MUTATED_SOURCE] ?? ''));
const mutated = new URL(`../../../${file}`, import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    return url === mutated ? { ...loaded, source: text } : loaded;
  },
});
