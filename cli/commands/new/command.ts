import { type Command, Option } from 'commander';
import { PUBLIC_SOURCES } from '../../scaffold/sources.ts';
import type { Output } from '../../terminal/output.ts';

interface NewImageFlags {
  readonly on?: string;
  readonly from?: string;
  readonly factory: string;
}

export function addNew(root: Command, output: Output): void {
  root
    .command('new')
    .description('Begin something in the factory.')
    .command('image')
    .description('Begin an image: the smallest one that bakes.')
    .argument('<name>', 'its name, as in linux-api')
    .option('--on <image>', 'the image of this factory that it is built on')
    .addOption(
      new Option('--from <system>', 'the public AMI that it starts from').choices(
        Object.keys(PUBLIC_SOURCES),
      ),
    )
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .addHelpText(
      'after',
      `
Writes images/<name>, and the template of its platform where the factory has none. Nothing is overwritten.

Examples:
  packleader new image web --on linux-base
  packleader new image windows-base --from windows-2025

Exit codes:
  0  written
  2  refused: nothing was written`,
    )
    .action(async (name: string, flags: NewImageFlags) => {
      const { newImageCommand } = await import('./run.ts');
      await newImageCommand(name, flags, output);
    });
}
