import type { Command } from 'commander';
import {
  type ExitCode,
  READS_RECORDS,
  RECORDED,
  type RecordFlags,
  addRecordOptions,
} from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

export function addLineage(root: Command, output: Output, code: ExitCode): void {
  addRecordOptions(
    root
      .command('lineage')
      .description(
        'Show what a release is built on, up to the AMI of the publisher, and what is built on it.',
      )
      .argument('<release>', `${RECORDED}; or the id of an AMI, of a release or of a source`),
  )
    .addHelpText(
      'after',
      `
Examples:
  packleader lineage linux-base
  packleader lineage ami-0123456789abcdef0 --json
${READS_RECORDS}`,
    )
    .action(async (asked: string, flags: RecordFlags) => {
      const { json = false, ...rest } = flags;
      const { lineageCommand } = await import('./run.ts');
      code.exit = await lineageCommand(asked, { json, ...rest }, output);
    });
}
