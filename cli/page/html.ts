/** Makes the page: one file that needs nothing else, neither a server nor the network. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PageData } from './page-shape.ts';

const part = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

export function pageHtml(data: PageData): string {
  const style = part('page.css');
  const script = part('page.mjs');
  // What is in the page may come from anywhere, and must never end the element that it is in.
  const json = JSON.stringify(data)
    .replaceAll('<', String.raw`\u003c`)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
  const policy = `default-src 'none'; style-src ${digest(style)}; script-src ${digest(script)}; img-src data:; base-uri 'none'; form-action 'none'`;
  const parts: Readonly<Record<string, string>> = {
    policy: `<meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    style: `<style>${style}</style>`,
    data: `<script type="application/json" id="data">${json}</script>`,
    script: `<script type="module">${script}</script>`,
  };
  return part('page.html').replaceAll(/<!-- (\w+) -->/g, (comment, name: string) => parts[name] ?? comment);
}

/** The browser runs and applies just these two texts, whatever else may get into the page. */
const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
