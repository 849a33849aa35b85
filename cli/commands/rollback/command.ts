import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB } from '../../input/options.ts';

interface RollbackFlags {
  readonly to?: string;
  readonly reason?: string;
  readonly dryRun?: true;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

/** Follows the examples of the commands that start packleader-repoint. */
export const REPOINT_EXIT_CODES = `
Exit codes:
  0  done in every account, or, with --dry-run, it was said what would be done
  1  put back: it failed, and every account shows what it showed before
  2  refused: no account was changed
  3  incomplete: it says what is not as it was, or that the record is missing
  4  unknown: waiting ended before the workflow did, which goes on`;

export function addRollback(root: Command, output: Output, code: ExitCode): void {
  root
    .command('rollback')
    .description('Let latest of an image show an older version in every account, or in none.')
    .argument('<image>', 'an image')
    .option('--to <version>', 'how far back; by default to the newest version before that every account has')
    .option('--reason <text>', 'why; kept with the record, and told in the events')
    .option('--dry-run', 'only say what would be done')
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Starts the state machine packleader-repoint. Every version above the one that is gone back to is revoked, so that nothing
converges there again; packleader restore takes that back. Without --to each run goes back one version further. A release
that runs meanwhile goes on, and its version becomes latest: packleader cancel stops it.

Examples:
  packleader rollback linux-base --dry-run
  packleader rollback linux-base --reason 'does not boot'
  packleader rollback linux-base --to 1.4.20261121093000
${REPOINT_EXIT_CODES}`,
    )
    .action(async (image: string, flags: RollbackFlags) => {
      const { to, reason, dryRun, json = false, ...rest } = flags;
      const { repointCommand } = await import('./run.ts');
      const asked = {
        rollback: image,
        ...(to !== undefined && { to }),
        ...(reason !== undefined && { reason }),
        ...(dryRun && { dryRun }),
      };
      code.exit = await repointCommand(asked, { json, ...rest }, output);
    });
}
