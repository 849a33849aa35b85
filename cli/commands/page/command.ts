import { type Command, Option } from 'commander';
import { type ExitCode, type RecordFlags, addRecordOptions, positiveNumber } from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

interface PageFlags extends RecordFlags {
  readonly out?: string;
  readonly serve?: number | true;
  readonly as?: string;
  readonly instances: boolean;
  readonly limit: number;
  readonly timelines: number;
}

export function addPage(root: Command, output: Output, code: ExitCode): void {
  const command = root
    .command('page')
    .description('Write one HTML file that shows every release, what is where, lineage, durations and cost.')
    .option('--out <file>', 'where to write it; by default packleader.html')
    .addOption(
      new Option('--serve [port]', 'show it at http://127.0.0.1:<port> until Ctrl-C; by default 8080')
        .argParser(positiveNumber)
        .conflicts('out'),
    )
    .option('--as <role>', 'a role of every account to look with, as in OrganizationAccountAccessRole')
    .option('--no-instances', 'look at no instances')
    .option('--limit <number>', 'how many releases at most, the newest', positiveNumber, 1_000)
    .option(
      '--timelines <number>',
      'of how many executions, the newest, the histories are read',
      positiveNumber,
      25,
    );
  addRecordOptions(command)
    .addHelpText(
      'after',
      `
The file needs nothing else: no server, no network. It only reads, as "where" and "history" do; for what failed and where the
time went it needs states:ListExecutions and states:GetExecutionHistory too. With --serve it looks again when the page is
loaded, at most once a minute.

Examples:
  packleader page
  packleader page --out public/index.html --as packleader-auditor
  packleader page --serve

Exit codes:
  0  it was written, or shown until Ctrl-C
  2  refused: bad input, the file cannot be written, or the hub refuses to tell
  5  it was written, and says which targets could not be seen`,
    )
    .action(async (flags: PageFlags) => {
      const { json = false, ...rest } = flags;
      const { pageCommand } = await import('./run.ts');
      code.exit = await pageCommand({ json, ...rest }, output);
    });
}
