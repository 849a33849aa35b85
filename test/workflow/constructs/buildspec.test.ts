import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildSpec, programOf } from '../../../workflow/constructs/buildspec.ts';

const read = (file: string) => readFileSync(new URL(`../../../buildspecs/${file}`, import.meta.url), 'utf8');

const programs = (['fetch-source', 'validate', 'bake'] as const).flatMap((name) =>
  Object.values(buildSpec(name).phases).flatMap(({ commands }) =>
    commands.flatMap((command) => {
      const [, file, text] = /^cat >(\S+) <<'END_OF_FILE'\n([^]*)\nEND_OF_FILE$/.exec(command) ?? [];
      return file === undefined || text === undefined ? [] : [{ name, file, text }];
    }),
  ),
);

/** What a program imports of its own, and what those import. */
function imported(file: string): string[] {
  const own = [...read(file).matchAll(/ from '\.\/([\w-]+\.mjs)'/g)].map(([, name = '']) => name);
  return [...new Set(own.flatMap((name) => [name, ...imported(name)]))];
}

describe('a program in a template', () => {
  it.each(programs)('is $file of $name, in one file with all that it imports', ({ file, text }) => {
    expect(`${text}\n`).toBe(programOf(file));
    expect(text).not.toMatch(/from ?["']\.\//);
    const functions = [file, ...imported(file)].flatMap((name) =>
      [...read(name).matchAll(/^(?:export )?(?:async )?function (\w+)/gm)].map(([, found = '']) => found),
    );
    const called = functions.filter((name) => new RegExp(`\\bfunction ${name}\\d*\\(`).test(text));
    // What a program does not use of a file that it shares is left out.
    expect(called.length / functions.length).toBeGreaterThan(0.7);
  });

  it.each(programs)('$file has lines that a person can compare', ({ text }) => {
    const longest = Math.max(...text.split('\n').map((line) => line.length));
    expect(longest).toBeLessThan(400);
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
