/** What a template of Packer declares. */
import type { FactoryTree } from './factory-tree.ts';

export interface Declaration {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly hasDefault: boolean;
  readonly sensitive: boolean;
}

/** The files that Packer reads for an image, of its template and its own, in Packer's order. */
export const templateFiles = (tree: FactoryTree, image: string): string[] =>
  [...tree.laidOver(image).files]
    .filter(([name]) => /^[^/]+\.pkr\.(hcl|json)$/.test(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, file]) => file);

/**
 * The input variables of an image's template. Whether the template is right is for Packer to say: what cannot be read here
 * declares nothing.
 *  @see https://developer.hashicorp.com/packer/docs/templates/hcl_templates/variables
 */
export const declarations = (tree: FactoryTree, image: string): Declaration[] =>
  templateFiles(tree, image).flatMap((file) =>
    file.endsWith('.json') ? declaredInJson(file, tree.text(file)) : declaredInHcl(file, tree.text(file)),
  );

function declaredInHcl(file: string, text: string): Declaration[] {
  const found: Declaration[] = [];
  let depth = 0;
  let block: 'variable' | 'variables' | undefined;
  const tokens = tokensOf(text);
  for (const [at, { text: token, line }] of tokens.entries()) {
    const next = tokens[at + 1]?.text;
    if (depth === 0 && token === 'variable' && next !== undefined && tokens[at + 2]?.text === '{') {
      block = 'variable';
      found.push({
        name: next.replaceAll('"', ''),
        file,
        line,
        hasDefault: false,
        sensitive: false,
      });
    } else if (depth === 0 && token === 'variables' && next === '{') {
      block = 'variables';
    } else if (depth === 1 && next === '=' && block === 'variables') {
      found.push({ name: token, file, line, hasDefault: true, sensitive: false });
    } else if (depth === 1 && next === '=' && block === 'variable') {
      const last = found.pop();
      if (last === undefined) continue;
      found.push({
        ...last,
        hasDefault: last.hasDefault || token === 'default',
        sensitive: last.sensitive || (token === 'sensitive' && tokens[at + 2]?.text === 'true'),
      });
    }
    if (OPENING.includes(token)) depth += 1;
    if (CLOSING.includes(token)) depth -= 1;
    if (depth === 0 && CLOSING.includes(token)) block = undefined;
  }
  return found;
}

const OPENING = ['{', '[', '('];
const CLOSING = ['}', ']', ')'];

interface Token {
  readonly text: string;
  readonly line: number;
}

/** Words, strings and punctuation; comments and heredocs are left out. */
function tokensOf(text: string): Token[] {
  const pattern =
    /#.*|\/\/.*|\/\*[\s\S]*?\*\/|<<-?([A-Za-z_]\w*)\r?\n[\s\S]*?\n[ \t]*\1\b|"|[\p{L}_][\p{L}\p{N}_-]*|[{}()[\]=]/gu;
  const tokens: Token[] = [];
  let line = 1;
  let counted = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    line += newlines(text.slice(counted, match.index));
    counted = match.index;
    let [token] = match;
    if (token === '"') {
      pattern.lastIndex = endOfString(text, match.index);
      token = text.slice(match.index, pattern.lastIndex);
    }
    if (!/^(#|\/|<)/.test(token)) tokens.push({ text: token, line });
  }
  return tokens;
}

const newlines = (text: string): number => text.split('\n').length - 1;

/** A string may hold `${...}`, which may hold strings. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  let depth = 0;
  while (at < text.length) {
    const here = text[at];
    if (depth === 0 && here === '\\') at += 1;
    else if (text.startsWith('$${', at) || text.startsWith('%%{', at)) at += 2;
    else if (text.startsWith('${', at) || text.startsWith('%{', at)) {
      depth += 1;
      at += 1;
    } else if (depth > 0 && here === '{') depth += 1;
    else if (depth > 0 && here === '}') depth -= 1;
    else if (here === '"') {
      if (depth === 0) return at + 1;
      at = endOfString(text, at) - 1;
    }
    at += 1;
  }
  return at;
}

function declaredInJson(file: string, text: string): Declaration[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  const blocks = [fieldOf(parsed, 'variable')].flat();
  return blocks.flatMap((block) =>
    Object.entries(isObject(block) ? block : {}).map(([name, body]) => ({
      name,
      file,
      line: newlines(text.slice(0, Math.max(0, text.indexOf(JSON.stringify(name))))) + 1,
      hasDefault: isObject(body) && Object.hasOwn(body, 'default'),
      sensitive: fieldOf(body, 'sensitive') === true,
    })),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);
