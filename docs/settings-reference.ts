/**
 * Writes docs/settings.md, the reference of every setting, from the schemas that read the files: descriptions, types,
 * defaults and examples are theirs, and what a value must be is what they say of a wrong one.
 */
import { Document as YamlDocument, isCollection, isMap, stringify } from 'yaml';
import * as z from 'zod';
import { deploymentSchema } from '../core/configuration/deployment-settings.ts';
import { factorySchema, imageSchema } from '../core/configuration/factory.ts';
import { NARROWING_KEYS, settingsSchema } from '../core/configuration/settings.ts';
import { inputSchema } from './json-schemas.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One file that people write, and the schema that reads it. */
interface Document {
  readonly title: string;
  readonly about: string;
  readonly schema: z.ZodType;
}

const DOCUMENTS: readonly Document[] = [
  {
    title: 'factory.yaml',
    about: 'The factory: its repository, its hub, its stages and their targets.',
    schema: factorySchema,
  },
  {
    title: 'image.yaml',
    about: 'One for each image, in `images/<image>/image.yaml`. The directory’s name is the image’s name.',
    schema: imageSchema,
  },
  {
    title: 'Layers',
    about: `What a bake is told, in \`config/default.yaml\`, \`config/<stage>.yaml\`, \`images/<image>/config/default.yaml\` and
\`images/<image>/config/<stage>.yaml\`; [later ones win](configuration.md#layers). What is required must be in any one of them.
\`--override\` sets the same for one release.`,
    schema: settingsSchema,
  },
  {
    title: 'packleader.config',
    about: `What [hub and targets are deployed with](deploying.md#what-to-say-in-packleaderconfig), in \`packleader.config\` beside \`package.json\`.
\`cdk.json\` may say the same under \`packleader:<key>\`; what both say is refused.`,
    schema: deploymentSchema,
  },
];

/** One setting, by its path: `stages[].targets`, `source.filter`. */
interface Setting {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
  /** What the schema says of a value that is nothing it knows. */
  readonly must: string;
  /** The smallest part of the file that shows it. */
  readonly examples: readonly unknown[];
}

export function settingsPage(): string {
  return [
    '<!-- Written by `npm run docs`; changes made here are lost. -->',
    '# Settings',
    `Every setting of the four kinds of file, with its type, its limits and an example. How layers are merged is told in
[Configuration](configuration.md). An unknown key is refused, with the nearest one that exists. Anything that looks like
a credential is refused as well.`,
    ...DOCUMENTS.flatMap(documentSection),
    narrowing(),
  ].join('\n\n');
}

function documentSection({ title, about, schema }: Document): string[] {
  const settings = settingsOf(schema);
  const rows = settings.map(
    (setting) =>
      `| [\`${setting.path}\`](#${anchorOf(setting.path)}) | ${typeOf(setting.schema)} | ${need(setting)} |`,
  );
  return [
    `## ${title}`,
    about,
    ['| Setting | Type | Default |', '| --- | --- | --- |', ...rows].join('\n'),
    ...settings.map(settingSection),
  ];
}

function settingSection(setting: Setting): string {
  const { path, schema, must, examples } = setting;
  const type = typeOf(schema);
  const needed = need(setting);
  const facts = [
    ...(must.startsWith(`must be a ${type}`) ? [] : [`${type.charAt(0).toUpperCase()}${type.slice(1)}.`]),
    ...(must === 'must be a map' ? [] : [`It ${must.replace(/\.$/, '')}.`]),
    needed === 'required' ? 'Required.' : `Default: ${needed}.`,
  ].join(' ');
  const yaml = examples.map((example) => ['```yaml', yamlOf(example, path), '```'].join('\n'));
  return [`### ${path}`, schema.description ?? '', facts, ...yaml].join('\n\n');
}

/** What surrounds a setting that is deeper inside is kept to one line, where it fits. */
function yamlOf(example: unknown, path: string): string {
  const inLines = stringify(example, { singleQuote: true }).trimEnd();
  if (!/[.[]/.test(path)) return inLines;
  const document = new YamlDocument(example);
  if (isMap(document.contents))
    for (const { value } of document.contents.items) if (isCollection(value)) value.flow = true;
  const inOne = document.toString({ singleQuote: true, lineWidth: 0 }).trimEnd();
  return inOne.length < LONGEST_LINE ? inOne : inLines;
}

/** Prettier would break a longer one. */
const LONGEST_LINE = 110;

/** GitHub’s anchor of a heading that is a path. */
const anchorOf = (path: string): string => path.toLowerCase().replace(/[^\w-]/g, '');

function need({ schema, required }: Setting): string {
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default).replaceAll('"', '')}\``;
  return required ? 'required' : 'none';
}

function narrowing(): string {
  return `## ${NARROWING_KEYS.join(' and ')}

Any layer may hold settings for some targets only. Both take a map, of regions or account ids of the factory’s targets to any of the
settings above; inside an account \`regions\` may stand once more.
[Which wins](configuration.md#for-some-targets-only).

\`\`\`yaml
regions:
  us-east-1:
    instanceType: m7a.large
accounts:
  '111111111111':
    instanceType: m7a.large
    regions:
      us-east-1:
        instanceType: m7a.xlarge
\`\`\``;
}

// ---------------------------------------------------------------------------------------------- from the schema

/** Every setting of a schema, a map before what it holds. */
export function settingsOf(schema: z.ZodType): Setting[] {
  const root = inputSchema(schema);
  const found: Setting[] = [];
  const visit = (at: JsonSchema, path: string, inherited: readonly unknown[]): void => {
    for (const [key, inner] of Object.entries(at.properties ?? {})) {
      if (typeof inner === 'boolean') continue;
      const here = path === '' ? key : `${path}.${key}`;
      const own = inner.examples?.map((example) => wrapped(here, example)) ?? [];
      const examples = own.length > 0 ? own : holding(inherited, here);
      const required = at.required?.includes(key) === true;
      found.push({ path: here, schema: inner, required, must: mustOf(schema, here), examples });
      visit(inner, here, examples);
      const { items } = inner;
      if (typeof items === 'object' && !Array.isArray(items)) visit(items, `${here}[]`, examples);
    }
  };
  visit(root, '', []);
  return found;
}

/** The first example of the map around a setting that holds it. */
function holding(examples: readonly unknown[], path: string): unknown[] {
  return examples.filter((example) => holds(example, stepsOf(path))).slice(0, 1);
}

/** `a.b` and 1 to `{ a: { b: 1 } }`. */
function wrapped(path: string, value: unknown): unknown {
  return stepsOf(path).reduceRight<unknown>(
    (inner, step) => (typeof step === 'number' ? [inner] : { [step]: inner }),
    value,
  );
}

/** `stages[].name` is `stages`, 0, `name`. */
const stepsOf = (path: string): (string | number)[] =>
  path.split('.').flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), 0] : [part]));

/** Whether something is there; any item of a list will do. */
function holds(value: unknown, [step, ...rest]: readonly (string | number)[]): boolean {
  if (step === undefined) return value !== undefined;
  if (typeof step === 'number') return Array.isArray(value) && value.some((item) => holds(item, rest));
  return typeof value === 'object' && value !== null && holds(Reflect.get(value, step), rest);
}

/** Asks the schema about a value that nothing can be: its answer says what would be right. */
function mustOf(schema: z.ZodType, path: string): string {
  const nonsense = wrapped(path, Symbol('nonsense'));
  const steps = stepsOf(path);
  const issues = schema.safeParse(nonsense).error?.issues ?? [];
  const issue = issues.find(({ path: at }) => at.join('.') === steps.join('.'));
  if (issue === undefined) throw new Error(`The schema says nothing of a wrong ${path}.`);
  return issue.message;
}

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one)).join(' or ');
  const { type, items, additionalProperties: values } = schema;
  if (type === 'integer') return 'whole number';
  if (type === 'array')
    return typeof items === 'object' && !Array.isArray(items) ? `list of ${many(typeOf(items))}` : 'list';
  if (Array.isArray(type)) return type.join(' or ');
  if (type !== 'object') return type ?? 'anything';
  const of = typeof values === 'object' ? typeOf(values) : '';
  return of === '' || of === 'anything' ? 'map' : `map of ${many(of)}`;
}

const many = (type: string): string =>
  type.replaceAll(/\b(string|number|map|list)\b(?! of)/g, '$1s').replaceAll(/\b(map|list) of/g, '$1s of');
