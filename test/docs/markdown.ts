/** What the tests of the documentation read of a Markdown page. */
import { globSync, readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);

/** A block of code, fenced or indented. */
export interface Block {
  readonly page: string;
  /** Of its first line of code. */
  readonly line: number;
  readonly text: string;
  /** Whether `npm run docs` writes it. */
  readonly generated: boolean;
}

/** Every Markdown page of the repository, by its path. */
export function pages(): Map<string, string> {
  const paths = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT.pathname }).sort();
  return new Map(paths.map((path) => [path, readFileSync(new URL(path, ROOT), 'utf8')]));
}

export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let fence: string | undefined;
  let open: { line: number; lines: string[] } | undefined;
  let generated = false;
  const close = () => {
    if (open) blocks.push({ page, line: open.line, text: open.lines.join('\n').trimEnd(), generated });
    open = undefined;
  };
  for (const [index, line] of text.split('\n').entries()) {
    const mark = /^\s*(```+)/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark === fence) {
        close();
        fence = undefined;
      } else open?.lines.push(line);
      continue;
    }
    if (mark !== undefined) {
      close();
      fence = mark;
      open = { line: index + 2, lines: [] };
      continue;
    }
    if (/^<!-- (output of|generated): /.test(line)) generated = true;
    if (line === '<!-- end -->') generated = false;
    const before = text.split('\n')[index - 1] ?? '';
    if (/^ {4,}\S/.test(line) && (open !== undefined || before.trim() === ''))
      open ??= { line: index + 1, lines: [] };
    else if (open !== undefined && line.trim() !== '') close();
    open?.lines.push(line);
  }
  close();
  return blocks;
}

/** The page without its blocks of code: what is said in sentences. */
export function proseOf(text: string): string {
  return text.replaceAll(/^\s*```[^]*?^\s*```$/gm, '').replaceAll(/^ {4,}.*$/gm, '');
}

/** What stands between single backticks in the prose. */
export const spansOf = (text: string): string[] =>
  [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);

/** The anchors of a page’s headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^\s*```[^]*?^\s*```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}
