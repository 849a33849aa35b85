import { describe, expect, it } from 'vitest';
import { plain } from '../../../../core/configuration/documents/nodes.ts';
import { readYaml } from '../../../../core/configuration/documents/yaml.ts';

const problemsOf = (text: string) =>
  readYaml('a.yaml', text).problems.map(
    ({ line, path, message }) => `${line}${path && ` ${path}`}: ${message}`,
  );

function valueOf(text: string) {
  const { node, problems } = readYaml('a.yaml', text);
  expect(problems).toEqual([]);
  return node && plain(node);
}

/** Eight levels of nine aliases each: 43 million numbers in 300 bytes. */
function bomb() {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const levels = names.slice(1).map((name, at) => `${name}: &${name} [${`*${names[at]}, `.repeat(9)}]`);
  return ['a: &a [1]', ...levels].join('\n');
}

describe('a YAML file', () => {
  it('may use anchors, aliases and merge keys, and its own keys win over merged ones', () => {
    const text = 'a: &a { x: 1, y: 2 }\nb: *a\nc: { y: 3, <<: *a }\nd: { <<: [*a, { x: 9, z: 4 }] }\n';
    expect(valueOf(text)).toEqual({
      a: { x: 1, y: 2 },
      b: { x: 1, y: 2 },
      c: { x: 1, y: 3 },
      d: { x: 1, y: 2, z: 4 },
    });
  });

  it('keeps a quoted merge key and a key named constructor as plain keys', () => {
    const value = valueOf('"<<": 1\nconstructor: 2\ntoString: 3\n');
    expect(JSON.stringify(value)).toBe('{"<<":1,"constructor":2,"toString":3}');
  });

  it('reads Windows line ends and a byte order mark', () => {
    expect(valueOf('\uFEFFa: 1\r\nb: two\r\n')).toEqual({ a: 1, b: 'two' });
  });

  it.each([
    [
      'broken syntax',
      'a: 1\nb: [1, 2\n',
      '3: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a tab', 'a:\n\tb: 1\n', '2: found a tab in the indentation, must be spaces'],
    ['an empty file', '', '1: is empty: delete it or write at least one setting'],
    ['a file of comments', '# nothing\n', '1: is empty: delete it or write at least one setting'],
    ['a bare document marker', '---\n', '1: is empty: delete it or write at least one setting'],
    [
      'a duplicate key',
      'a:\n  b: 1\n  b: 2\n',
      '3 a.b: found the key twice (first on line 2), must be there once',
    ],
    ['a list', '- a\n', '1: found a list, must be a map of keys to values'],
    ['a scalar', '\nhello\n', '2: found a single value, must be a map of keys to values'],
    [
      'two documents',
      'a: 1\n---\nb: 1\n',
      '2: found 2 documents, must be one: remove the "---" between them',
    ],
    [
      'a numeric key',
      'a:\n  0123: 1\n',
      '2 a: found the key 0123, which YAML reads as a number, must be a string: write it in quotes',
    ],
    [
      'a boolean key',
      'true: 1\n',
      '1: found the key true, which YAML reads as a boolean, must be a string: write it in quotes',
    ],
    ['a map as a key', '? { a: 1 }\n: 1\n', '1: found a list or a map as a key, must be a string'],
    ['NaN', 'a: .nan\n', '1 a: found NaN, must be a finite number'],
    ['infinity', 'a: [1, -.inf]\n', '1 a[1]: found -Infinity, must be a finite number'],
    [
      'a number that loses digits',
      'a: 12345678901234567890\n',
      '1 a: found a number too large to be kept exactly, must be smaller, or in quotes where it is no number',
    ],
    ['a tag', 'a: !Ref b\n', '1: must be plain YAML without tags: Unresolved tag: !Ref'],
    ['an unknown alias', 'a: *b\n', '1 a: found the alias *b, must follow its anchor &b'],
    [
      'an alias inside its anchor',
      'a: &a\n  b: *a\n',
      '2 a.b: found the alias *a inside its own anchor, must stand outside',
    ],
    [
      'a merge of a scalar',
      'a: &a 1\nb: { <<: *a }\n',
      '2 b["<<"]: found a scalar, must be an alias of a map',
    ],
    ['an alias bomb', bomb(), '1: repeats its aliases far too often to be expanded'],
    [
      'ten thousand brackets',
      `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`,
      '1: is nested too deeply, must have at most 50 levels',
    ],
    [
      'a hundred brackets',
      `a: ${'['.repeat(100)}${']'.repeat(100)}`,
      '1 a: is nested too deeply, must have at most 50 levels',
    ],
    [
      '__proto__',
      'a:\n  __proto__: { polluted: true }\n',
      '2 a.__proto__: found the key __proto__, must be another name',
    ],
  ])('fails on %s', (_what, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
    expect(Reflect.get({}, 'polluted')).toBe(undefined);
  });
});
