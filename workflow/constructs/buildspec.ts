import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { parse } from 'yaml';
import * as z from 'zod';

const END = 'END_OF_FILE';
/** Of a program's lines: a review of a change set shows which of them changed. */
const LINE = 160;

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
 * A buildspec as CodeBuild gets it: each `!script <file>` has become a here-document that writes that program into the build's
 * working directory. The quoted delimiter keeps the shell from looking into it.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
export function buildSpec(name: 'fetch-source' | 'validate' | 'bake'): z.infer<typeof buildSpecSchema> {
  const text = readFileSync(fileOf(`${name}.yml`), 'utf8');
  return buildSpecSchema.parse(
    parse(text, {
      customTags: [{ tag: '!script', resolve: (file: string) => hereDocument(file, programOf(file)) }],
    }),
  );
}

function hereDocument(file: string, text: string): string {
  if (!/^[\w.-]+$/.test(file))
    throw new Error(`found !script ${file}, must be the name of a file in buildspecs/`);
  if (text.includes(END)) throw new Error(`${file} holds ${END}, which would end it`);
  return `cat >${file} <<'${END}'\n${text.trimEnd()}\n${END}`;
}

const programs = new Map<string, string>();

/**
 * A program with all that it imports, in one file, without comments and white space, because a StackSet takes no template above
 * 51,200 bytes. Its names stay, so that what a template runs can be read and compared.
 */
export function programOf(file: string): string {
  const made = programs.get(file) ?? bundled(file);
  programs.set(file, made);
  return made;
}

function bundled(file: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [fileOf(file)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    charset: 'utf8',
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: LINE,
  });
  return outputFiles.map(({ text }) => text).join('');
}

const fileOf = (name: string): string => fileURLToPath(new URL(`../../buildspecs/${name}`, import.meta.url));
