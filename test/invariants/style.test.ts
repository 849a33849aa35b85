import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

const REPOSITORY = join(import.meta.dirname, '../..');

const GENERATED = ['node_modules', 'cdk.out', '.cache'];

/** Every TypeScript file of ours. */
const files = globSync('**/*.ts', { cwd: REPOSITORY, exclude: GENERATED });

/** The names and lines of the top-level arrow functions with a block body. */
function blockArrows(text: string): string[] {
  return parseAst(text, { lang: 'ts' }).body.flatMap((statement) => {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration') return [];
    return declaration.declarations
      .filter(({ init }) => init?.type === 'ArrowFunctionExpression' && init.body.type === 'BlockStatement')
      .map(({ id }) => `${text.slice(0, id.start).split('\n').length} ${text.slice(id.start, id.end)}`);
  });
}

describe('a top-level function', () => {
  test('with a block body is a function declaration; an arrow is one expression', () => {
    expect(files).toContain('core/configuration/check.ts');
    const arrows = files.flatMap((file) =>
      blockArrows(readFileSync(join(REPOSITORY, file), 'utf8')).map((arrow) => `${file}:${arrow}`),
    );
    expect(arrows).toEqual([]);
  });

  test.each([
    ['const f = () => {};', ['1 f']],
    ['\nexport const f = async <T>(\n  a: T,\n): Promise<T> => {\n  return a;\n};', ['2 f']],
    ['const f = ({ a }: { a: number }) => {\n  return a;\n};\nconst g = () => { };', ['1 f', '4 g']],
    ['const f = (a: number) => ({ a });', []],
    ['const f = (await list()).map((one) => {\n  return one;\n});', []],
    ['function f() {\n  const g = () => {};\n  return g;\n}', []],
  ])('is told apart in %j', (text, arrows) => {
    expect(blockArrows(text)).toEqual(arrows);
  });
});

/** The lines of docstrings whose tag is not set off by two spaces, or follows an empty line. */
function strayTags(text: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    if (!/^ *\* *@(param|returns|throws|see|example)\b/.test(line)) return [];
    const aligned = /^ *\*  @\S/.test(line) && !/^ *\*$/.test(lines[index - 1] ?? '');
    return aligned ? [] : [`${index + 1} ${line.trim()}`];
  });
}

describe('a docstring', () => {
  test('sets its tags off by two spaces, right below what it says', () => {
    const stray = files.flatMap((file) =>
      strayTags(readFileSync(join(REPOSITORY, file), 'utf8')).map((tag) => `${file}:${tag}`),
    );
    expect(stray).toEqual([]);
  });

  test.each([
    ['/**\n * Does it.\n *  @throws Error\n */', []],
    ['/**\n * Does it.\n * @throws Error\n */', ['3 * @throws Error']],
    ['/**\n * Does it.\n *\n *  @see x\n */', ['4 *  @see x']],
  ])('is told apart in %j', (text, tags) => {
    expect(strayTags(text)).toEqual(tags);
  });
});
