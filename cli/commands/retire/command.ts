import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB, positiveNumber } from '../../input/options.ts';

interface RetireFlags {
  readonly dryRun?: true;
  readonly undo?: string;
  readonly mostPercent?: number;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addRetire(root: Command, output: Output, code: ExitCode): void {
  root
    .command('retire')
    .description('Move versions that nothing uses on their way out, each in every account or in none.')
    .option('--dry-run', 'only say what would be done, and why everything else stays')
    .option('--undo <release>', 'take back what was done to <image>@<version>, as long as its AMIs are there')
    .option(
      '--most-percent <number>',
      'how many of the AMIs of a target this run may disable, and deregister (default: 10)',
      positiveNumber,
    )
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Starts the state machine packleader-retire, which runs by itself every day where retiring is switched on, and waits for its
report. A version is deprecated, then disabled, then deregistered with its snapshots, with a time of grace between; whoever
looks sees who uses what would go, and what cannot be told counts as used.

Examples:
  packleader retire --dry-run
  packleader retire --undo linux-base@1.4.20261121093000

Exit codes:
  0  every step that was due was taken, or told
  2  refused: bad input, or the hub refuses
  3  nothing was done, or something is left: the reason is told
  4  unknown: waiting ended before the run did, which goes on, or the run itself failed`,
    )
    .action(async (flags: RetireFlags) => {
      const { json = false, dryRun = false, ...rest } = flags;
      const { retireCommand } = await import('./run.ts');
      code.exit = await retireCommand({ json, dryRun, ...rest }, output);
    });
}
