/** Asks whoever sits at the terminal. */
import { type Interface, createInterface } from 'node:readline/promises';
import type { Output } from './output.ts';

/** Asks one question; undefined once nobody answers any more. */
export type Ask = (question: string) => Promise<string | undefined>;

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

/** Whether somebody says yes, and nothing else will do; undefined where nobody can be asked. */
export const agreed = (
  output: Output,
  question: string,
  questions: typeof withQuestions = withQuestions,
): Promise<boolean | undefined> =>
  questions(output, async (ask) =>
    ask === undefined ? undefined : /^y(es)?$/i.test(((await ask(`${question} [y/N] `)) ?? '').trim()),
  );
