import type { Command } from 'commander';
import { parseOverrides } from '../../input/arguments.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { configExplain, configShow } from './run.ts';
import type { Output } from '../../terminal/output.ts';
import { collect } from '../../input/options.ts';

interface ConfigFlags {
  readonly stage: string;
  readonly region?: string;
  readonly account?: string;
  readonly factory: string;
  readonly ref?: string;
  readonly override: readonly string[];
  readonly json?: true;
}

export function addConfig(root: Command, output: Output): void {
  const config = root
    .command('config')
    .description('Show what a bake would use, and where each value comes from.');
  const commands = [
    { name: 'show', description: 'Print the effective settings of an image in a stage.', run: configShow },
    {
      name: 'explain',
      description: 'Print every effective setting with its file and line, and what it overrode.',
      run: configExplain,
    },
  ];
  for (const { name, description, run } of commands) {
    config
      .command(name)
      .description(description)
      .argument('<image>', 'the image')
      .requiredOption('--stage <stage>', 'the stage')
      .option('--region <region>', 'the target’s region; by default that of the stage’s first target')
      .option('--account <account>', 'the target’s account; by default that of the stage’s first target')
      .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
      .option('--ref <ref>', 'a commit, branch or tag; by default the files as they lie there')
      .option(
        '--override <path=value>',
        'add an override, as in instanceType=t3.large; may be repeated',
        collect,
        [],
      )
      .option('--json', 'print one JSON document')
      .action((image: string, { factory, ref, override, ...flags }: ConfigFlags) => {
        const files = configurationFiles(checkOutFactory(factory, ref).files);
        const overrides = parseOverrides(override);
        output.print(run({ files, image, ...flags, ...(overrides && { overrides }) }));
      });
  }
}
