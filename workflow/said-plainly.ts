import { PackleaderError } from '../core/contract/errors.ts';

/** Runs a program that synthesises. What a person has got wrong is told by itself; only a fault of the program has a stack trace. */
export async function saidPlainly(program: () => void | Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    if (!(error instanceof PackleaderError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
