import { type Command, Option } from 'commander';
import { collect } from '../../input/options.ts';
import { CI_KINDS, type CiKind } from '../../scaffold/continuous-integration.ts';
import type { Output } from '../../terminal/output.ts';

interface InitFlags {
  readonly yes?: true;
  readonly repository?: string;
  readonly hub?: string;
  readonly stage: readonly string[];
  readonly ci?: CiKind;
}

export function addInit(root: Command, output: Output): void {
  root
    .command('init')
    .description('Begin a factory in this directory, with a first image.')
    .option('--yes', 'ask nothing')
    .option('--repository <url>', 'where this repository lives; by default where git’s origin is')
    .option('--hub <account/region>', 'what holds the state machines, as in 999999999999/eu-west-1')
    .option(
      '--stage <name=account/region,…>',
      'a stage and its targets, in the order of a release; may be repeated',
      collect,
      [],
    )
    .addOption(
      new Option('--ci <kind>', 'a workflow that checks and releases; by default what the host has').choices(
        CI_KINDS,
      ),
    )
    .addHelpText(
      'after',
      `
Asks for what it is not told, on a terminal. Writes packer/factory.yaml, the layers, the image linux-base on Amazon Linux 2023 with
its template, packleader.config, a workflow, and what package.json and .gitignore lack. What is there already is never
overwritten: in a repository that has a factory it writes what stands around one.

Example:
  packleader init --repository https://github.com/example/images --hub 999999999999/eu-west-1 \\
    --stage dev=111111111111/eu-west-1 --stage prod=222222222222/eu-west-1,333333333333/eu-west-1

Exit codes:
  0  written
  2  refused: nothing was written`,
    )
    .action(async ({ yes, stage: stages, ...flags }: InitFlags) => {
      const { initCommand } = await import('./run.ts');
      await initCommand({ yes: yes === true, stages, ...flags }, output);
    });
}
