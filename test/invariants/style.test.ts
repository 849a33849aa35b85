import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Every TypeScript file of ours: what git tracks or would, so that neither node_modules nor cdk.out counts. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.ts'], {
  cwd: REPOSITORY,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '');

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
