/** Where a command writes, and how a refusal looks. */
import type { WriteStream } from 'node:tty';
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

/** The program's own output, and what became of it. */
export interface ProgramOutput extends Output {
  /** Waits until all is written; returns why something could not be. A reader that went away, as `| head` does, is no reason. */
  readonly written: () => Promise<Error | undefined>;
}

/** Colour and a moving line for a terminal, plain lines for a pipe. `NO_COLOR` is honoured. */
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
  return {
    lively,
    print: (text) => {
      clear();
      toReader.write(text);
    },
    complain: (text) => {
      clear();
      toComplaints.write(text);
    },
    status: (text) => {
      if (!lively) return;
      clear();
      if (text === '') return;
      toReader.write(text.slice(0, Math.max(20, stdout.columns - 1)));
      standing = true;
    },
    // styleText looks at the stream, at NO_COLOR and at FORCE_COLOR by itself.
    paint: (style, text) => styleText(style, text, { stream: stdout }),
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
