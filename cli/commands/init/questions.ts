import { type Interface, createInterface } from 'node:readline/promises';
import type { Ask } from '../../scaffold/answers.ts';
import type { Output } from '../../terminal/output.ts';

/** Lets `work` ask whoever sits at the terminal; where nobody does it has nobody to ask. */
export async function withQuestions<Result>(
  { lively = false }: Output,
  work: (ask: Ask | undefined) => Promise<Result>,
): Promise<Result> {
  if (!lively || !process.stdin.isTTY) return work(undefined);
  // Opened by the first question: until then the terminal is left alone.
  let terminal: Interface | undefined;
  let ended: Promise<undefined> | undefined;
  try {
    return await work((question) => {
      terminal ??= createInterface({ input: process.stdin, output: process.stdout });
      // Ctrl-D and Ctrl-C end the input, and with it every question.
      ended ??= new Promise((resolve) => {
        terminal?.once('close', () => resolve(undefined));
        terminal?.once('SIGINT', () => terminal?.close());
      });
      return Promise.race([terminal.question(question), ended]);
    });
  } finally {
    terminal?.close();
  }
}
