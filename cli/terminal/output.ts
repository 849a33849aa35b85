/** Where a command writes, and how a refusal looks. */
import { randomUUID } from 'node:crypto';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { plainText, visible } from '../../buildspecs/plain-text.mjs';
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
  /** How many columns a terminal has; a pipe has none to keep to. */
  readonly width?: number;
  readonly paint: (style: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string) => string;
}

/** The program's own output, and what became of it. */
export interface ProgramOutput extends Output {
  /** Waits until all is written; returns why something could not be. A reader that went away, as `| head` does, is no reason. */
  readonly written: () => Promise<Error | undefined>;
}

/**
 * Colour and a moving line for a terminal, plain lines for a pipe. `NO_COLOR` is honoured. Of what is written only the colours of
 * `paint` are obeyed by a terminal: the rest may come from anywhere.
 */
export function programOutput(
  stdout: WriteStream = process.stdout,
  stderr: WriteStream = process.stderr,
): ProgramOutput {
  const lively = stdout.isTTY && process.env['TERM'] !== 'dumb';
  const toReader = guarded(stdout);
  const toComplaints = guarded(stderr);
  let standing = false;
  const clear = () => {
    if (standing) toReader.write('\r\u001B[2K');
    standing = false;
  };
  // Nobody outside knows what stands for an escape character until it is written, so no colour is anybody else's.
  const escape = randomUUID();
  const shown = (text: string) => plainText(text).replaceAll(escape, '\u001B');
  return {
    lively,
    ...(stdout.isTTY && stdout.columns > 0 && { width: stdout.columns }),
    print: (text) => {
      clear();
      toReader.write(shown(text));
    },
    complain: (text) => {
      clear();
      toComplaints.write(shown(text));
    },
    status: (text) => {
      if (!lively) return;
      clear();
      if (text === '') return;
      toReader.write(
        shown(text)
          .replaceAll('\n', ' ')
          .slice(0, Math.max(20, stdout.columns - 1)),
      );
      standing = true;
    },
    // styleText looks at the stream, at NO_COLOR and at FORCE_COLOR by itself.
    paint: (style, text) => {
      const [begin = '', end = ''] = styleText(style, ' ', { stream: stdout })
        .replaceAll('\u001B', escape)
        .split(' ');
      return `${begin}${text}${end}`;
    },
    written: async () => {
      await toComplaints.drained();
      return toReader.drained();
    },
  };
}

/**
 * A stream that may fail: Node would end the program with a stack trace. After a failure nothing more is written, and the command
 * goes on to its end, because its exit code is true all the same.
 */
function guarded(stream: WriteStream) {
  let failure: Error | undefined;
  stream.on('error', (error) => (failure ??= error));
  return {
    write: (text: string) => {
      if (!failure) stream.write(text);
    },
    drained: async (): Promise<Error | undefined> => {
      if (!failure) await new Promise<void>((resolve) => stream.write('', () => resolve()));
      return failure && 'code' in failure && failure.code === 'EPIPE' ? undefined : failure;
    },
  };
}

/** The document that `--json` prints: every value as it is, and nothing in it that a terminal obeys. */
export const jsonText = (document: unknown): string => `${visible(JSON.stringify(document, null, 2))}\n`;

/** `{ outcome: "refused", errors: [{ file, line, path, message }] }` */
export function refusalDocument(problems: readonly Problem[]): string {
  const errors = problems.map(({ file, line, path, message }) => ({ file, line, path, message }));
  return jsonText({ outcome: 'refused', errors });
}

export function refusalText(problems: readonly Problem[]): string {
  const lines = problems.map((problem) => {
    const path = problem.path === '' ? '' : ` ${problem.path}`;
    return `  ${placeText(problem)}${path}: ${problem.message}\n`;
  });
  const count = problems.length === 1 ? 'refused' : `refused, for ${problems.length} reasons`;
  return `${count}; nothing was done\n${lines.join('')}`;
}
