import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const END = 'END_OF_FILE';

/**
 * A buildspec as CodeBuild gets it: each `!script <file>` has become a here-document that writes the file into the build's
 * working directory. The quoted delimiter keeps the shell from looking into it.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
export function buildSpec(name: 'fetch-source' | 'bake'): Record<string, unknown> {
  return parse(read(`${name}.yml`), {
    customTags: [{ tag: '!script', resolve: (file: string) => hereDocument(file, read(file)) }],
  }) as Record<string, unknown>;
}

function hereDocument(file: string, text: string): string {
  if (!/^[\w.-]+$/.test(file))
    throw new Error(`found !script ${file}, must be the name of a file in buildspecs/`);
  if (text.includes(END)) throw new Error(`${file} holds ${END}, which ends it`);
  return `cat >${file} <<'${END}'\n${text.trimEnd()}\n${END}`;
}

function read(file: string): string {
  return readFileSync(new URL(`../buildspecs/${file}`, import.meta.url), 'utf8');
}
