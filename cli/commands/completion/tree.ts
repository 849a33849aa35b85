/** What there is to complete, read off the commands themselves. */
import type { Argument, Command, Option } from 'commander';

/** What a value may be: words, a directory, an image of the factory, or what nobody can know. */
export type Values = readonly string[] | 'directory' | 'image' | 'anything';

export interface OptionNode {
  /** As in `--factory`. */
  readonly name: string;
  readonly description: string;
  /** Undefined for an option without a value. */
  readonly values: Values | undefined;
  /** The shell must not offer it again. */
  readonly once: boolean;
}

export interface CommandNode {
  /** The words that lead to it, without the program's own name. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly CommandNode[];
  readonly options: readonly OptionNode[];
  /** What its arguments may be; empty when it has none. */
  readonly arguments: readonly Values[];
}

export function treeOf(command: Command, path: readonly string[] = []): CommandNode {
  const help = { name: '--help', description: 'display help for command', values: undefined, once: true };
  return {
    path,
    description: command.description(),
    commands: command.commands.map((inner) => treeOf(inner, [...path, inner.name()])),
    options: [...command.options.filter(({ hidden }) => !hidden).map(optionNode), help],
    arguments: command.registeredArguments.map(argumentValues),
  };
}

/** The tree, and everything below it. */
export const allNodes = (node: CommandNode): CommandNode[] => [node, ...node.commands.flatMap(allNodes)];

function optionNode(option: Option): OptionNode {
  const { long, short, description, argChoices, required } = option;
  const name = long ?? short;
  if (name === undefined || name === null) throw new Error(`the option ${option.flags} has no name`);
  // What may stand without a value is completed as if it had none.
  const values = required ? valuesOf(name, argChoices) : undefined;
  // An option that collects may be said again.
  return { name, description, values, once: !Array.isArray(option.defaultValue) };
}

function valuesOf(name: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return choices;
  if (name === '--factory') return 'directory';
  return name === '--on' ? 'image' : 'anything';
}

function argumentValues(argument: Argument): Values {
  if (argument.argChoices !== undefined) return argument.argChoices;
  return /^images?$/.test(argument.name()) ? 'image' : 'anything';
}
