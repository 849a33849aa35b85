/** Writes the state machines of the shipped factory as people can read them: `npm run snapshots`. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { ownFactory } from '../../fixtures/factories.ts';
import { machinesOf } from '../../fixtures/machines.ts';

export const DIRECTORY = new URL('snapshots/', import.meta.url);

/** By file name: the text that `npm run snapshots` writes. */
export async function snapshots(): Promise<Map<string, string>> {
  const written = machinesOf(ownFactory()).map(
    async ({ name, graph }) =>
      [
        `${name}.json`,
        await format(JSON.stringify(graph, null, 2), { parser: 'json', printWidth: 110 }),
      ] as const,
  );
  return new Map(await Promise.all(written));
}

if (import.meta.main) {
  mkdirSync(DIRECTORY, { recursive: true });
  for (const file of readdirSync(DIRECTORY)) rmSync(new URL(file, DIRECTORY));
  for (const [file, text] of await snapshots()) writeFileSync(new URL(file, DIRECTORY), text);
}
