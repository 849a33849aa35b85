/** Changes to a text that leave everything else as it is, byte for byte. */
import type { Block, Span } from '../hcl.ts';

export interface Edit extends Span {
  readonly text: string;
}

export interface Edited {
  readonly text: string;
  /** By a line of it, counted from 0: which line it was, or was written at, counted from 1. */
  readonly lines: readonly number[];
}

/** @param edits of places that do not overlap; those of one place follow each other as they are given */
export function applied(text: string, edits: readonly Edit[]): Edited {
  const lines = [1];
  let made = '';
  let line = 1;
  let at = 0;
  const keep = (until: number): void => {
    for (const character of text.slice(at, until)) if (character === '\n') lines.push(++line);
    made += text.slice(at, until);
    at = until;
  };
  for (const { start, end, text: put } of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < at) throw new Error(`two edits overlap at ${start}`);
    keep(start);
    for (const character of put) if (character === '\n') lines.push(line);
    made += put;
    line += text.slice(start, end).split('\n').length - 1;
    at = end;
    if (made === '' || made.endsWith('\n')) lines[lines.length - 1] = line;
  }
  keep(text.length);
  return { text: made, lines };
}

/** Takes something away, with its lines where nothing else stands on them. */
export function without(text: string, { start, end }: Span): Edit {
  const before = /(^|\n)[ \t]*$/.exec(text.slice(0, start));
  const after = /^[ \t]*((#|\/\/)[^\n]*)?(\r?\n|$)/.exec(text.slice(end));
  if (!before || !after) return { start, end, text: '' };
  const from = start - before[0].length + (before[1] ?? '').length;
  return { start: from, end: end + after[0].length, text: '' };
}

/** Adds lines at the end of a block, indented as it is. */
export function atEndOf(text: string, { inside }: Block, lines: readonly string[]): Edit[] {
  if (!inside || lines.length === 0) return [];
  const { start, end } = inside;
  const within = text.slice(start, end);
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const margin = /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? '';
  const added = lines.map((line) => (line === '' ? '\n' : `${margin}  ${line}\n`)).join('');
  // On one line a block may hold one attribute, and nothing after it.
  if (!within.includes('\n'))
    return [
      { start, end: start, text: `\n${margin} ` },
      { start: end, end, text: `\n${added}${margin}` },
    ];
  const last = text.lastIndexOf('\n', end - 1) + 1;
  return text.slice(last, end).trim() === ''
    ? [{ start: last, end: last, text: added }]
    : [{ start: end, end, text: `\n${added}${margin}` }];
}
