import type { Command } from 'commander';
import {
  type ExitCode,
  READS_RECORDS,
  RECORDED,
  type RecordFlags,
  addRecordOptions,
} from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

export function addShow(root: Command, output: Output, code: ExitCode): void {
  addRecordOptions(
    root
      .command('show')
      .description(
        'Show all that is kept of a release: commit, AMIs, source AMIs, where its time went, configuration and its origins.',
      )
      .argument('<release>', RECORDED),
  )
    .addHelpText(
      'after',
      `
What the deployment that released it did not know is left out.

Examples:
  packleader show linux-base
  packleader show linux-base@1.4.20261121093000 --json
${READS_RECORDS}`,
    )
    .action(async (release: string, flags: RecordFlags) => {
      const { json = false, ...rest } = flags;
      const { showCommand } = await import('./run.ts');
      code.exit = await showCommand(release, { json, ...rest }, output);
    });
}
