/** Parses every script of PowerShell with its tree-sitter grammar. */
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { Node, Parser } from 'web-tree-sitter';
import { problem, shown, type Problem } from '../../core/configuration/documents/problems.ts';
import { type Check, notChecked, resultOf } from './check.ts';
import type { FactoryTree } from './factory-tree.ts';
import { byImage } from './scopes.ts';

export function powershellChecks(tree: FactoryTree, files: readonly string[]): Check[] {
  const scripts = files.filter((name) => /\.ps[md]?1$/i.test(name));
  return byImage(scripts).map(({ image, names }): Check => {
    const run = async () => {
      const parser = await loadParser();
      if (parser === undefined)
        return notChecked('the grammar is missing: `npm install web-tree-sitter tree-sitter-powershell`');
      return resultOf(names.flatMap((name) => problemsOf(parser, name, tree.text(name))));
    };
    return { check: 'PowerShell', image, stage: null, work: [{ run }] };
  });
}

let loading: Promise<Parser | undefined> | undefined;

/** The packages are optional: a platform that refuses them must not be without everything else. */
async function loadParser(): Promise<Parser | undefined> {
  loading ??= (async () => {
    try {
      const { Language, Parser: TreeSitter } = await import('web-tree-sitter');
      // Optimising the grammar's one huge function takes a second of two processors, and parsing a script takes 2 ms.
      setFlagsFromString('--no-wasm-tier-up');
      setFlagsFromString('--no-wasm-dynamic-tiering');
      await TreeSitter.init();
      const grammar = import.meta.resolve('tree-sitter-powershell/tree-sitter-powershell.wasm');
      const parser = new TreeSitter();
      parser.setLanguage(await Language.load(fileURLToPath(grammar)));
      return parser;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
        return undefined;
      throw error;
    }
  })();
  return loading;
}

/** Where one mistake makes the rest unreadable, the first places are enough. */
const TOLD = 3;

function problemsOf(parser: Parser, name: string, text: string): Problem[] {
  const tree = parser.parse(withoutDigits(text));
  if (tree === null) throw new Error(`the grammar gave up on ${name}`);
  try {
    return misunderstood(tree.rootNode)
      .slice(0, TOLD)
      .map((node) => problem(name, node.startPosition.row + 1, [], sentence(node, text)));
  } finally {
    tree.delete();
  }
}

/** The grammar knows no parameter whose name has a digit, like -Sha256. Every place stays where it is. */
const withoutDigits = (text: string): string =>
  text.replace(/(?<=[\s(,])-[A-Za-z]\w*/g, (parameter) => parameter.replace(/\d/g, 'x'));

/** The outermost nodes that are no PowerShell. */
function misunderstood(node: Node): Node[] {
  if (node.isError || node.isMissing) return [node];
  if (!node.hasError) return [];
  return node.children.flatMap((child) => (child === null ? [] : misunderstood(child)));
}

function sentence(node: Node, text: string): string {
  if (node.isMissing) return `found no ${shown(node.type)}, must be PowerShell`;
  const [line = ''] = text.slice(node.startIndex, node.endIndex).split('\n');
  return `found ${shown(line.trim())}, must be PowerShell: something in or after it is left open or out of place`;
}
