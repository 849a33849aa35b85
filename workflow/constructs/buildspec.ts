import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const END = 'END_OF_FILE';

/** What the buildspecs of this repository are made of. */
const buildSpecSchema = z.strictObject({
  version: z.literal(0.2),
  env: z.strictObject({
    shell: z.literal('bash'),
    'exported-variables': z.array(z.string()),
  }),
  phases: z.record(
    z.enum(['install', 'build']),
    z.strictObject({ commands: z.array(z.string()), finally: z.array(z.string()).optional() }),
  ),
  artifacts: z.strictObject({ 'base-directory': z.string(), files: z.array(z.string()) }).optional(),
});

/**
 * A buildspec as CodeBuild gets it: each `!script <file>` has become a here-document that writes the file into the build's
 * working directory, without its comments. The quoted delimiter keeps the shell from looking into it.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
export function buildSpec(name: 'fetch-source' | 'validate' | 'bake'): z.infer<typeof buildSpecSchema> {
  return buildSpecSchema.parse(
    parse(read(`${name}.yml`), {
      customTags: [
        { tag: '!script', resolve: (file: string) => hereDocument(file, withoutComments(read(file))) },
      ],
    }),
  );
}

function hereDocument(file: string, text: string): string {
  if (!/^[\w.-]+$/.test(file))
    throw new Error(`found !script ${file}, must be the name of a file in buildspecs/`);
  if (text.includes(END)) throw new Error(`${file} holds ${END}, which would end it`);
  return `cat >${file} <<'${END}'\n${text.trimEnd()}\n${END}`;
}

/**
 * Every line but those that hold nothing but a comment: a StackSet takes no template above 51,200 bytes, and a third of the
 * programs explains the other two.
 */
export const withoutComments = (program: string): string =>
  program.replaceAll(/^[ \t]*(\/\*\*(?:(?!\*\/)[\s\S])*\*\/|\/\/.*)\n/gm, '');

function read(file: string): string {
  return readFileSync(new URL(`../../buildspecs/${file}`, import.meta.url), 'utf8');
}
