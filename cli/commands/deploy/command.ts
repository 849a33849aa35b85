import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, collect } from '../../input/options.ts';

interface DeployFlags {
  readonly hub?: true;
  readonly targets?: true;
  readonly account: readonly string[];
  readonly dryRun?: true;
  readonly yes?: true;
  readonly downgrade?: true;
  readonly importExistingResources?: true;
  readonly profile?: string;
  readonly factory: string;
}

export function addDeploy(root: Command, output: Output, code: ExitCode): void {
  root
    .command('deploy')
    .description('Deploy the hub and the target accounts with the AWS CDK, after showing what would change.')
    .option('--hub', 'only the hub')
    .option('--targets', 'only the target accounts')
    .option('--account <id>', 'only this target account; may be repeated', collect, [])
    .option('--dry-run', 'only show what would change')
    .option('--yes', 'do not ask, as where nobody is at the terminal')
    .option('--downgrade', 'deploy although the hub was deployed by a newer packleader')
    .option(
      '--import-existing-resources',
      'take over what a stack that was deleted left under the same names',
    )
    .option('--profile <name>', 'the profile of the AWS credentials')
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .addHelpText(
      'after',
      `
One stack for the hub and one for each target account, in the hub's region. The targets come first, because a newer hub needs what
they allow; deploying again changes nothing.
The credentials must reach each account through the roles that \`cdk bootstrap\` made there.

Examples:
  packleader deploy
  packleader deploy --dry-run
  packleader deploy --hub --yes
  packleader deploy --account 111111111111 --account 222222222222

Exit codes:
  0  deployed, or nothing was to be changed, or --dry-run
  2  refused: bad input or configuration, or nobody agreed; nothing was done
  6  the CDK failed; what it did stands above`,
    )
    .action(async (flags: DeployFlags) => {
      const { deployCommand } = await import('./run.ts');
      code.exit = await deployCommand(flags, output);
    });
}
