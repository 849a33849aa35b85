import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';

interface UpgradeFlags {
  readonly from?: string;
  readonly lines?: true;
  readonly patch?: true;
  readonly factory: string;
  readonly json?: true;
}

export function addUpgrade(root: Command, output: Output): void {
  root
    .command('upgrade')
    .description(
      'Tell what the installed packleader changes in this repository, and what it needs to be deployed.',
    )
    .option('--lines', 'show the changed lines, yours and packleader’s')
    .option('--patch', 'print packleader’s changes as a patch, for `git apply --3way`')
    .option(
      '--from <version>',
      'the version to upgrade from; by default the oldest that a template was copied from',
    )
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Compares each template that was copied from packleader with what was copied, and with what the installed package has: which files
packleader has changed, which you have, and which both. Then the notes of every version since. Nothing is written.

Examples:
  packleader upgrade --lines
  packleader upgrade --patch | git apply --3way

Exit codes:
  0  told
  2  refused: there is no factory, or the command line is wrong`,
    )
    .action(async ({ lines, patch, json, ...rest }: UpgradeFlags) => {
      const { upgradeCommand } = await import('./run.ts');
      upgradeCommand({ lines: lines === true, patch: patch === true, json: json === true, ...rest }, output);
    });
}
