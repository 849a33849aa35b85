/** Parses every script of PowerShell with its tree-sitter grammar. */
import type { Parser } from 'web-tree-sitter';
import type { Problem } from '../../core/configuration/documents/problems.ts';
import { openParser, syntaxProblems } from '../../core/templates/tree-sitter.ts';
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

/** The package is optional: a platform that refuses them must not be without everything else. */
async function loadParser(): Promise<Parser | undefined> {
  loading ??= openParser('tree-sitter-powershell/tree-sitter-powershell.wasm').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  });
  return loading;
}

function problemsOf(parser: Parser, name: string, text: string): Problem[] {
  const tree = parser.parse(withoutDigits(text));
  if (tree === null) throw new Error(`the grammar gave up on ${name}`);
  try {
    return syntaxProblems(tree.rootNode, 'PowerShell', name, text);
  } finally {
    tree.delete();
  }
}

/** The grammar knows no parameter whose name has a digit, like -Sha256. Every place stays where it is. */
const withoutDigits = (text: string): string =>
  text.replace(/(?<=[\s(,])-[A-Za-z]\w*/g, (parameter) => parameter.replace(/\d/g, 'x'));
