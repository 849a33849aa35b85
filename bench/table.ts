export interface Row {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly kept: boolean;
}

/** Prints what was measured, and ends the program with 1 when a target is missed. */
export function report(rows: readonly Row[]): void {
  print(
    ['Measured', 'Target', 'Value', ''],
    rows.map(({ what, target, measured, kept }) => [what, target, measured, kept ? 'OK' : 'over']),
  );
  if (rows.some(({ kept }) => !kept)) process.exitCode = 1;
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

export function count(number: number): string {
  return number.toLocaleString('en');
}

/** As a Markdown table, so that it can be pasted into docs/measured.md. */
export function print(head: readonly string[], lines: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(...[title, ...lines.map((line) => line[column] ?? '')].map(({ length }) => length)),
  );
  const text = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  const rule = text(widths.map((width) => '-'.repeat(width)));
  process.stdout.write(`${text(head)}${rule}${lines.map(text).join('')}\n`);
}
