import { expect, test } from 'vitest';
import { inColumns } from '../../../cli/terminal/columns.ts';
import { written } from '../output.ts';

const { output } = written();
const ROWS = [
  ['dev', 'a-long-word-in-the-middle', 'x'],
  ['production', 'b', 'y'],
];

test('columns are as wide as their widest cell, and a pipe gets all of it', () => {
  expect(inColumns(ROWS, output, 2)).toEqual([
    '  dev         a-long-word-in-the-middle  x',
    '  production  b                          y',
  ]);
});

test('in a narrow terminal the widest column is cut, and the others stay', () => {
  const lines = inColumns(ROWS, { ...output, width: 30 }, 2);
  expect(lines).toEqual(['  dev         a-long-word-…  x', '  production  b              y']);
  expect(Math.max(...lines.map((line) => line.length))).toBe(30);
});

test('several columns are cut when one is not enough, but none below six', () => {
  expect(inColumns(ROWS, { ...output, width: 18 })).toEqual(['dev     a-long…  x', 'produ…  b        y']);
  expect(inColumns(ROWS, { ...output, width: 1 })).toEqual(['dev     a-lon…  x', 'produ…  b       y']);
});

test('colours take no room', () => {
  const painted = { ...output, paint: (_: unknown, text: string) => `<${text}>` };
  expect(
    inColumns(
      [
        [{ text: 'ok', style: 'green' }, 'a'],
        ['failed', 'b'],
      ],
      painted,
    ),
  ).toEqual(['<ok>      a', 'failed  b']);
});

test('no rows are no lines', () => expect(inColumns([], output)).toEqual([]));
