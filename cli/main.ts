/** The `packleader` command: which commands it has, and how a refusal ends it. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import * as z from 'zod';
import { InvalidConfiguration, type Problem, problem } from '../core/configuration/documents/problems.ts';
import { EXIT } from './terminal/exit-codes.ts';
import { addCancel } from './commands/cancel/command.ts';
import { addConfig } from './commands/config/command.ts';
import { addDoctor } from './commands/doctor/command.ts';
import type { ExitCode } from './input/options.ts';
import { addRehearse } from './commands/rehearse/command.ts';
import { addRelease } from './commands/release/command.ts';
import { addStatus } from './commands/status/command.ts';
import { addSweep } from './commands/sweep/command.ts';
import { addValidate } from './commands/validate/command.ts';
import { addWatch } from './commands/watch/command.ts';
import { ClientError } from '../client/errors.ts';
import { type Output, refusalDocument, refusalText, standardOutput } from './terminal/output.ts';

const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version;

/**
 * Runs one command line and returns its exit code. Never throws for what the user wrote: a refusal goes to standard
 * error, or to standard output as the one JSON document when `--json` was given.
 */
export async function main(args: readonly string[], output: Output = standardOutput()): Promise<number> {
  const code: ExitCode = { exit: EXIT.released };
  const json = args.includes('--json');
  try {
    await program(output, code).parseAsync([...args], { from: 'user' });
    return code.exit;
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, json, output);
    const problems = problemsOf(error);
    if (!problems) throw error;
    output.status('');
    if (json) output.print(refusalDocument(problems));
    else output.complain(refusalText(problems));
    return EXIT.refused;
  }
}

/** Why a command was refused; undefined for a fault of this program. */
function problemsOf(error: unknown): readonly Problem[] | undefined {
  if (error instanceof InvalidConfiguration) return error.problems;
  return error instanceof ClientError ? [problem(error.name, 0, [], error.message)] : undefined;
}

/** Commander has already written its own message, unless one JSON document was asked for. */
function usage(error: CommanderError, json: boolean, output: Output): number {
  if (error.exitCode === 0) return 0;
  const message = error.message.replace(/^error: /, '');
  if (json) output.print(refusalDocument([{ file: 'command line', line: 0, path: '', message }]));
  return EXIT.refused;
}

function program(output: Output, code: ExitCode): Command {
  const root = new Command('packleader')
    .description('Bakes one machine image into every AWS account of an organisation, or into none.')
    .version(VERSION, '--version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.print(text), writeErr: (text) => output.complain(text) })
    .showHelpAfterError('(packleader --help tells more)');
  addRehearse(root, output, code);
  addValidate(root, output, code);
  addConfig(root, output);
  addRelease(root, output, code);
  addStatus(root, output, code);
  addWatch(root, output, code);
  addCancel(root, output, code);
  addSweep(root, output, code);
  addDoctor(root, output, code);
  return root;
}
