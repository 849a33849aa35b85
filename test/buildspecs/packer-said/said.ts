import { readFileSync } from 'node:fs';

/** What real Packer said, by the name that record.ts gave it. */
export const packerSaid = (name: string): string =>
  readFileSync(new URL(`${name}.txt`, import.meta.url), 'utf8');
