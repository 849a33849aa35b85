import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DIRECTORY, snapshots } from './snapshots.ts';

it('the state machines of the shipped factory are those in snapshots/: run `npm run snapshots` and read what changed', async () => {
  const files = readdirSync(DIRECTORY).map(
    (file) => [file, readFileSync(new URL(file, DIRECTORY), 'utf8')] as const,
  );
  expect(Object.fromEntries(files)).toEqual(Object.fromEntries(await snapshots()));
});
