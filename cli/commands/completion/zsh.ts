import { type CommandNode, type OptionNode, type Values, allNodes } from './tree.ts';

/** One function for each command, in the way of zsh's own completions. */
export function zshScript(root: CommandNode): string {
  return `#compdef packleader
# What zsh completes for packleader.
_packleader_images() {
  local -a images
  images=(packer/images/*(N/:t) images/*(N/:t))
  _describe -t images image images
}
${allNodes(root).map(commandFunction).join('')}
compdef ${functionOf(root)} packleader
`;
}

const functionOf = ({ path }: CommandNode): string => ['_packleader', ...path].join('_').replaceAll('-', '_');

function commandFunction(node: CommandNode): string {
  const { commands, options, arguments: values } = node;
  const specs = options.map(optionSpec);
  if (commands.length === 0) {
    const rest = values.map((one) => `'*:${one === 'image' ? 'image' : 'value'}:${action(one)}'`).slice(0, 1);
    return `
${functionOf(node)}() {
  _arguments -S ${continued([...specs, ...rest])}
}
`;
  }
  return `
${functionOf(node)}() {
  local curcontext="\${curcontext}" state
  local -a line commands
  _arguments -C -S ${continued([...specs, "'1:command:->command'", "'*::argument:->argument'"])}
  case "\${state}" in
    command)
      commands=(
${commands.map((one) => `        ${quoted(`${one.path.at(-1)}:${one.description}`)}\n`).join('')}      )
      _describe -t commands command commands
      ;;
    argument)
      case "\${line[1]}" in
${commands.map((one) => `        ${one.path.at(-1)}) ${functionOf(one)} ;;\n`).join('')}      esac
      ;;
  esac
}
`;
}

const continued = (specs: readonly string[]): string => specs.map((spec) => `\\\n    ${spec}`).join(' ');

function optionSpec({ name, description, values, once }: OptionNode): string {
  const about = description.replaceAll(/[[\]\\:]/g, String.raw`\$&`);
  const value = values === undefined ? '' : `:${name.slice(2)}:${action(values)}`;
  return quoted(`${once ? '' : '*'}${name}[${about}]${value}`);
}

function action(values: Values): string {
  if (values === 'anything') return ' ';
  if (values === 'directory') return '_files -/';
  return values === 'image' ? '_packleader_images' : `(${values.join(' ')})`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
