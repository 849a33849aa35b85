import type { Command } from 'commander';
import type { Output } from '../../terminal/output.ts';

interface PinFlags {
  readonly packer?: string;
  readonly sessionManagerPlugin?: string;
  readonly plugins?: true;
}

export function addPin(root: Command, output: Output): void {
  root
    .command('pin')
    .description(
      'Write the Packer, the Session Manager plugin and Packer’s plugins that every bake runs into packleader.config.',
    )
    .option('--packer <version>', 'a version of Packer, as in 1.11.2')
    .option('--session-manager-plugin <version>', 'a version of the plugin, as in 1.2.707.0')
    .option('--plugins', 'Packer’s plugins, those that the templates require, by their SHA-256')
    .addHelpText(
      'after',
      `
Fetches what a bake will fetch, for linux_arm64, and pins its SHA-256. Packer's must be the one that HashiCorp publishes; AWS publishes
none, so the plugin's is what was fetched today. Without an option the newest of both.

With --plugins bakes install exactly these plugins of Packer's, and ask nobody for others; without, packer init fetches what the
templates ask for.

With <version>=<sha256>, as in --packer 1.11.2=0f2d…, nothing is fetched and what you say is written.
Behind a proxy, set NODE_USE_ENV_PROXY=1 beside HTTPS_PROXY.

Examples:
  packleader pin
  packleader pin --packer 1.11.2
  packleader pin --plugins

Exit codes:
  0  written, or pinned already
  2  refused: nothing was written`,
    )
    .action(async (flags: PinFlags) => {
      const { pinCommand } = await import('./run.ts');
      await pinCommand(flags, output);
    });
}
