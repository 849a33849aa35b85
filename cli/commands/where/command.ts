import type { Command } from 'commander';
import { type ExitCode, type RecordFlags, addRecordOptions } from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

interface WhereFlags extends RecordFlags {
  readonly as?: string;
  readonly instances: boolean;
}

export function addWhere(root: Command, output: Output, code: ExitCode): void {
  const command = root
    .command('where')
    .description(
      'Show which version of each image every target has, how old it is, and which instances run which.',
    )
    .argument('[image]', 'one image; by default all that were released')
    .option('--as <role>', 'a role of every account to look with, as in OrganizationAccountAccessRole')
    .option('--no-instances', 'look at no instances');
  addRecordOptions(command)
    .addHelpText(
      'after',
      `
Looks with the caller's credentials in their own account and with --as in every other: the targets of the factory, or without one
those of the newest releases. It needs ssm:GetParameters, and ec2:DescribeInstances and ec2:DescribeImages unless --no-instances.
A target that cannot be read is "not seen", with the reason. Builders are no users.

Examples:
  packleader where
  packleader where linux-base --as OrganizationAccountAccessRole
  packleader where --as packleader-auditor --no-instances --json

Exit codes:
  0  everything was seen
  2  refused: no such image, bad input, or the hub refuses to tell
  5  not everything could be seen`,
    )
    .action(async (image: string | undefined, flags: WhereFlags) => {
      const { json = false, ...rest } = flags;
      const { whereCommand } = await import('./run.ts');
      code.exit = await whereCommand(image, { json, ...rest }, output);
    });
}
