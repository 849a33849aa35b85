/** Reads HCL with its tree-sitter grammar: blocks, attributes, and what an expression refers to. */
import type { Node, Parser, Tree } from 'web-tree-sitter';
import type { Problem } from '../configuration/documents/problems.ts';
import { childrenOf, openParser, syntaxProblems } from './tree-sitter.ts';

/** Offsets in the text of a file. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** `region = var.region` */
export interface Attribute {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** The expression as it is written. */
  readonly text: string;
  /** Every `var.<name>`, `local.<name>` and other reference in it: its first two parts, and its first three. */
  readonly references: readonly string[];
  /** All of it, and its expression; undefined in JSON. */
  readonly span?: Span;
  readonly value?: Span;
}

/** `source "amazon-ebs" "web" { … }` */
export interface Block {
  readonly type: string;
  readonly labels: readonly string[];
  readonly file: string;
  readonly line: number;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly blocks: readonly Block[];
  /** All of it, and what is between its braces; undefined in JSON. */
  readonly span?: Span;
  readonly inside?: Span;
}

export interface HclFile {
  readonly blocks: readonly Block[];
  /** Those outside of any block, as a file of variables has them. */
  readonly attributes: ReadonlyMap<string, Attribute>;
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
      attributes: attributesIn(bodyOf(tree.rootNode), file),
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
      attributes: attributesIn(inner, file),
      blocks: blocksIn(inner, file),
      span: spanOf(node),
      ...insideOf(node),
    };
  });
}

const spanOf = ({ startIndex, endIndex }: Node): Span => ({ start: startIndex, end: endIndex });

function insideOf(block: Node): Pick<Block, 'inside'> {
  const [opened] = named(block, 'block_start');
  const [closed] = named(block, 'block_end');
  return opened && closed ? { inside: { start: opened.endIndex, end: closed.startIndex } } : {};
}

const attributesIn = (body: Node | undefined, file: string): Map<string, Attribute> =>
  new Map(
    named(body, 'attribute').map((node) => {
      const one = attributeOf(node, file);
      return [one.name, one];
    }),
  );

function attributeOf(node: Node, file: string): Attribute {
  const [name] = named(node, 'identifier');
  const [expression] = named(node, 'expression');
  return {
    name: name?.text ?? '',
    file,
    line: node.startPosition.row + 1,
    text: expression?.text ?? '',
    references: expression ? [...new Set(referencesIn(expression))] : [],
    span: spanOf(node),
    ...(expression && { value: spanOf(expression) }),
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
    const parts = children.slice(at + 1, at + 3).map(partOf);
    const second = parts[0] === undefined ? child.text : `${child.text}.${parts[0]}`;
    return parts[0] === undefined || parts[1] === undefined ? [second] : [second, `${second}.${parts[1]}`];
  });
}

const partOf = (node: Node): string | undefined =>
  node.type === 'get_attr' ? named(node, 'identifier')[0]?.text : undefined;

/** What an expression is when nothing has to be run for it: literals, lists and maps of them, and what `known` knows. */
export type Literal =
  string | number | boolean | null | readonly Literal[] | { readonly [key: string]: Literal };

/** What a reference is, `var.name` or `local.name`; undefined when that is not known before Packer runs. */
export type Known = (reference: string) => Literal | undefined;

/** Reads expressions that state a value; undefined for one that computes it. */
export async function openLiterals(): Promise<(text: string, known: Known) => Literal | undefined> {
  opening ??= openParser(GRAMMAR);
  const parser = await opening;
  return (text, known) => {
    const tree = parser.parse(`it = ${text}\n`);
    if (tree === null) return undefined;
    try {
      const [attribute] = named(bodyOf(tree.rootNode), 'attribute');
      const [expression] = named(attribute, 'expression');
      return expression && !tree.rootNode.hasError ? literalOf(expression, known) : undefined;
    } finally {
      tree.delete();
    }
  };
}

function literalOf(node: Node, known: Known): Literal | undefined {
  const [child, ...parts] = childrenOf(node);
  switch (node.type) {
    case 'numeric_lit':
      return Number(node.text);
    case 'bool_lit':
      return node.text === 'true';
    case 'null_lit':
      return null;
    case 'string_lit':
    case 'quoted_template':
      return joined(childrenOf(node), known);
    case 'tuple':
      return every(named(node, 'expression').map((one) => literalOf(one, known)));
    case 'object':
      return objectOf(named(node, 'object_elem'), known);
    case 'expression':
      if (child?.type === 'variable_expr')
        return known([child.text, ...parts.map((part) => partOf(part) ?? part.text)].join('.'));
      return child && parts.length === 0 ? literalOf(child, known) : undefined;
    case 'literal_value':
    case 'collection_value':
    case 'template_expr':
      return child && parts.length === 0 ? literalOf(child, known) : undefined;
    default:
      return undefined;
  }
}

function joined(parts: readonly Node[], known: Known): string | undefined {
  const texts = parts.map((part): Literal | undefined => {
    if (/^quoted_template_(start|end)$/.test(part.type)) return '';
    if (part.type === 'template_literal') return part.text.replaceAll(/\\(["\\])/g, '$1');
    const [inner] = named(part, 'expression');
    return inner && literalOf(inner, known);
  });
  const plain = texts.filter((one) => one !== undefined && one !== null && typeof one !== 'object');
  return plain.length === texts.length ? plain.map(String).join('') : undefined;
}

function every(values: readonly (Literal | undefined)[]): Literal[] | undefined {
  const known = values.filter((one) => one !== undefined);
  return known.length === values.length ? known : undefined;
}

function objectOf(elements: readonly Node[], known: Known): Literal | undefined {
  const entries = elements.flatMap((element) => {
    const [key, value] = named(element, 'expression');
    if (!key || !value) return [];
    const [bare] = childrenOf(key);
    const name = bare?.type === 'variable_expr' ? bare.text : literalOf(key, known);
    const stated = literalOf(value, known);
    return typeof name === 'string' && stated !== undefined ? [[name, stated] as const] : [];
  });
  return entries.length === elements.length ? Object.fromEntries(entries) : undefined;
}
