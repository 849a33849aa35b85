import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { collect } from '../../input/options.ts';

interface AdoptFlags {
  readonly factory: string;
  readonly as?: string;
  readonly only?: string;
  readonly source?: string;
  readonly varFile: string[];
  readonly variable: string[];
  readonly validate: boolean;
  readonly json?: true;
}

export function addAdopt(root: Command, output: Output): void {
  root
    .command('adopt')
    .description('Make an image of a directory of Packer that knows nothing of packleader.')
    .argument('<directory>', 'where its *.pkr.hcl lie; or a template in JSON, which becomes HCL beside it')
    .option('--as <image>', 'the name of the image; by default that of the directory')
    .option('--only <build>', 'which build it is, as Packer names it, where there are several')
    .option(
      '--source <yaml>',
      'its source AMI, as a layer has it, where the template does not say: "image: linux-base"',
    )
    .option('--var-file <file>', 'a file of variables that Packer is given; may be repeated', collect, [])
    .option('--variable <name=value>', 'a variable that nothing else sets; may be repeated', collect, [])
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .option('--no-validate', 'do not let Packer judge the result')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Writes images/<image>/ of the factory, and nothing else; the template stays as it is. What the transaction needs and the template
lacks, and what it must not have, is different in the copy that is baked: this shows how, and so does \`packleader validate\`.

Exit codes:
  0  written
  2  refused: nothing was written, and one sentence says why`,
    )
    .action(async (directory: string, flags: AdoptFlags) => {
      const { adoptCommand } = await import('./run.ts');
      const { json = false, varFile, variable, ...rest } = flags;
      await adoptCommand({ directory, json, varFiles: varFile, variables: variable, ...rest }, output);
    });
}
