/** Where a command writes, and how a refusal looks. */
import { styleText } from 'node:util';
import { type Problem, placeText } from '../../core/configuration/documents/problems.ts';

export interface Output {
  /** The command's result. */
  readonly print: (text: string) => void;
  /** What went wrong. */
  readonly complain: (text: string) => void;
  /** Replaces the line that says what is going on; only a terminal has one. */
  readonly status: (text: string) => void;
  /** Whether somebody is looking: a terminal, with a line that moves. By default nobody is. */
  readonly lively?: boolean;
  readonly paint: (style: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string) => string;
}

/** Colour and a moving line for a terminal, plain lines for a pipe. `NO_COLOR` is honoured. */
export function standardOutput(): Output {
  const { stdout, stderr } = process;
  const lively = stdout.isTTY && process.env['TERM'] !== 'dumb';
  let standing = false;
  const clear = () => {
    if (standing) stdout.write('\r\u001B[2K');
    standing = false;
  };
  return {
    lively,
    print: (text) => {
      clear();
      stdout.write(text);
    },
    complain: (text) => {
      clear();
      stderr.write(text);
    },
    status: (text) => {
      if (!lively) return;
      clear();
      if (text === '') return;
      stdout.write(text.slice(0, Math.max(20, stdout.columns - 1)));
      standing = true;
    },
    // styleText looks at the stream, at NO_COLOR and at FORCE_COLOR by itself.
    paint: (style, text) => styleText(style, text, { stream: stdout }),
  };
}

/** `{ outcome: "refused", errors: [{ file, line, path, message }] }` */
export function refusalDocument(problems: readonly Problem[]): string {
  const errors = problems.map(({ file, line, path, message }) => ({ file, line, path, message }));
  return `${JSON.stringify({ outcome: 'refused', errors }, null, 2)}\n`;
}

export function refusalText(problems: readonly Problem[]): string {
  const lines = problems.map((problem) => {
    const path = problem.path === '' ? '' : ` ${problem.path}`;
    return `  ${placeText(problem)}${path}: ${problem.message}\n`;
  });
  const count = problems.length === 1 ? 'refused' : `refused, for ${problems.length} reasons`;
  return `${count}; nothing was done\n${lines.join('')}`;
}
