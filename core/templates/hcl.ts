/** Reads HCL with its tree-sitter grammar: blocks, attributes, and what an expression refers to. */
import type { Node, Parser, Tree } from 'web-tree-sitter';
import type { Problem } from '../configuration/documents/problems.ts';
import { childrenOf, openParser, syntaxProblems } from './tree-sitter.ts';

/** `region = var.region` */
export interface Attribute {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** The expression as it is written. */
  readonly text: string;
  /** Every `var.<name>`, `local.<name>` and other reference in it, as far as its first two parts. */
  readonly references: readonly string[];
}

/** `source "amazon-ebs" "web" { … }` */
export interface Block {
  readonly type: string;
  readonly labels: readonly string[];
  readonly file: string;
  readonly line: number;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly blocks: readonly Block[];
}

export interface HclFile {
  readonly blocks: readonly Block[];
  /** Where the text is no HCL; whatever stands there is not among the blocks. */
  readonly problems: readonly Problem[];
}

const GRAMMAR = '@tree-sitter-grammars/tree-sitter-hcl/tree-sitter-hcl.wasm';

let opening: Promise<Parser> | undefined;

/** Loads the grammar, once a process; afterwards files are read at once. */
export async function openHcl(): Promise<(file: string, text: string) => HclFile> {
  opening ??= openParser(GRAMMAR);
  const parser = await opening;
  return (file, text) => read(parser, file, text);
}

function read(parser: Parser, file: string, text: string): HclFile {
  const tree: Tree | null = parser.parse(text);
  if (tree === null) throw new Error(`the grammar of HCL gave up on ${file}`);
  try {
    return {
      blocks: blocksIn(bodyOf(tree.rootNode), file),
      problems: syntaxProblems(tree.rootNode, 'HCL', file, text),
    };
  } finally {
    tree.delete();
  }
}

const named = (node: Node | undefined, ...types: readonly string[]): Node[] =>
  childrenOf(node).filter(({ type }) => types.includes(type));

const bodyOf = (node: Node): Node | undefined => named(node, 'body')[0];

function blocksIn(body: Node | undefined, file: string): Block[] {
  return named(body, 'block').map((node) => {
    const [type, ...labels] = named(node, 'identifier', 'string_lit');
    const inner = bodyOf(node);
    return {
      type: type?.text ?? '',
      labels: labels.map(unquoted),
      file,
      line: node.startPosition.row + 1,
      attributes: new Map(
        named(inner, 'attribute').map((attribute) => {
          const one = attributeOf(attribute, file);
          return [one.name, one];
        }),
      ),
      blocks: blocksIn(inner, file),
    };
  });
}

function attributeOf(node: Node, file: string): Attribute {
  const [name] = named(node, 'identifier');
  const [expression] = named(node, 'expression');
  return {
    name: name?.text ?? '',
    file,
    line: node.startPosition.row + 1,
    text: expression?.text ?? '',
    references: expression ? [...new Set(referencesIn(expression))] : [],
  };
}

const unquoted = (node: Node): string =>
  named(node, 'template_literal')
    .map(({ text }) => text)
    .join('') || (node.type === 'identifier' ? node.text : '');

/** `var.tags["Name"]` refers to `var.tags`: the parts stand beside each other, below one expression. */
function referencesIn(node: Node): string[] {
  const children = childrenOf(node);
  return children.flatMap((child, at) => {
    if (child.type !== 'variable_expr') return referencesIn(child);
    const [next] = children.slice(at + 1);
    const [part] = next?.type === 'get_attr' ? named(next, 'identifier') : [];
    return [part ? `${child.text}.${part.text}` : child.text];
  });
}
