import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { type ExitCode, FACTORY_OF_HUB, HUB } from '../../input/options.ts';

interface AnswerFlags {
  readonly reason: string;
  readonly stage?: string;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

const RELEASES = '<image>@<version>; or an image, a version or v1.4, for all that wait and are called so';

/** `approve` and `reject` differ in what they say. */
export function addApprove(root: Command, output: Output, code: ExitCode): void {
  add('approve', 'Approve releases that wait: each goes on with the stage that it waits for.');
  add('reject', 'Reject releases that wait: each is rolled back, with your name and your reason.');

  function add(name: 'approve' | 'reject', description: string): void {
    root
      .command(name)
      .description(description)
      .argument('<release...>', RELEASES)
      .requiredOption('--reason <text>', 'why; kept with the release, at most 500 characters')
      .option('--stage <stage>', 'only what waits for this stage')
      .option(...HUB)
      .option(...FACTORY_OF_HUB)
      .option('--json', 'print one JSON document and nothing else')
      .addHelpText(
        'after',
        `
Starts the state machine packleader-approval in your name: you prove to it who you are by a signature of your AWS credentials, which
must be of the hub's account. Where a stage asks for four eyes, whoever started a release may not approve it, but may reject it.
What waits is told by: packleader status <release>

Examples:
  packleader ${name} linux-base@1.4.20261121093000 --reason 'tested in dev'
  packleader ${name} v1.4 --stage prod --reason CHG-4711

Exit codes:
  0  every release has your answer
  2  refused: bad input, nothing waits, the answer came too late, or you may not; of several, the others have it
  4  unknown: waiting ended before it was answered, which goes on`,
      )
      .action(async (releases: string[], flags: AnswerFlags) => {
        const { json = false, ...rest } = flags;
        const { answerCommand } = await import('./run.ts');
        code.exit = await answerCommand(name, releases, { json, ...rest }, output);
      });
  }
}
