import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';

interface MirrorFlags {
  readonly from?: string;
  readonly to?: string;
}

export function addMirror(root: Command, output: Output): void {
  root
    .command('mirror')
    .description('Put what every bake downloads where bakes find it without the internet.')
    .option('--to <directory>', 'into a directory, laid out as a mirror serves it; default: the hub’s bucket')
    .option('--from <directory>', 'from such a directory, in place of the internet')
    .addHelpText(
      'after',
      `
Fetches what packleader.config pins: Packer, its plugins, and the Session Manager plugin. What is not the file that is pinned, by its
SHA-256, is put nowhere; what is there already stays. In the bucket a file has the name of its SHA-256, below tools/. A mirror has it
under the host and the path where it is published.

Builds look there once packleader.config says so, by "downloads: bucket" or "downloads: https://…", and hub and targets are deployed.
Behind a proxy, set NODE_USE_ENV_PROXY=1 beside HTTPS_PROXY.

Examples:
  packleader mirror
  packleader mirror --to tools                carried to where AWS is reached, and the internet is not:
  packleader mirror --from tools

Exit codes:
  0  all of it is there
  2  refused: something is missing, or is not what is pinned`,
    )
    .action(async (flags: MirrorFlags) => {
      const { mirrorCommand } = await import('./run.ts');
      await mirrorCommand(flags, output);
    });
}
