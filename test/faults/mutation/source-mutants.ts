/** Every mutant of the source files. */
import { readFileSync } from 'node:fs';
import type { MutatedSource } from './mutated-source.ts';
import { mutate, nameOfSite } from './site.ts';
import { APPROVED_SITES } from './sites/approved.ts';
import { KEPT_SITES } from './sites/kept.ts';
import { RELEASE_SITES } from './sites/release.ts';
import { REPOINT_SITES } from './sites/repoint.ts';
import { RETIRE_SITES } from './sites/retire.ts';
import { RETRY_SITES } from './sites/retry.ts';
import { SHARED_SITES } from './sites/shared.ts';
import { SCANNED_SITES } from './sites/scanned.ts';
import { COPIED_SITES } from './sites/copied.ts';
import { TESTED_SITES } from './sites/tested.ts';
import { UNDO_SITES } from './sites/undo.ts';

export interface SourceMutant extends MutatedSource {
  readonly name: string;
  /** Ids of scenarios that are likely to kill it. */
  readonly likely: RegExp;
}

export const SITES = [
  ...UNDO_SITES,
  ...RELEASE_SITES,
  ...RETRY_SITES,
  ...REPOINT_SITES,
  ...RETIRE_SITES,
  ...KEPT_SITES,
  ...TESTED_SITES,
  ...SHARED_SITES,
  ...COPIED_SITES,
  ...SCANNED_SITES,
  ...APPROVED_SITES,
];

/** @throws Error that names a mutation whose site is not there exactly once: none is left out in silence */
export async function sourceMutants(root: URL): Promise<SourceMutant[]> {
  return Promise.all(
    SITES.map(async (site) => {
      const { file, likely } = site;
      const text = await mutate(site, readFileSync(new URL(file, root), 'utf8'));
      return { name: nameOfSite(site), likely, file, text };
    }),
  );
}
