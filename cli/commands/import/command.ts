import type { Command } from 'commander';
import { type ExitCode, collect } from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

interface ImportFlags {
  readonly filter: readonly string[];
  readonly as?: string;
  readonly undo?: true;
  readonly yes?: true;
  readonly factory: string;
  readonly json?: true;
}

export function addImport(root: Command, output: Output, code: ExitCode): void {
  root
    .command('import')
    .description(
      'Tag AMIs that were there before packleader, so that they are retired like versions of an image.',
    )
    .argument('<image>', 'the image of the factory that they become versions of')
    .option(
      '--filter <name=values>',
      'a filter of EC2 DescribeImages, as in name=web-*,www-* or tag:Team=web; all that are given must match',
      collect,
      [],
    )
    .option(
      '--as <role>',
      'a role of every account to look and tag with, as in OrganizationAccountAccessRole',
    )
    .option('--undo', 'take the tags of an import away again')
    .option('--yes', 'do it; without it, it is only shown')
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Looks in every target of the factory at AMIs that belong to its account. A version is 0.0. and when its first AMI was made;
AMIs of one name are one version. All count as used now. It needs ec2:DescribeImages and ec2:DescribeSnapshots, with --yes also
ec2:CreateTags and ec2:DeleteTags.

Examples:
  packleader import web --filter 'name=web-*' --as OrganizationAccountAccessRole
  packleader import web --filter 'name=web-*' --as OrganizationAccountAccessRole --yes
  packleader import web --filter 'name=web-*' --as OrganizationAccountAccessRole --undo --yes

Exit codes:
  0  it was done, or shown
  2  refused, or an account refused: no AMI is tagged, unless it says which are`,
    )
    .action(async (image: string, flags: ImportFlags) => {
      const { json = false, undo = false, yes = false, ...rest } = flags;
      const { importCommand } = await import('./run.ts');
      code.exit = await importCommand(image, { json, undo, yes, ...rest }, output);
    });
}
