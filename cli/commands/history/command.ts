import type { Command } from 'commander';
import {
  type ExitCode,
  READS_RECORDS,
  type RecordFlags,
  addRecordOptions,
  positiveNumber,
} from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

export function addHistory(root: Command, output: Output, code: ExitCode): void {
  const command = root
    .command('history')
    .description('List what was released, newest first: version, commit, branch, where, and built on what.')
    .argument('[image]', 'one image; by default all')
    .option('--limit <number>', 'how many releases to list', positiveNumber, 20);
  addRecordOptions(command)
    .addHelpText(
      'after',
      `
Reads the records in the hub's bucket; a prerelease leaves none.

Examples:
  packleader history
  packleader history linux-base --limit 5 --json
${READS_RECORDS}`,
    )
    .action(async (image: string | undefined, flags: RecordFlags & { readonly limit: number }) => {
      const { json = false, ...rest } = flags;
      const { historyCommand } = await import('./run.ts');
      code.exit = await historyCommand(image, { json, ...rest }, output);
    });
}
