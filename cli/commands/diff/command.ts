import type { Command } from 'commander';
import {
  type ExitCode,
  READS_RECORDS,
  RECORDED,
  type RecordFlags,
  addRecordOptions,
} from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

export function addDiff(root: Command, output: Output, code: ExitCode): void {
  addRecordOptions(
    root
      .command('diff')
      .description('Compare two releases: commits, configuration with its origins, source AMIs, packages.')
      .argument('<before>', RECORDED)
      .argument('<after>', 'the same, or the other version of the same image alone'),
  )
    .addHelpText(
      'after',
      `
Compares target by target, and says once what is the same in several. What cannot be compared is said, with the reason: the
lists of packages are kept for a year, and an image need not make one.

Examples:
  packleader diff linux-base@1.4.20261101093000 1.4.20261121093000
  packleader diff linux-base@1.4.20261101093000 linux-base
${READS_RECORDS}`,
    )
    .action(async (before: string, after: string, flags: RecordFlags) => {
      const { json = false, ...rest } = flags;
      const { diffCommand } = await import('./run.ts');
      code.exit = await diffCommand(before, after, { json, ...rest }, output);
    });
}
