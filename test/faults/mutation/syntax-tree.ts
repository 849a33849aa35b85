/** TypeScript as a tree, by the parser of the Prettier that formats this repository: a site is found by what the code does. */
import { parsers } from 'prettier/plugins/typescript';

/** A node of the tree, as ESTree and typescript-estree name them.
 *  @see https://typescript-eslint.io/packages/typescript-estree */
export interface Node {
  readonly type: string;
  /** Where it begins and ends in the text. */
  readonly range: readonly [number, number];
  readonly [field: string]: unknown;
}

/** @throws Error for text that is no TypeScript */
export async function parse(text: string): Promise<Node> {
  const { typescript } = parsers;
  // Its options are all of Prettier's, of which parsing reads only the path.
  const tree: unknown = await Reflect.apply(typescript.parse, typescript, [text, { filepath: 'module.ts' }]);
  if (!isNode(tree)) throw new Error('The parser returned no tree.');
  return tree;
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'range' in value;

/** Beside the code itself, a tree holds these of a whole file. */
const ASIDE = ['comments', 'tokens'];

export function childrenOf(node: Node): Node[] {
  return Object.entries(node)
    .filter(([field]) => !ASIDE.includes(field))
    .flatMap(([, value]) => (Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []));
}

/** The node and everything below it, in the order in which they are written. */
export function everyNode(node: Node): Node[] {
  return [node, ...childrenOf(node).flatMap(everyNode)];
}

/** Where a node is in the text, and how it is written, says nothing of what it does. */
const FORM = ['range', 'loc', 'start', 'end', 'raw', '__contentEnd', ...ASIDE];

/** A tree as text that is the same however the code is formatted. */
export const structureOf = (node: Node): string =>
  JSON.stringify(node, (field, value: unknown) => (FORM.includes(field) ? undefined : value));
