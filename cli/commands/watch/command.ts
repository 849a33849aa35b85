import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import {
  EXIT_CODES,
  type ExitCode,
  FACTORY_OF_HUB,
  HUB,
  RELEASE,
  UNKNOWN,
  positiveNumber,
} from '../../input/options.ts';

interface WatchFlags {
  readonly timeout?: number;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addWatch(root: Command, output: Output, code: ExitCode): void {
  root
    .command('watch')
    .description('Watch a release until it ends, image by image.')
    .argument('<release>', RELEASE)
    .option('--timeout <minutes>', 'watch no longer than this; the release goes on', positiveNumber)
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document at the end and nothing else')
    .addHelpText(
      'after',
      `
Ctrl-C ends the watching, never the release. A release that has ended is told from its history.

Examples:
  packleader watch linux-base@1.4.20261121093000
  packleader watch linux-base-20261121T0930-5d41402abc4b2a76
  packleader watch arn:aws:states:eu-west-1:999999999999:execution:packleader-release:4711 --timeout 30
${EXIT_CODES}${UNKNOWN}`,
    )
    .action(async (release: string, flags: WatchFlags) => {
      const { timeout, json = false, ...rest } = flags;
      const { watchCommand } = await import('./run.ts');
      const options = { json, ...rest };
      const timed = timeout === undefined ? options : { ...options, timeoutMinutes: timeout };
      code.exit = await watchCommand(release, timed, output);
    });
}
