/** What a command writes, kept instead of shown. */
import { main } from '../../cli/main.ts';
import type { Output } from '../../cli/terminal/output.ts';

/** An output as a pipe is one, or a terminal when it is lively, and the texts that were written to it. */
export function written(lively = false) {
  const texts = { out: '', err: '', status: '' };
  const output: Output = {
    lively,
    print: (text) => (texts.out += text),
    complain: (text) => (texts.err += text),
    status: (text) => (texts.status += `${text}\n`),
    paint: (_, text) => text,
  };
  return { texts, output };
}

/** Runs a command line as a pipe would see it. */
export async function run(...args: string[]) {
  const { texts, output } = written();
  const exit = await main(args, output);
  return { exit, ...texts };
}
