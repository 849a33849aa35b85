import { readFileSync } from 'node:fs';
import { BuildSpec } from 'aws-cdk-lib/aws-codebuild';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { buildspecFile, programsOf } from './programs.ts';

const END = 'END_OF_FILE';

export type BuildSpecName = (typeof BUILD_SPECS)[number];
export const BUILD_SPECS = ['fetch-source', 'validate', 'scan', 'bake'] as const;

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
export function buildSpec(name: BuildSpecName): z.infer<typeof buildSpecSchema> {
  return buildSpecSchema.parse(
    parseWith(name, (files) =>
      [...programsOf(files)].map(([file, program]) => hereDocument(file, program)).join('\n'),
    ),
  );
}

/** As it stands in the template. CodeBuild counts what CDK would indent: a line of a program by eight spaces. */
export class YamlBuildSpec extends BuildSpec {
  readonly isImmediate = true;
  readonly #spec: z.infer<typeof buildSpecSchema>;

  constructor(name: BuildSpecName) {
    super();
    this.#spec = buildSpec(name);
  }

  toBuildSpec(): string {
    return stringify(this.#spec, { version: '1.1', indent: 1, indentSeq: false, lineWidth: 0 });
  }
}

/** The programs that each `!script` of a buildspec names. */
export function scriptsOf(name: BuildSpecName): string[][] {
  const found: string[][] = [];
  parseWith(name, (files) => {
    found.push([...files]);
    return '';
  });
  return found;
}

function parseWith(name: BuildSpecName, resolve: (files: readonly string[]) => string): unknown {
  const text = readFileSync(buildspecFile(`${name}.yml`), 'utf8');
  const script = { tag: '!script', resolve: (files: string) => resolve(files.split(' ')) };
  return parse(text, { customTags: [script] });
}

function hereDocument(file: string, text: string): string {
  if (!/^[\w.-]+$/.test(file))
    throw new Error(`found !script ${file}, must be the name of a file in buildspecs/`);
  if (text.includes(END)) throw new Error(`${file} holds ${END}, which would end it`);
  return `cat >${file} <<'${END}'\n${text.trimEnd()}\n${END}`;
}
