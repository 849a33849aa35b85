import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Language, Parser } from 'web-tree-sitter';

/** The files of the parser and of the grammar, by the name that a bundle puts them beside itself under. */
export const GRAMMAR_FILES = {
  'web-tree-sitter.wasm': 'web-tree-sitter/web-tree-sitter.wasm',
  'tree-sitter-hcl.wasm': '@tree-sitter-grammars/tree-sitter-hcl/tree-sitter-hcl.wasm',
} as const;

let loading: Promise<Parser> | undefined;

/** A parser of HCL; the same one for the whole process. */
export async function loadGrammar(): Promise<Parser> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Parser> {
  // Optimising the grammar's huge function takes longer than all the templates of a factory take to parse.
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  await Parser.init({ wasmBinary: await read('web-tree-sitter.wasm') });
  const parser = new Parser();
  parser.setLanguage(await Language.load(await read('tree-sitter-hcl.wasm')));
  return parser;
}

/** In a Lambda function there are no packages: its bundle has the files beside itself. */
async function read(name: keyof typeof GRAMMAR_FILES): Promise<Uint8Array> {
  const beside = new URL(name, import.meta.url);
  if (existsSync(beside)) return readFile(beside);
  return readFile(fileURLToPath(import.meta.resolve(GRAMMAR_FILES[name])));
}
