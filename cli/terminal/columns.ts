/** Lays rows out in columns that fit the terminal. */
import { stripVTControlCharacters } from 'node:util';
import type { Output } from './output.ts';

type Style = Parameters<Output['paint']>[0];

/** A text, or one with a colour, which takes no room. */
export type Cell = string | { readonly text: string; readonly style: Style };

const GAP = 2;
/** No column is made narrower, however narrow the terminal is. */
const NARROWEST = 6;

/** Two blanks lie between columns. When rows are wider than the terminal the widest column is cut, with an ellipsis. */
export function inColumns(rows: readonly (readonly Cell[])[], output: Output, indent = 0): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(0, ...rows.map((row) => lengthOf(textOf(row[column])))),
  );
  const room = (output.width ?? Infinity) - indent - GAP * Math.max(0, count - 1);
  let over = widths.reduce((sum, width) => sum + width, 0) - room;
  while (over > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= NARROWEST) break;
    const second = Math.max(NARROWEST, ...widths.filter((_, column) => column !== widest));
    const cut = Math.min(over, Math.max(1, width - second), width - NARROWEST);
    widths[widest] = width - cut;
    over -= cut;
  }
  return rows.map((row) => {
    const last = row.length - 1;
    const cells = row.map((cell, column) => {
      const text = fitted(textOf(cell), widths[column] ?? 0);
      const painted = typeof cell === 'string' ? text : output.paint(cell.style, text);
      return column === last ? painted : `${painted}${' '.repeat((widths[column] ?? 0) - lengthOf(text))}`;
    });
    return `${' '.repeat(indent)}${cells.join(' '.repeat(GAP))}`.trimEnd();
  });
}

const textOf = (cell: Cell | undefined): string => (typeof cell === 'object' ? cell.text : (cell ?? ''));

const lengthOf = (text: string): number => stripVTControlCharacters(text).length;

const fitted = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/** Prints lines, each with its end. */
export function printLines(lines: readonly string[], output: Output): void {
  for (const line of lines) output.print(`${line}\n`);
}
