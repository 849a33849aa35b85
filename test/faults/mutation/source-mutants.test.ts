/** Whether every mutation finds its site, and the same one however the code is formatted. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { deleteStatement, neverDo } from './operators.ts';
import { calling, throwing } from './queries.ts';
import { mutate, nameOfSite } from './site.ts';
import { SITES } from './source-mutants.ts';
import { parse, structureOf } from './syntax-tree.ts';

const ROOT = new URL('../../../', import.meta.url);
const textOf = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

describe('the mutations of source files', () => {
  it('have names of their own', () => {
    const names = SITES.map(nameOfSite);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(50);
  });

  it.each(SITES)('$file: $means: changes the code into something that Node can run', async (site) => {
    const text = textOf(site.file);
    const mutant = await mutate(site, text);
    expect(structureOf(await parse(mutant)) === structureOf(await parse(text))).toBe(false);
    expect(() => stripTypeScriptTypes(mutant)).not.toThrow();
  });

  it.each([
    { printWidth: 40, singleQuote: false },
    { printWidth: 250, semi: false, useTabs: true },
    { printWidth: 80, trailingComma: 'none', arrowParens: 'avoid', bracketSpacing: false },
  ] as const)('are the same where the code is formatted with %j', async (options) => {
    const different: string[] = [];
    for (const site of SITES) {
      const text = textOf(site.file);
      const formatted = await format(text, { parser: 'typescript', ...options });
      expect(formatted).not.toBe(text);
      const [once, again] = [await mutate(site, text), await mutate(site, formatted)];
      if (structureOf(await parse(once)) !== structureOf(await parse(again)))
        different.push(nameOfSite(site));
    }
    expect(different).toEqual([]);
  });
});

describe('a mutation', () => {
  const site = { file: 'a.ts', within: 'undo', means: 'nothing is deleted' };

  it('fails by its name when its site is gone', async () => {
    await expect(
      mutate({ ...site, does: deleteStatement(calling('remove')) }, 'function undo() { look(); }'),
    ).rejects.toThrow(
      'a.ts: nothing is deleted: undo has a statement that calls remove 0 times, expected once.',
    );
  });

  it('fails by its name when its site is there twice', async () => {
    const text = 'function undo() { if (a) throw new Left(); if (b) throw new Left(); }';
    await expect(mutate({ ...site, does: neverDo(throwing('Left')) }, text)).rejects.toThrow(
      'a.ts: nothing is deleted: undo has an if that throws Left 2 times, expected once.',
    );
  });

  it('fails by its name when its function is gone', async () => {
    await expect(
      mutate({ ...site, does: deleteStatement(calling('remove')) }, 'function redo() { remove(); }'),
    ).rejects.toThrow('a.ts: nothing is deleted: the file has 0 functions undo, expected 1.');
  });
});
