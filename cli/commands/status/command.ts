import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB, RELEASE, positiveNumber } from '../../input/options.ts';

interface StatusFlags {
  readonly limit: number;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addStatus(root: Command, output: Output, code: ExitCode): void {
  root
    .command('status')
    .description(
      'Show a release: its versions, its AMIs, why it failed and what it left. Or list the latest ones.',
    )
    .argument('[release]', RELEASE)
    .option('--limit <number>', 'how many releases to list', positiveNumber, 10)
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  packleader status
  packleader status linux-base@1.4.20261121093000
  packleader status linux-base-20261121T0930-5d41402abc4b2a76 --json

Exit codes:
  0  released; or the list was printed
  1  rolled back: no account holds the release
  2  refused: bad input or configuration, or the hub refuses to tell
  3  rollback incomplete, or stopped: something may be left
  4  it still runs`,
    )
    .action(async (release: string | undefined, flags: StatusFlags) => {
      const { json = false, ...rest } = flags;
      const { statusCommand } = await import('./run.ts');
      code.exit = await statusCommand(release, { json, ...rest }, output);
    });
}
