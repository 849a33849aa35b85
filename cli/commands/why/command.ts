import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB } from '../../input/options.ts';

interface WhyFlags {
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addWhy(root: Command, output: Output, code: ExitCode): void {
  root
    .command('why')
    .description('Say why an AMI is kept, who uses it, and what will become of it when.')
    .argument('<ami>', 'the id of an AMI, or <image>@<version>')
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Starts packleader-retire as a dry run, which does nothing, and tells what it says of the version of that AMI.

Example:
  packleader why ami-0123456789abcdef0

Exit codes:
  0  it was told
  2  refused: no such AMI of the factory, bad input, or the hub refuses
  4  unknown: waiting ended before the run did, or the run itself failed`,
    )
    .action(async (ami: string, flags: WhyFlags) => {
      const { json = false, ...rest } = flags;
      const { whyCommand } = await import('./run.ts');
      code.exit = await whyCommand(ami, { json, ...rest }, output);
    });
}
