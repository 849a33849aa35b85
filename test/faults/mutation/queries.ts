/** Says which piece of a function is meant, by what it does: names of its calls, of what it mentions and throws. */
import { type Node, childrenOf, everyNode, isNode } from './syntax-tree.ts';

/** What a piece of code does, and how a person would say so. */
export interface Trait {
  readonly says: string;
  readonly fits: (node: Node) => boolean;
}

export function nodeIn(node: Node, field: string): Node | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

export const nameOf = (node: Node | undefined): unknown =>
  node?.type === 'MemberExpression' ? nodeIn(node, 'property')?.['name'] : node?.['name'];

export const isCallOf = (node: Node, name: string): boolean =>
  (node.type === 'CallExpression' || node.type === 'NewExpression') &&
  nameOf(nodeIn(node, 'callee')) === name;

/** Calls a function or a method of this name, or makes one of this class. */
export const calling = (name: string): Trait => ({
  says: `calls ${name}`,
  fits: (node) => everyNode(node).some((one) => isCallOf(one, name)),
});

/** Reads a variable or a property of this name; that an object has such a key does not count. */
export const mentioning = (name: string): Trait => ({
  says: `mentions ${name}`,
  fits: (node) => readNames(node).includes(name),
});

function readNames(node: Node): unknown[] {
  if (node.type === 'Identifier') return [node['name']];
  const key = node.type === 'Property' && node['computed'] !== true ? node['key'] : undefined;
  return childrenOf(node)
    .filter((child) => child !== key)
    .flatMap(readNames);
}

/** Throws what it mentions or calls by this name. */
export const throwing = (name: string): Trait => ({
  says: `throws ${name}`,
  fits: (node) => everyNode(node).some((one) => one.type === 'ThrowStatement' && mentioning(name).fits(one)),
});

/** Stands with three dots in a list or a call, and mentions the name. */
export const spreading = (name: string): Trait => ({
  says: `spreads ${name}`,
  fits: (node) => node.type === 'SpreadElement' && mentioning(name).fits(node),
});

/** The nodes of some types that have a trait, without those that only hold another such node. */
export function innermost(scope: Node, types: readonly string[], has: (node: Node) => boolean): Node[] {
  const found = everyNode(scope).filter((node) => types.includes(node.type) && has(node));
  return found.filter((node) => !found.some((other) => other !== node && everyNode(node).includes(other)));
}

/** Every function of that name in a file, wherever it is declared. */
export function functionsNamed(program: Node, name: string): Node[] {
  return everyNode(program).filter((node) => {
    if (node.type === 'FunctionDeclaration') return nameOf(nodeIn(node, 'id')) === name;
    const isArrow =
      node.type === 'VariableDeclarator' && nodeIn(node, 'init')?.type === 'ArrowFunctionExpression';
    return isArrow && nameOf(nodeIn(node, 'id')) === name;
  });
}
