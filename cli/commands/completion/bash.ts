import { type CommandNode, type Values, allNodes } from './tree.ts';

/** Bash shows no descriptions: it is told words only. */
export function bashScript(root: CommandNode): string {
  const nodes = allNodes(root);
  const below = nodes.filter(({ path }) => path.length > 0);
  const withValues = nodes.flatMap(({ path, options }) =>
    options.flatMap(({ name, values }) =>
      values === undefined ? [] : [{ key: `${path.join(' ')}:${name}`, values }],
    ),
  );
  return `# What bash completes for packleader.
_packleader_images() {
  local directory
  for directory in packer/images/*/ images/*/; do
    if [[ -d "\${directory}" ]]; then basename "\${directory}"; fi
  done
}

_packleader() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" command='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${command}\${command:+ }\${word}" in
${lines(below.map(({ path }) => `      ${quoted(path.join(' '))}) command=${quoted(path.join(' '))} ;;`))}
    esac
  done
  case "\${command}:\${before}" in
${lines(withValues.map(({ key, values }) => `    ${quoted(key)}) ${reply(values)}; return ;;`))}
  esac
  case "\${command}" in
${lines(nodes.map((node) => `    ${quoted(node.path.join(' '))}) ${wordsOf(node)} ;;`))}
  esac
  COMPREPLY=($(compgen -W "\${words}" -- "\${current}"))
}
complete -F _packleader packleader
`;
}

const lines = (all: readonly string[]): string => all.join('\n');

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function reply(values: Values): string {
  if (values === 'anything') return 'COMPREPLY=()';
  if (values === 'directory') return 'COMPREPLY=($(compgen -d -- "${current}"))';
  const words = values === 'image' ? '"$(_packleader_images)"' : quoted(values.join(' '));
  return `COMPREPLY=($(compgen -W ${words} -- "\${current}"))`;
}

function wordsOf({ commands, options, arguments: values }: CommandNode): string {
  const known = [
    ...commands.map(({ path }) => path.at(-1) ?? ''),
    ...options.map(({ name }) => name),
    ...values.flatMap((one) => (typeof one === 'string' ? [] : one)),
  ];
  const images = values.includes('image') ? `" $(_packleader_images)"` : '';
  return `words=${quoted(known.join(' '))}${images}`;
}
