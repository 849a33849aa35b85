import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import type { ExitCode } from '../../input/options.ts';

interface DoctorFlags {
  readonly factory: string;
  readonly as?: string;
  readonly json?: true;
}

export function addDoctor(root: Command, output: Output, code: ExitCode): void {
  root
    .command('doctor')
    .description('Check the hub and every target account: what a release needs, and whether there is room.')
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .option('--as <role>', 'a role of every account to look with, as in OrganizationAccountAccessRole')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Checks, with the caller's credentials in their own account and with --as in every other:
  hub       its state machines, bucket, event bus and the project that fetches the source
  account   the three roles and whom they trust, the project that bakes and the programs it pins, how many builds may run
            at once, the instance profiles of builders
  target    room for AMIs and snapshots, the KMS keys, the network that bakes run in and its way out, secrets, source AMIs,
            whether the steward may write parameters
What cannot be seen is "not checked", with the permission that is missing; it is never ok. Nothing is left behind.

Examples:
  packleader doctor
  packleader doctor --as OrganizationAccountAccessRole
  packleader doctor --as packleader-auditor --json

Exit codes:
  0  every check was made and is ok
  2  refused: bad input or configuration, or no credentials
  5  a check failed, or could not be made`,
    )
    .action(async (flags: DoctorFlags) => {
      const { doctorCommand } = await import('./run.ts');
      const { json = false, ...rest } = flags;
      code.exit = await doctorCommand({ json, ...rest }, output);
    });
}
