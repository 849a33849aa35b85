import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB } from '../../input/options.ts';

interface SweepFlags {
  readonly dryRun?: true;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addSweep(root: Command, output: Output, code: ExitCode): void {
  root
    .command('sweep')
    .description('Remove what releases left that were stopped, timed out or could not be rolled back.')
    .argument(
      '[release]',
      '<image>@<version>; by default every release that is not released and does not run',
    )
    .option('--dry-run', 'only say what would be removed')
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Starts the state machine packleader-sweep, which runs by itself every hour and whenever a release ends badly, and waits for
its report. It never touches what has no tag of a release, is released, is in use, or belongs to an execution that runs.

Examples:
  packleader sweep --dry-run
  packleader sweep linux-base@1.4.20261121093000

Exit codes:
  0  nothing is left behind
  2  refused: bad input, or the hub refuses
  3  something is left behind: it is listed, with the reason
  4  unknown: waiting ended before the sweep did, which goes on, or the sweep itself failed`,
    )
    .action(async (release: string | undefined, flags: SweepFlags) => {
      const { json = false, dryRun = false, ...rest } = flags;
      const { sweepCommand } = await import('./run.ts');
      code.exit = await sweepCommand(release, { json, dryRun, ...rest }, output);
    });
}
