import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildSpec, withoutComments } from '../../../workflow/constructs/buildspec.ts';

const read = (file: string) => readFileSync(new URL(`../../../buildspecs/${file}`, import.meta.url), 'utf8');

describe('a program in a template', () => {
  const programs = (['fetch-source', 'bake'] as const).flatMap((name) =>
    Object.values(buildSpec(name).phases).flatMap(({ commands }) =>
      commands.flatMap((command) => {
        const [, file, text] = /^cat >(\S+) <<'END_OF_FILE'\n([^]*)\nEND_OF_FILE$/.exec(command) ?? [];
        return file === undefined || text === undefined ? [] : [{ name, file, text }];
      }),
    ),
  );

  it.each(programs)('is $file of $name line for line, without its comments', ({ file, text }) => {
    const lines = read(file).split('\n');
    const left = text.split('\n');
    expect(left.every((line) => lines.includes(line))).toBe(true);
    expect(left.filter((line) => /^\s*(\/\/|\/\*\*|\*)/.test(line) && !/\*\/ ./.test(line))).toEqual([]);
    const code = lines.filter((line) => line !== '' && !/^\s*(\/\/|\/\*\*|\*)/.test(line));
    expect(left.filter((line) => line !== '' && !/^\s*\/\*\*/.test(line))).toEqual(code);
  });

  it.each([
    ['a line', '// why\na();\n', 'a();\n'],
    ['several lines', '  /**\n   * Why.\n   * @param {string} x\n   */\n  a();\n', '  a();\n'],
    ['none that has code beside it', 'a(); // why\n/** @type {A} */ (b);\nc(); /** d */\n', undefined],
    ['none in a text', 'const url = "https://a";\nconst all = `/** a */`;\n', undefined],
    [
      'one, and not what follows a type',
      '/** @type {A} */ (b);\nc();\n/** d */\n',
      '/** @type {A} */ (b);\nc();\n',
    ],
  ])('loses %s', (_, text, expected = text) => {
    expect(withoutComments(text)).toBe(expected);
  });
});
