/** The difference of two texts, as `diff -u` shows it. */
import type { Output } from './output.ts';

const CONTEXT = 2;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
  readonly before: number;
  readonly after: number;
}

/** Every line of both, in order: what they share is found from both ends, the rest by their longest common sequence. */
function compared(before: readonly string[], after: readonly string[]): Line[] {
  // lengths[i][j]: of the longest sequence that before from i and after from j have in common.
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  const length = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row)
        row[j] =
          before[i] === after[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
    }
  const lines: Line[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length;) {
    const [old, made] = [before[i], after[j]];
    if (old !== undefined && old === made) lines.push({ mark: ' ', text: old, before: ++i, after: ++j });
    else if (old !== undefined && (made === undefined || length(i + 1, j) >= length(i, j + 1)))
      lines.push({ mark: '-', text: old, before: ++i, after: j });
    else lines.push({ mark: '+', text: made ?? '', before: i, after: ++j });
  }
  return lines;
}

/**
 * Empty when there is none. Large files are no templates of Packer, so both are compared line by line.
 *  @param names of the two, as the head says them
 */
export function unifiedDiff([from, to]: readonly [string, string], before: string, after: string): string[] {
  const lines = compared(linesOf(before), linesOf(after));
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ mark }) => mark !== ' '),
  );
  const shown: string[] = [];
  for (const [at, { mark, text, before: line, after: made }] of lines.entries()) {
    if (near[at] !== true) continue;
    if (at === 0 || near[at - 1] !== true) shown.push(`@@ -${Math.max(1, line)} +${Math.max(1, made)} @@`);
    shown.push(`${mark}${text}`);
  }
  return shown.length === 0
    ? []
    : [`--- ${before === '' ? '/dev/null' : from}`, `+++ ${after === '' ? '/dev/null' : to}`, ...shown];
}

/** Green for what comes, red for what goes. */
export const paintedDiff = (lines: readonly string[], paint: Output['paint']): string =>
  lines
    .map((line) => {
      const style = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim';
      return `${paint(style, line)}\n`;
    })
    .join('');

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
