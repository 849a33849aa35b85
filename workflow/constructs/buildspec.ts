import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { parse } from 'yaml';
import * as z from 'zod';

const END = 'END_OF_FILE';
/** Of a program's lines: a review of a change set shows which of them changed. */
const LINE = 180;

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
 * A buildspec as CodeBuild gets it: each `!script <files>` has become here-documents that write those programs into the build's
 * working directory. The quoted delimiter keeps the shell from looking into them.
 *  @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
export function buildSpec(name: 'fetch-source' | 'validate' | 'bake'): z.infer<typeof buildSpecSchema> {
  const text = readFileSync(fileOf(`${name}.yml`), 'utf8');
  return buildSpecSchema.parse(
    parse(text, {
      customTags: [
        {
          tag: '!script',
          resolve: (files: string) =>
            [...programsOf(files.split(' '))]
              .map(([file, program]) => hereDocument(file, program))
              .join('\n'),
        },
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

const made = new Map<string, ReadonlyMap<string, string>>();

/**
 * Programs with all that they import, by the name of the file: what several of them import is in one of its own. Without
 * comments and white space, because a StackSet takes no template above 51,200 bytes. Names stay, so that what a template runs
 * can be read and compared.
 */
export function programsOf(files: readonly string[]): ReadonlyMap<string, string> {
  const key = files.join(' ');
  const known = made.get(key) ?? bundled(files);
  made.set(key, known);
  return known;
}

function bundled(files: readonly string[]): ReadonlyMap<string, string> {
  const { outputFiles } = buildSync({
    entryPoints: files.map(fileOf),
    bundle: true,
    splitting: files.length > 1,
    chunkNames: 'shared',
    write: false,
    outdir: '.',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node20',
    format: 'esm',
    charset: 'utf8',
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: LINE,
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
}

const fileOf = (name: string): string => fileURLToPath(new URL(`../../buildspecs/${name}`, import.meta.url));
