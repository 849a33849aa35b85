import { Argument, type Command } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { SHELLS, type Shell } from './shells.ts';

export function addCompletion(root: Command, output: Output): void {
  root
    .command('completion')
    .description('Print what makes a shell complete commands, options and images.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Where to put it:
  bash  eval "$(npx packleader completion bash)"                                       in ~/.bashrc
  zsh   eval "$(npx packleader completion zsh)"                                        in ~/.zshrc, after compinit
  fish  npx packleader completion fish > ~/.config/fish/completions/packleader.fish

It completes the word packleader; where that is no program of yours: alias packleader='npx packleader'`,
    )
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./run.ts');
      output.print(completionScript(root, shell));
    });
}
