/** A few weeks of `npm run year`, and whether its watch sees anything at all. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MUTATED_SOURCE } from '../faults/mutation/mutated-source.ts';
import { insteadOfReturning } from '../faults/mutation/operators.ts';
import { calling } from '../faults/mutation/queries.ts';
import { type MutationSite, mutate } from '../faults/mutation/site.ts';
import { playYear } from './year.ts';

const ROOT = new URL('../../', import.meta.url);
const DAYS = 40;

/** What keeps a version, taken away. */
const BROKEN: Omit<MutationSite, 'likely'> = {
  file: 'core/life/decide.ts',
  within: 'usedAt',
  does: insteadOfReturning(calling('max'), 'Date.parse(createdAt)'),
  means: 'the last use does not count',
};

/** Ends as `npm run year` does, with one thing taken away. */
async function brokenYear(site: Omit<MutationSite, 'likely'>): Promise<{ code: unknown; told: string }> {
  const text = await mutate(site, readFileSync(new URL(site.file, ROOT), 'utf8'));
  const env = { ...process.env, [MUTATED_SOURCE]: JSON.stringify({ file: site.file, text }) };
  const args = ['--import', new URL('../faults/mutation/preload.ts', import.meta.url).href];
  return new Promise((resolve) => {
    const year = ['test/year/main.ts', '--quick', '--days', String(DAYS), '--every', '480'];
    execFile(process.execPath, [...args, ...year], { cwd: ROOT, env }, (error, stdout) =>
      resolve({ code: error?.code ?? 0, told: stdout }),
    );
  });
}

describe('a year', () => {
  it('has no violations: nothing goes that is used, and nothing is left that is due', async () => {
    const year = await playYear({ days: DAYS, seed: 1, everyMinutes: 480, isQuick: true });
    expect(year.violations).toEqual([]);
    expect(year.made).toBeGreaterThan(10);
    expect(year.removed).toBeGreaterThan(5);
    expect(year.figures.runs).toBe(DAYS);
    expect(year.figures.troubles).toBeGreaterThan(0);
    expect(year.days).toBe(DAYS);
  });

  it(`fails when ${BROKEN.means}`, async () => {
    const { code, told } = await brokenYear(BROKEN);
    expect(told).toMatch(/, which was used at /);
    expect(told).toMatch(/^40 days, \d+ AMIs made, \d+ removed, [1-9]\d* violations$/m);
    expect(code).toBe(1);
  });
});
