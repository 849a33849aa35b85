import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB } from '../../input/options.ts';
import { REPOINT_EXIT_CODES } from '../rollback/command.ts';

interface RestoreFlags {
  readonly reason?: string;
  readonly dryRun?: true;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addRestore(root: Command, output: Output, code: ExitCode): void {
  root
    .command('restore')
    .description('Let a version stand again that was revoked, in every account or in none.')
    .argument('<release>', '<image>@<version>')
    .option('--reason <text>', 'why; kept with the record')
    .option('--dry-run', 'only say what would be done')
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
AMIs that its revocation disabled are enabled, for whoever could launch them before. latest shows it where it is the newest
version that stands.

Examples:
  packleader restore linux-base@1.4.20261121093000 --reason 'it was another one'
${REPOINT_EXIT_CODES}`,
    )
    .action(async (release: string, flags: RestoreFlags) => {
      const { reason, dryRun, json = false, ...rest } = flags;
      const { repointCommand } = await import('../rollback/run.ts');
      const asked = {
        restore: release,
        ...(reason !== undefined && { reason }),
        ...(dryRun && { dryRun }),
      };
      code.exit = await repointCommand(asked, { json, ...rest }, output);
    });
}
