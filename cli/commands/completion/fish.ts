import { type CommandNode, type OptionNode, type Values, allNodes } from './tree.ts';

export function fishScript(root: CommandNode): string {
  return `# What fish completes for packleader.
function __packleader_images
    for directory in packer/images/*/ images/*/
        basename $directory
    end
end

complete -c packleader -f
${allNodes(root).map(commandLines).join('')}`;
}

function commandLines({ path, commands, options, arguments: values }: CommandNode): string {
  const at = condition(path, commands);
  const below = commands.map((one) =>
    complete(at, `-a ${quoted(one.path.at(-1) ?? '')} -d ${quoted(one.description)}`),
  );
  const named = options.map((option) => complete(at, optionWords(option)));
  const [first] = values.filter((one) => one !== 'anything' && one !== 'directory');
  const argument = first === undefined ? [] : [complete(at, `-a ${offered(first)}`)];
  return [...below, ...named, ...argument].join('');
}

const complete = (at: string, what: string): string => `complete -c packleader -n ${quoted(at)} ${what}\n`;

/** Whether the words so far lead to this command, and to none below it. */
function condition(path: readonly string[], commands: readonly CommandNode[]): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const further = commands.map((one) => one.path.at(-1)).join(' ');
  return [...seen, ...(further === '' ? [] : [`not __fish_seen_subcommand_from ${further}`])].join('; and ');
}

function optionWords({ name, description, values }: OptionNode): string {
  const value =
    values === undefined ? '' : values === 'directory' ? ' -x -a "(__fish_complete_directories)"' : ' -x';
  const words =
    values === undefined || (typeof values === 'string' && values !== 'image')
      ? ''
      : ` -a ${offered(values)}`;
  return `-l ${name.slice(2)}${value}${words} -d ${quoted(description)}`;
}

const offered = (values: Values): string =>
  values === 'image' ? "'(__packleader_images)'" : quoted(typeof values === 'string' ? '' : values.join(' '));

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
