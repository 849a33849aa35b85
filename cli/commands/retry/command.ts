import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import {
  EXIT_CODES,
  type ExitCode,
  FACTORY_OF_HUB,
  HUB,
  UNKNOWN,
  positiveNumber,
} from '../../input/options.ts';

interface RetryFlags {
  readonly timeout?: number;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addRetry(root: Command, output: Output, code: ExitCode): void {
  root
    .command('retry')
    .description('Release an image once more that came to nothing: the same version, commit and settings.')
    .argument('<release>', '<image>@<version>')
    .option('--timeout <minutes>', 'watch no longer than this; the release goes on', positiveNumber)
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document at the end and nothing else')
    .addHelpText(
      'after',
      `
Bakes again in every target, once nothing of the last attempt is left or at work, eleven minutes after its end. A release that runs,
is released, or is older than 14 days is refused. Ctrl-C ends the watching, never the release.

Example:
  packleader retry linux-base@1.4.20261121093000
${EXIT_CODES}${UNKNOWN}`,
    )
    .action(async (release: string, flags: RetryFlags) => {
      const { timeout, json = false, ...rest } = flags;
      const { retryCommand } = await import('./run.ts');
      const timed = timeout === undefined ? {} : { timeoutMinutes: timeout };
      code.exit = await retryCommand(release, { json, ...rest, ...timed }, output);
    });
}
