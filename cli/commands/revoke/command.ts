import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB } from '../../input/options.ts';
import { REPOINT_EXIT_CODES } from '../rollback/command.ts';

interface RevokeFlags {
  readonly reason: string;
  readonly children?: true;
  readonly disable?: true;
  readonly dryRun?: true;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addRevoke(root: Command, output: Output, code: ExitCode): void {
  root
    .command('revoke')
    .description('Let a version be no source and never latest any more, in every account or in none.')
    .argument('<release>', '<image>@<version>')
    .requiredOption('--reason <text>', 'why; whoever meets the version reads it')
    .option('--children', 'also what is built on it, and on that')
    .option('--disable', 'also let nothing be launched from its AMIs any more')
    .option('--dry-run', 'only say what would be done')
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Where latest shows it, that goes to the newest version that stands in every account; where none does, latest is deleted.
What is built on it and stays is named: a release of {}, whatever changed, bakes that again. Instances that run are left
alone. --disable remembers who could launch the AMIs; packleader restore lets them again.

Examples:
  packleader revoke linux-base@1.4.20261121093000 --reason 'CVE-2026-12345' --children --dry-run
  packleader revoke linux-base@1.4.20261121093000 --reason 'holds a key' --disable
${REPOINT_EXIT_CODES}`,
    )
    .action(async (release: string, flags: RevokeFlags) => {
      const { reason, children, disable, dryRun, json = false, ...rest } = flags;
      const { repointCommand } = await import('../rollback/run.ts');
      const asked = {
        revoke: release,
        reason,
        ...(children && { children }),
        ...(disable && { disable }),
        ...(dryRun && { dryRun }),
      };
      code.exit = await repointCommand(asked, { json, ...rest }, output);
    });
}
