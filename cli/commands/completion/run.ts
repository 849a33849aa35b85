/** `packleader completion`: one script for each shell, made of the commands that there are. */
import type { Command } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import type { Shell } from './shells.ts';
import { type CommandNode, treeOf } from './tree.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS: Readonly<Record<Shell, (root: CommandNode) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export const completionScript = (root: Command, shell: Shell): string => SCRIPTS[shell](treeOf(root));
