import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB, RELEASE } from '../../input/options.ts';

interface CancelFlags {
  readonly reason?: string;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addCancel(root: Command, output: Output, code: ExitCode): void {
  root
    .command('cancel')
    .description('Stop a release, and wait until no account holds anything of it.')
    .argument('<release>', RELEASE)
    .option('--reason <text>', 'why; shown with the execution')
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
The name or ARN of packleader-release stops all of its images; <image>@<version> stops that image, and the others go on.
An image that is released already stays released. Ctrl-C ends the waiting: the release stays stopped and is swept.

Examples:
  packleader cancel linux-base@1.4.20261121093000 --reason 'wrong branch'
  packleader cancel linux-base-20261121T0930-5d41402abc4b2a76

Exit codes:
  0  it was too late: released in every account
  1  rolled back: no account holds anything of what was stopped
  2  refused: bad input, or the hub refuses
  3  rollback incomplete: the leftovers are listed
  4  unknown: waiting ended before the sweep did, which goes on`,
    )
    .action(async (release: string, flags: CancelFlags) => {
      const { json = false, ...rest } = flags;
      const { cancelCommand } = await import('./run.ts');
      code.exit = await cancelCommand(release, { json, ...rest }, output);
    });
}
