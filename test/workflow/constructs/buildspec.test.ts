import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildSpec } from '../../../workflow/constructs/buildspec.ts';

const read = (file: string) => readFileSync(new URL(`../../../buildspecs/${file}`, import.meta.url), 'utf8');

/** What `cdk synth` makes of the programs of a buildspec, by the name of the file. */
const builds = (['fetch-source', 'validate', 'scan', 'bake'] as const).map((name) => {
  const commands = Object.values(buildSpec(name).phases).flatMap((phase) => phase.commands);
  const written = commands.flatMap((command) =>
    [...command.matchAll(/^cat >(\S+) <<'END_OF_FILE'\n([^]*?)\nEND_OF_FILE$/gm)].map(
      ([, file = '', text = '']) => ({ file, text }),
    ),
  );
  return { name, written };
});
const programs = builds.flatMap(({ written }) => written);

/** A program of the repository, and what it imports of its own, and what that imports. */
function withImports(file: string): string[] {
  const own = [...read(file).matchAll(/ from '\.\/([\w-]+\.mjs)'/g)].map(([, name = '']) => name);
  return [...new Set([file, ...own.flatMap(withImports)])];
}

describe('a program in a template', () => {
  it.each(builds)('of $name is there with all that it imports', ({ name, written }) => {
    const files = written.map(({ file }) => file);
    for (const { text } of written)
      for (const [, imported] of text.matchAll(/(?:from|import) ?["']\.\/([^"']+)["']/g))
        expect(files).toContain(imported);
    // A long line goes on after a backslash.
    const all = written.map(({ text }) => text.replaceAll('\\\n', '')).join('\n');
    const sources = [...new Set(files.filter((file) => file !== 'shared.mjs').flatMap(withImports))];
    expect(files).toContain(`${name}.mjs`);
    // Names of functions are shortened, what they say is not.
    const sayings = sources.flatMap((file) =>
      [...read(file).matchAll(/'([\w :.,-]{12,})'/g)].map(([, found = '']) => found),
    );
    const there = sayings.filter((found) => all.includes(found));
    // What a program does not use of a file that it shares is left out.
    expect(sayings.length).toBeGreaterThan(10);
    expect(there.length / sayings.length).toBeGreaterThan(0.6);
  });

  it.each(programs)('$file has lines that a person can compare', ({ text }) => {
    const longest = Math.max(...text.split('\n').map((line) => line.length));
    expect(longest).toBeLessThan(2000);
    expect(text).not.toMatch(/^\s*(\/\/|\/\*\*)/m);
  });

  it.each(programs)('$file is JavaScript that Node takes', ({ text }) => {
    const { status, stderr } = spawnSync('node', ['--input-type=module', '--check'], {
      input: text,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
