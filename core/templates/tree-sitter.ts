/** Parsers by tree-sitter grammars, and what they could not make sense of. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Language, type Node, Parser } from 'web-tree-sitter';
import { type Problem, problem, shown } from '../configuration/documents/problems.ts';

let starting: Promise<void> | undefined;

/**
 * Loads the parser of a language.
 *  @param grammar the specifier of its `.wasm`, in the package that ships it
 *  @throws Error ERR_MODULE_NOT_FOUND when that package is not installed
 */
export async function openParser(grammar: string): Promise<Parser> {
  // Optimising a grammar's one huge function takes longer than parsing all that a factory holds.
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  starting ??= Parser.init();
  await starting;
  const parser = new Parser();
  parser.setLanguage(await Language.load(fileURLToPath(placeOf(grammar))));
  return parser;
}

/** A bundle has what its packages ship beside it. */
function placeOf(grammar: string): URL {
  const beside = new URL(basename(grammar), import.meta.url);
  return existsSync(beside) ? beside : new URL(import.meta.resolve(grammar));
}

/** Where one mistake makes the rest unreadable, the first places are enough. */
const TOLD = 3;

/** The first places of a file that are not of the language; `text` is what the file holds. */
export function syntaxProblems(root: Node, language: string, file: string, text: string): Problem[] {
  return misunderstood(root)
    .slice(0, TOLD)
    .map((node) => problem(file, node.startPosition.row + 1, [], sentence(node, language, text)));
}

export const childrenOf = (node: Node | undefined): Node[] =>
  node?.children.filter((child) => child !== null) ?? [];

/** The outermost nodes that are not of the language. */
function misunderstood(node: Node): Node[] {
  if (node.isError || node.isMissing) return [node];
  if (!node.hasError) return [];
  return childrenOf(node).flatMap(misunderstood);
}

function sentence(node: Node, language: string, text: string): string {
  if (node.isMissing) return `found no ${shown(node.type)}, must be ${language}`;
  const [line = ''] = text.slice(node.startIndex, node.endIndex).split('\n');
  return `found ${shown(line.trim())}, must be ${language}: something in or after it is left open or out of place`;
}
