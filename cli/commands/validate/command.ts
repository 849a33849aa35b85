import type { Command } from 'commander';
import { EXIT } from '../../terminal/exit-codes.ts';
import type { Output } from '../../terminal/output.ts';
import type { ExitCode } from '../../input/options.ts';

interface ValidateFlags {
  readonly factory: string;
  readonly ref?: string;
  readonly stage?: string;
  readonly strict?: true;
  readonly json?: true;
}

export function addValidate(root: Command, output: Output, code: ExitCode): void {
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
      const { validateCommand } = await import('./run.ts');
      const { strict = false, json = false, ...rest } = flags;
      code.exit = (await validateCommand({ images, strict, json, ...rest }, output)) ? 0 : EXIT.refused;
    });
}
