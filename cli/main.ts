/** The `packleader` command: what it understands, and what its exit codes mean. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import * as z from 'zod';
import { InvalidConfiguration } from '../tasks/configuration/problems.ts';
import { EXIT } from './exit-codes.ts';
import { parseOverrides } from './arguments.ts';
import { configurationFiles, checkOutFactory } from './checkout.ts';
import { configExplain, configShow } from './config.ts';
import { type Output, refusalDocument, refusalText, standardOutput } from './output.ts';

const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version;

const EXIT_CODES = `
Exit codes:
  0  released in every account
  1  rolled back: no account holds the release
  2  refused: bad input or configuration, nothing was done
  3  rollback incomplete: the leftovers are listed`;

/**
 * Runs one command line and returns its exit code. Never throws for what the user wrote: a refusal goes to standard
 * error, or to standard output as the one JSON document when `--json` was given.
 */
export async function main(args: readonly string[], output: Output = standardOutput()): Promise<number> {
  const code = { exit: EXIT.released as number };
  const json = args.includes('--json');
  try {
    await program(output, code).parseAsync([...args], { from: 'user' });
    return code.exit;
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, json, output);
    if (!(error instanceof InvalidConfiguration)) throw error;
    if (json) output.print(refusalDocument(error.problems));
    else output.complain(refusalText(error.problems));
    return EXIT.refused;
  }
}

/** Commander has already written its own message, unless one JSON document was asked for. */
function usage(error: CommanderError, json: boolean, output: Output): number {
  if (error.exitCode === 0) return 0;
  const message = error.message.replace(/^error: /, '');
  if (json) output.print(refusalDocument([{ file: 'command line', line: 0, path: '', message }]));
  return EXIT.refused;
}

function program(output: Output, code: { exit: number }): Command {
  const root = new Command('packleader')
    .description('Bakes one machine image into every AWS account of an organisation, or into none.')
    .version(VERSION, '--version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.print(text), writeErr: (text) => output.complain(text) })
    .showHelpAfterError('(packleader --help tells more)');
  addRehearse(root, output, code);
  addValidate(root, output, code);
  addConfig(root, output);
  return root;
}

interface RehearseFlags {
  readonly factory: string;
  readonly ref?: string;
  readonly branch?: string;
  readonly override: readonly string[];
  readonly fail: readonly string[];
  readonly validate: boolean;
  readonly json?: true;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

function addRehearse(root: Command, output: Output, code: { exit: number }): void {
  root
    .command('rehearse')
    .description('Release images into an embedded AWS, by the state machines that would be deployed.')
    .argument('[images...]', 'images to release; every image of the factory by default')
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .option('--ref <ref>', 'a commit, branch or tag; by default the files as they lie there')
    .option('--branch <branch>', 'release as if from this branch; by default the factory’s default branch')
    .option(
      '--override <path=value>',
      'override a setting, as in instanceType=t3.large; may be repeated',
      collect,
      [],
    )
    .option('--fail <state>', 'make a state fail; may be repeated, see below', collect, [])
    .option('--no-validate', 'do not let Packer, where there is one, look at the templates first')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
--fail takes '<state>[@<account>[/<region>]][=refused|lost|throttled|timeout]':
  refused    AWS refuses what the state wants to do, every time
  lost       what it wants is done, but every reply is lost
  throttled  AWS throttles the first three calls in each target
  timeout    the calls never answer, or the build hangs
  Without a kind a bake fails as Packer does, and any other state is refused.

Examples:
  packleader rehearse
  packleader rehearse linux-base --fail 'Bake prod AMIs'
  packleader rehearse linux-base --fail 'Publish release@222222222222=lost' --json
${EXIT_CODES}`,
    )
    .action(async (images: string[], flags: RehearseFlags) => {
      // Loaded when it is needed: CDK and the sandbox take a second that other commands need not wait for.
      const { rehearseCommand } = await import('./rehearse-command.ts');
      const { override: overrides, json = false, ...rest } = flags;
      code.exit = await rehearseCommand({ images, overrides, json, ...rest }, output);
    });
}

interface ValidateFlags {
  readonly factory: string;
  readonly ref?: string;
  readonly stage?: string;
  readonly strict?: true;
  readonly json?: true;
}

function addValidate(root: Command, output: Output, code: { exit: number }): void {
  root
    .command('validate')
    .description('Check the configuration, the templates and the scripts, without an account.')
    .argument('[images...]', 'images to check; every image of the factory by default')
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .option('--ref <ref>', 'a commit, branch or tag; by default the files as they lie there')
    .option('--stage <stage>', 'what this stage would bake; every stage by default')
    .option('--strict', 'refuse when something cannot be checked, because a tool is missing')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Checks the configuration, and with the tools that are there:
  Packer 1.11+   fmt -check, and validate for every image in every stage with what a bake would be told
  ShellCheck     every shell script
  ansible-core   --syntax-check for every playbook
  ansible-lint   every playbook and role
PowerShell is parsed without any. A tool that is missing is named, and is no problem without --strict.
Tools read their settings (.shellcheckrc, .ansible-lint) from the factory's directory.

What is in order is remembered by content in .cache/validate, or in ~/.cache/packleader/validate where there is no .cache.

Exit codes:
  0  valid
  2  refused: problems were found, or the command line is wrong`,
    )
    .action(async (images: string[], flags: ValidateFlags) => {
      const { validateCommand } = await import('./validate-command.ts');
      const { strict = false, json = false, ...rest } = flags;
      code.exit = (await validateCommand({ images, strict, json, ...rest }, output)) ? 0 : EXIT.refused;
    });
}

interface ConfigFlags {
  readonly stage: string;
  readonly region?: string;
  readonly account?: string;
  readonly factory: string;
  readonly ref?: string;
  readonly override: readonly string[];
  readonly json?: true;
}

function addConfig(root: Command, output: Output): void {
  const config = root
    .command('config')
    .description('Show what a bake would use, and where each value comes from.');
  const commands = [
    { name: 'show', description: 'Print the effective settings of an image in a stage.', run: configShow },
    {
      name: 'explain',
      description: 'Print every effective setting with its file and line, and what it overrode.',
      run: configExplain,
    },
  ];
  for (const { name, description, run } of commands) {
    config
      .command(name)
      .description(description)
      .argument('<image>', 'the image')
      .requiredOption('--stage <stage>', 'the stage')
      .option('--region <region>', 'the target’s region; by default that of the stage’s first target')
      .option('--account <account>', 'the target’s account; by default that of the stage’s first target')
      .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
      .option('--ref <ref>', 'a commit, branch or tag; by default the files as they lie there')
      .option(
        '--override <path=value>',
        'add an override, as in instanceType=t3.large; may be repeated',
        collect,
        [],
      )
      .option('--json', 'print one JSON document')
      .action((image: string, { factory, ref, override, ...flags }: ConfigFlags) => {
        const files = configurationFiles(checkOutFactory(factory, ref).files);
        const overrides = parseOverrides(override);
        output.print(run({ files, image, ...flags, ...(overrides && { overrides }) }));
      });
  }
}
