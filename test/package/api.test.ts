/** What the package promises to programs. A change of it is on purpose: `npx vitest run test/package -u`, and a line in CHANGELOG.md. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const { exports: exported } = z
  .object({
    exports: z.record(
      z.string(),
      z.union([z.string(), z.object({ types: z.string(), default: z.string() })]),
    ),
  })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));

/** Of the entry points: what they export from elsewhere, and what their classes inherit. */
const PART = /^(?:export .* from|import \{ (?:HubStack|TargetStack), .* from) '(\.[^']+)\.ts'/gm;

let declarations: string;
beforeAll(() => {
  declarations = mkdtempSync(join(tmpdir(), 'packleader-api-'));
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--emitDeclarationOnly'];
  execFileSync(process.execPath, [...tsc, '--outDir', declarations], { cwd: ROOT });
});
afterAll(() => rmSync(declarations, { recursive: true, force: true }));

/** A declaration file and its parts, as one text. */
function publicTypes(file: string, seen = new Set<string>()): string {
  if (seen.has(file)) return '';
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  const parts = [...text.matchAll(PART)].map(([, part = '']) => join(dirname(file), `${part}.d.ts`));
  const name = relative(declarations, file);
  return [`// ${name}\n${text}`, ...parts.toSorted().map((part) => publicTypes(part, seen))]
    .filter(Boolean)
    .join('\n');
}

describe('the public API', () => {
  it.each(['.', './cdk'])('of the entry point %s is as it was', (name) => {
    const entry = exported[name];
    if (typeof entry !== 'object') throw new Error(`package.json exports no ${name}`);
    const file = join(declarations, relative('dist', entry.types));
    const types = publicTypes(file);
    expect(types).toContain('export');
    expect(types).toMatchSnapshot();
  });

  it('is nothing but the client, the constructs, the schemas and the version', () => {
    expect(Object.keys(exported)).toEqual(['.', './cdk', './schemas/*', './package.json']);
  });
});
