/** The `packleader` command: which commands it has, and how a refusal ends it. */
import { Command, CommanderError } from 'commander';
import { InvalidConfiguration, type Problem, problem } from '../core/configuration/documents/problems.ts';
import { EXIT } from './terminal/exit-codes.ts';
import { addApprove } from './commands/approve/command.ts';
import { addAdopt } from './commands/adopt/command.ts';
import { addCancel } from './commands/cancel/command.ts';
import { addCompletion } from './commands/completion/command.ts';
import { addConfig } from './commands/config/command.ts';
import { addDeploy } from './commands/deploy/command.ts';
import { addDoctor } from './commands/doctor/command.ts';
import { addImport } from './commands/import/command.ts';
import { addInit } from './commands/init/command.ts';
import { addNew } from './commands/new/command.ts';
import type { ExitCode } from './input/options.ts';
import { PACKAGE_VERSION } from '../core/contract/package-version.ts';
import { addMirror } from './commands/mirror/command.ts';
import { addPage } from './commands/page/command.ts';
import { addPin } from './commands/pin/command.ts';
import { addRehearse } from './commands/rehearse/command.ts';
import { addRelease } from './commands/release/command.ts';
import { addStatus } from './commands/status/command.ts';
import { addRetire } from './commands/retire/command.ts';
import { addRetry } from './commands/retry/command.ts';
import { addWhere } from './commands/where/command.ts';
import { addSbom } from './commands/sbom/command.ts';
import { addShow } from './commands/show/command.ts';
import { addLineage } from './commands/lineage/command.ts';
import { addHistory } from './commands/history/command.ts';
import { addDiff } from './commands/diff/command.ts';
import { addRestore } from './commands/restore/command.ts';
import { addRevoke } from './commands/revoke/command.ts';
import { addRollback } from './commands/rollback/command.ts';
import { addSweep } from './commands/sweep/command.ts';
import { addUpgrade } from './commands/upgrade/command.ts';
import { addValidate } from './commands/validate/command.ts';
import { addWhy } from './commands/why/command.ts';
import { addWatch } from './commands/watch/command.ts';
import { ClientError } from '../client/errors.ts';
import {
  type Output,
  type ProgramOutput,
  jsonText,
  programOutput,
  refusalDocument,
  refusalText,
} from './terminal/output.ts';

/** The whole program: runs a command line on the process's own streams, and never throws. Returns the exit code. */
export async function run(args: readonly string[], output: ProgramOutput = programOutput()): Promise<number> {
  const code = await main(args, output);
  const failure = await output.written();
  if (!failure) return code;
  output.complain(`packleader: its output could not be written: ${failure.message}\n`);
  return EXIT.notWritten;
}

/**
 * Runs one command line and returns its exit code. Never throws: a refusal goes to standard error, or to standard output as the one
 * JSON document when `--json` was given, and so does a fault of this program, with the trace that mends it.
 */
export async function main(args: readonly string[], output: Output): Promise<number> {
  const code: ExitCode = { exit: EXIT.released };
  const json = args.includes('--json');
  try {
    await program(output, code).parseAsync([...args], { from: 'user' });
    return code.exit;
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, json, output);
    const problems = problemsOf(error);
    output.status('');
    if (!problems) return fault(error, json, output);
    if (json) output.print(refusalDocument(problems));
    else output.complain(refusalText(problems));
    return EXIT.refused;
  }
}

/** Why a command was refused; undefined for a fault of this program. */
function problemsOf(error: unknown): readonly Problem[] | undefined {
  if (error instanceof InvalidConfiguration) return error.problems;
  if (error instanceof ClientError) return [problem(error.name, 0, [], error.message)];
  return isAboutAFile(error) ? [problem(error.path, 0, [], whyNot(error))] : undefined;
}

/** What the operating system says of a file that somebody named, whichever command wanted it. */
interface FileError extends Error {
  readonly code: string;
  readonly path: string;
}

function isAboutAFile(error: unknown): error is FileError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    'syscall' in error &&
    'path' in error &&
    typeof error.path === 'string'
  );
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EACCES: 'may not be read or written by this user',
  EISDIR: 'is a directory, must be a file',
  ELOOP: 'is a symbolic link that leads back to itself',
  EMFILE: 'cannot be opened: too many files are open',
  ENAMETOOLONG: 'has too long a name',
  ENOENT: 'is not there',
  ENOSPC: 'cannot be written: the disk is full',
  ENOTDIR: 'is a file, must be a directory',
  EPERM: 'may not be read or written by this user',
  EROFS: 'cannot be written: the disk is read-only',
};

const whyNot = ({ code, message }: FileError): string => WHY_NOT[code] ?? message;

function fault(error: unknown, json: boolean, output: Output): number {
  const { name, message, stack = message } = error instanceof Error ? error : new Error(String(error));
  if (json) output.print(jsonText({ outcome: 'fault', error: { name, message } }));
  output.complain(
    `packleader ${PACKAGE_VERSION} met a fault of its own; whoever mends it needs this:\n${stack}\n`,
  );
  return EXIT.fault;
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
    .version(PACKAGE_VERSION, '--version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.print(text), writeErr: (text) => output.complain(text) })
    .showHelpAfterError('(packleader --help tells more)');
  addInit(root, output);
  addNew(root, output);
  addPin(root, output);
  addMirror(root, output);
  addRehearse(root, output, code);
  addValidate(root, output, code);
  addAdopt(root, output);
  addConfig(root, output);
  addRelease(root, output, code);
  addStatus(root, output, code);
  addWatch(root, output, code);
  addApprove(root, output, code);
  addRetry(root, output, code);
  addCancel(root, output, code);
  addRollback(root, output, code);
  addRevoke(root, output, code);
  addRestore(root, output, code);
  addSweep(root, output, code);
  addRetire(root, output, code);
  addImport(root, output, code);
  addWhy(root, output, code);
  addHistory(root, output, code);
  addShow(root, output, code);
  addSbom(root, output, code);
  addDiff(root, output, code);
  addLineage(root, output, code);
  addWhere(root, output, code);
  addUpgrade(root, output);
  addPage(root, output, code);
  addDeploy(root, output, code);
  addDoctor(root, output, code);
  addCompletion(root, output);
  return root;
}
