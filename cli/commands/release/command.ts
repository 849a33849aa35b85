import { type Command, Option } from 'commander';
import type { Output } from '../../terminal/output.ts';
import {
  EXIT_CODES,
  type ExitCode,
  FACTORY_OF_HUB,
  HUB,
  UNKNOWN,
  collect,
  positiveNumber,
} from '../../input/options.ts';

interface ReleaseFlags {
  readonly ref?: string;
  readonly branch?: string;
  readonly override: readonly string[];
  readonly reason?: string;
  readonly key?: string;
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly hub?: string;
  readonly factory?: string;
  readonly json?: true;
}

export function addRelease(root: Command, output: Output, code: ExitCode): void {
  root
    .command('release')
    .description('Release images into every account, on the hub.')
    .argument('[images...]', 'images to release; whatever changed since its last release by default')
    .option('--ref <ref>', 'a commit, branch or tag; the newest commit of the branch by default')
    .option('--branch <branch>', 'the branch it is released from; the factory’s default branch by default')
    .option(
      '--override <path=value>',
      'override a setting, as in instanceType=t3.large; may be repeated',
      collect,
      [],
    )
    .option('--reason <text>', 'why, for whoever looks at the execution')
    .option('--key <key>', 'starting again with the same key and images is the same release')
    .addOption(new Option('--wait', 'watch it until it ends; the default on a terminal'))
    .addOption(new Option('--no-wait', 'only start it; the default elsewhere'))
    .option('--timeout <minutes>', 'watch no longer than this; it goes on', positiveNumber)
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
Ctrl-C ends the watching, never the release. Without --key, the same command within a minute is the same release.

Examples:
  packleader release
  packleader release linux-base linux-web --reason 'CVE-2026-1234'
  packleader release linux-base --branch feature/kernel --override instanceType=m7i.xlarge
  packleader release --ref "$GITHUB_SHA" --key "$GITHUB_RUN_ID" --wait --timeout 240 --json
${EXIT_CODES}${UNKNOWN}`,
    )
    .action(async (images: string[], flags: ReleaseFlags) => {
      const { releaseCommand } = await import('./run.ts');
      const { override: overrides, timeout, json = false, ...rest } = flags;
      const options = { images, overrides, json, ...rest };
      const timed = timeout === undefined ? options : { ...options, timeoutMinutes: timeout };
      code.exit = await releaseCommand(timed, output);
    });
}
